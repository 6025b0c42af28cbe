"""Certificate templates open to all, beside ANSSI's points: what else their holders could do (ESC2, 3, 9, 13, 15)."""

from __future__ import annotations

from collections.abc import Callable

from probes.interface import Part
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import Controlled
from rules.views.forest import ForestView
from rules.views.objects import Thing
from rules.views.rights import Target

DIRECTORY = Part.DIRECTORY
_ANY_PURPOSE, _AGENT = "2.5.29.37.0", "1.3.6.1.4.1.311.20.2.1"
#: Uses by which a certificate logs on: client authentication, smart card, PKINIT, any.
_LOGON = frozenset({"1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2", "1.3.6.1.5.2.3.4", _ANY_PURPOSE})
#: msPKI-Enrollment-Flag and msPKI-Certificate-Name-Flag (MS-CRTD 2.26, 2.28).
_APPROVAL, _NO_SECURITY_EXTENSION, _SUBJECT_BY_REQUESTER = 0x2, 0x80000, 0x1


def _open_to_all(seen: ForestView, at_fault: Callable[[Thing], bool]) -> Verdict:
    """Judge the published templates in which anybody unprivileged may enrol without approval nor signature."""
    published = {n.lower() for t in seen.services("pkienrollmentservice") for n in t.texts("certificatetemplates")}
    bad, missing = [], "" if seen.complete else "collection-cut"
    for template in seen.services("pkicertificatetemplate"):
        held = (template.number("mspki-enrollment-flag") or 0) & _APPROVAL or template.number("mspki-ra-signature")
        if template.name.lower() not in published or held or not at_fault(template):
            continue
        one = Controlled(ref=template.ref, descriptor=template.descriptor, target=Target.TEMPLATE)
        exposure = seen.forest.control(seen.forest.name).exposure([one], enroll=True)
        bad += [template.ref] if exposure.holdings else []
        missing = missing or ("descriptor-not-readable" if exposure.unread or exposure.uncertain else "")
    if bad:
        return not_met(*bad, count=len(bad), first=bad[0].name)
    if missing:
        return undetermined(missing)
    return met() if published else not_applicable("no-template")


def _uses(template: Thing) -> set[str]:
    return set(template.texts("pkiextendedkeyusage")) | set(template.texts("mspki-certificate-application-policy"))


def _logs_on(template: Thing) -> bool:
    return not _uses(template) or bool(_uses(template) & _LOGON)


@rule("templates-of-one-purpose", reads=ForestView, part=DIRECTORY)
def templates_of_one_purpose(seen: ForestView) -> Verdict:
    """No template open to all is good for any purpose (ESC2)."""
    return _open_to_all(seen, lambda t: not _uses(t) or _ANY_PURPOSE in _uses(t))


@rule("enrolment-agents-reserved", reads=ForestView, part=DIRECTORY)
def enrolment_agents_reserved(seen: ForestView) -> Verdict:
    """No template open to all makes an enrolment agent, who asks for certificates in others' names (ESC3)."""
    return _open_to_all(seen, lambda t: _AGENT in _uses(t))


@rule("logon-certificates-bound-to-their-account", reads=ForestView, part=DIRECTORY)
def logon_certificates_bound(seen: ForestView) -> Verdict:
    """No template open to all leaves the account's SID out of a logon certificate (ESC9)."""
    return _open_to_all(
        seen, lambda t: _logs_on(t) and bool((t.number("mspki-enrollment-flag") or 0) & _NO_SECURITY_EXTENSION)
    )


@rule("issuance-policies-without-group", reads=ForestView, part=DIRECTORY)
def issuance_policies_without_group(seen: ForestView) -> Verdict:
    """No template open to all gives, by its issuance policy, the rights of a group (ESC13)."""
    linked = {
        t.text("mspki-cert-template-oid")
        for t in seen.services("mspki-enterprise-oid")
        if t.text("msds-oidtogrouplink")
    }
    return _open_to_all(seen, lambda t: _logs_on(t) and bool(linked & set(t.texts("mspki-certificate-policy"))))


@rule("old-templates-name-their-subject", reads=ForestView, part=DIRECTORY)
def old_templates_name_their_subject(seen: ForestView) -> Verdict:
    """No template of the first version, open to all, lets the subject be chosen: uses can be added to it (ESC15)."""
    return _open_to_all(
        seen,
        lambda t: (
            t.number("mspki-template-schema-version") == 1
            and bool((t.number("mspki-certificate-name-flag") or 0) & _SUBJECT_BY_REQUESTER)
        ),
    )
