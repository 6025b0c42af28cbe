"""ANSSI control points on the certificate services that a forest trusts."""

from __future__ import annotations

from collections import defaultdict

from probes.interface import Part
from rules.catalogue.directory_rights import controlled, judged
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.certificates import certificates, weakness
from rules.views.control import Controlled
from rules.views.forest import ForestView
from rules.views.objects import Thing
from rules.views.rights import Target

DIRECTORY = Part.DIRECTORY
#: Uses by which a certificate logs on: client authentication, smart card, PKINIT, any.
_LOGON = frozenset({"1.3.6.1.5.5.7.3.2", "1.3.6.1.4.1.311.20.2.2", "1.3.6.1.5.2.3.4", "2.5.29.37.0"})
_SUBJECT_BY_REQUESTER, _APPROVAL = 0x1, 0x2
_TEMPLATE = "pkicertificatetemplate"


def _services(seen: ForestView) -> str:
    return f"CN=Public Key Services,CN=Services,{seen.configuration.fact.dn}"


def _authorities(seen: ForestView) -> list[Thing]:
    return seen.services("pkienrollmentservice")


class _Hosts:
    """The authorities' own computers: each may write what bears its authority's name, or its own (CDP)."""

    def __init__(self, seen: ForestView) -> None:
        accounts = [a for t in seen.forest.domains.values() for a in t.accounts if a.computer]
        machines = {a.name.lower().rstrip("$"): a.sid for a in accounts}
        self._of: dict[str, set[str]] = defaultdict(set)
        for authority in _authorities(seen):
            host = authority.text("dnshostname").partition(".")[0].lower()
            if host in machines:
                self._of[authority.name.lower()].add(machines[host])
                self._of[host].add(machines[host])
        found = {sid for sids in self._of.values() for sid in sids}
        groups = seen.forest.memberships(seen.forest.name)
        mine = (s for s in groups if s.startswith("S-1-5-21-") and s.endswith("-517"))
        #: Certificate Publishers, when it holds nobody else.
        self._publishers = frozenset(s for s in mine if groups[s] <= found)

    def of(self, thing: Thing) -> frozenset[str]:
        """Return the SIDs that are expected to control an object."""
        path = (part.partition("=")[2] for part in thing.dn.lower().split(","))
        return self._publishers.union(*(self._of[name] for name in path if name in self._of))


@rule("pki-controlled-by-the-privileged-only", reads=ForestView, part=DIRECTORY)
def pki_controlled(seen: ForestView) -> Verdict:
    """Nobody unprivileged controls the stores and authorities of the public key services."""
    hosts = _Hosts(seen)
    objects = [
        Controlled(ref=t.ref, descriptor=t.descriptor, target=Target.STORE, spared=hosts.of(t))
        for t in seen.configuration.below(_services(seen))
        if _TEMPLATE not in t.classes
    ]
    missing = "" if seen.complete else "collection-cut"
    if not objects:
        return undetermined(missing, (1,)) if missing else not_applicable("no-pki")
    return controlled(seen.forest.control(seen.forest.name), objects, (1,), missing=missing)


def _published(seen: ForestView) -> set[str]:
    return {name.lower() for t in _authorities(seen) for name in t.texts("certificatetemplates")}


@rule("templates-controlled-by-the-privileged-only", reads=ForestView, part=DIRECTORY)
def templates_controlled(seen: ForestView) -> Verdict:
    """Nobody unprivileged controls a certificate template: level 1 for the published ones, level 2 for any."""
    templates, published = seen.services(_TEMPLATE), _published(seen)
    if not templates:
        return not_applicable("no-template") if seen.complete else undetermined("collection-cut", (1, 2))
    control = seen.forest.control(seen.forest.name)
    exposures = [
        control.exposure(
            Controlled(ref=t.ref, descriptor=t.descriptor, target=Target.TEMPLATE)
            for t in templates
            if (t.name.lower() in published) is wanted
        )
        for wanted in (True, False)
    ]
    missing = "" if seen.complete else "collection-cut"
    missing = missing or ("descriptor-not-readable" if any(e.unread for e in exposures) else "")
    missing = missing or ("principal-not-readable" if any(e.uncertain for e in exposures) else "")
    for holding in exposures[0].holdings:
        holding.direct |= holding.other
    for holding in exposures[1].holdings:
        holding.other |= holding.direct
        holding.direct.clear()
    return judged([h for e in exposures for h in e.holdings], (1, 2), missing=missing)


@rule("logon-templates-name-their-subject", reads=ForestView, part=DIRECTORY)
def logon_templates_name_their_subject(seen: ForestView) -> Verdict:
    """No published template for logon lets anybody unprivileged choose the subject of the certificate."""
    trusted = {c for t in seen.services("certificationauthority") if t.name.lower() == "ntauthcertificates"
               for c in t.values.get("cacertificate", ())}  # fmt: skip
    authorities = [t for t in _authorities(seen) if trusted & set(t.values.get("cacertificate", ()))]
    published = {name.lower() for t in authorities for name in t.texts("certificatetemplates")}
    open_ones = [t for t in seen.services(_TEMPLATE) if t.name.lower() in published and _chosen_subject(t)]
    control = seen.forest.control(seen.forest.name)
    bad, missing = [], "" if seen.complete else "collection-cut"
    for template in open_ones:
        one = Controlled(ref=template.ref, descriptor=template.descriptor, target=Target.TEMPLATE)
        exposure = control.exposure([one], enroll=True)
        bad += [template.ref] if exposure.holdings else []
        missing = missing or ("descriptor-not-readable" if exposure.unread or exposure.uncertain else "")
    if bad:
        return not_met(*bad, levels=(1,), count=len(bad), first=bad[0].name)
    if missing:
        return undetermined(missing, (1,))
    return met() if authorities else not_applicable("no-authority-trusted-for-logon")


def _chosen_subject(template: Thing) -> bool:
    uses = set(template.texts("pkiextendedkeyusage")) | set(template.texts("mspki-certificate-application-policy"))
    return bool(
        (template.number("mspki-certificate-name-flag") or 0) & _SUBJECT_BY_REQUESTER
        and not (template.number("mspki-enrollment-flag") or 0) & _APPROVAL
        and not template.number("mspki-ra-signature")
        and (not uses or uses & _LOGON)
    )


@rule("trusted-certificates-strong", reads=ForestView, part=DIRECTORY)
def trusted_certificates_strong(seen: ForestView) -> Verdict:
    """Every certificate that the forest trusts has a sound key and a sound signature."""
    found = {c[1]: c for c in certificates(seen.configuration, _services(seen))}
    weak = [w for thing, data in found.values() if (w := weakness(thing, data)) is not None]
    missing = () if seen.complete else (1, 2, 3)
    if weak:
        levels = tuple(sorted({w.level for w in weak}))
        refs = [w.ref for w in weak]
        others = tuple(n for n in missing if n not in levels)
        return not_met(*refs, levels=levels, open_levels=others, count=len(refs), first=refs[0].name)
    if missing:
        return undetermined("collection-cut", missing)
    return met(count=len(found)) if found else not_applicable("no-certificate")
