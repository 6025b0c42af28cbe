"""Rules on who may send in a domain's name: SPF (RFC 7208), DMARC (RFC 7489, RFC 9989) and DKIM (RFC 6376)."""

from __future__ import annotations

from ipaddress import ip_network

from probes.facts.dns import Presence
from probes.facts.mail import dmarc
from probes.facts.mail.dmarc import DmarcRecord, Policy
from probes.facts.mail.policies import DmarcPolicy, SpfFaultKind, SpfTree
from probes.facts.mail.tags import TagSyntaxError
from probes.interface import Part
from rules.interface import ObjectRef, Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.mail import MailView

_STRENGTH = {Policy.NONE: 0, Policy.QUARANTINE: 1, Policy.REJECT: 2}


def _spf(view: MailView) -> SpfTree | Verdict:
    """The SPF policy, or the verdict when there is none to judge."""
    found = view.spf
    if found is None or found.presence is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-seen")
    return found if found.records else not_applicable("no-spf")


@rule("mail-spf-published", reads=MailView, part=Part.EXPOSURE)
def spf_published(view: MailView) -> Verdict:
    """The domain says who may send in its name; when it has no exchanger of its own the risk is lower, not nil."""
    found = view.spf
    if found is None or found.presence is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-seen")
    if found.records:
        return met(record=found.records[0][:300])
    # An address alone takes mail by default (RFC 5321 5.1): that is a web site, more often than a mail domain.
    bare = view.exchangers is not None and view.exchangers.presence is Presence.ABSENT
    return not_met(severity=Severity.LOW if bare or view.receives is False else None, domain=view.domain)


@rule("mail-spf-valid", reads=MailView, part=Part.EXPOSURE)
def spf_valid(view: MailView) -> Verdict:
    """There is one SPF record and receivers can read it, includes' too."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    kinds = {SpfFaultKind.SYNTAX, SpfFaultKind.SEVERAL, SpfFaultKind.LOOP, SpfFaultKind.MANY_EXCHANGERS}
    faults = [f for f in found.faults if f.kind in kinds]
    if faults:
        worst = faults[0]
        flaw = f"spf-{worst.kind.value}:{worst.domain} {worst.detail}".strip()
        return not_met(record=" | ".join(found.records)[:300], flaw=flaw[:300], count=len(faults))
    return undetermined("spf-not-read-whole") if found.unread else met()


@rule("mail-spf-closed", reads=MailView, part=Part.EXPOSURE)
def spf_closed(view: MailView) -> Verdict:
    """The policy ends by refusing the rest; a soft refusal does when DMARC enforces."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    if any(f.domain == view.domain and f.kind is not SpfFaultKind.MANY_EXCHANGERS for f in found.faults):
        return not_applicable("no-valid-spf")
    if found.ending == "unknown":
        return undetermined("redirect-not-read")
    if found.ending == "-":
        return met()
    if found.ending == "~":
        return _soft(view)
    severity = Severity.CRITICAL if found.ending == "+" else None
    through = "".join(f" (include:{name})" for name in found.open_includes[-1:])
    return not_met(severity=severity, ending=f"{found.ending}all{through}" if found.ending else "-")


def _soft(view: MailView) -> Verdict:
    if view.dmarc is None or (not view.dmarc.record and view.dmarc.unread):
        return undetermined("dmarc-unknown")
    return met() if _enforces(view.dmarc) else not_met(severity=Severity.LOW, ending="~all")


@rule("mail-spf-lookups-within-limit", reads=MailView, part=Part.EXPOSURE)
def spf_lookups_within_limit(view: MailView, *, most: int = 10) -> Verdict:
    """Receivers stop at ten look-ups and then reject the whole policy (RFC 7208 4.6.4)."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    if found.lookups > most:
        dear = sorted({t.target for t in found.terms if t.depth == 0 and t.name in {"include", "redirect"}})
        return not_met(count=found.lookups, most=most, includes=", ".join(dear)[:300] or "-")
    # What a macro stands for costs its one look-up whatever it is; what was not read could hold more.
    return undetermined("spf-not-read-whole", count=found.lookups) if found.unread else met(count=found.lookups)


@rule("mail-spf-void-lookups-within-limit", reads=MailView, part=Part.EXPOSURE)
def spf_void_lookups_within_limit(view: MailView, *, most: int = 2) -> Verdict:
    """At most two look-ups find nothing: many receivers reject the policy beyond (RFC 7208 4.6.4)."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    names = sorted({t.target for t in found.terms if t.void})
    if found.voids > most:
        return not_met(count=found.voids, most=most, names=", ".join(names)[:300])
    unread = sum(t.presence is Presence.UNKNOWN and bool(t.reason) for t in found.terms)
    return undetermined("spf-not-read-whole") if found.voids + unread > most else met(count=found.voids)


@rule("mail-spf-targets-exist", reads=MailView, part=Part.EXPOSURE)
def spf_targets_exist(view: MailView) -> Verdict:
    """Every include leads to a policy; a domain that anybody could register would let anybody send."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    lost = [f for f in found.faults if f.kind is SpfFaultKind.NO_RECORD]
    if lost:
        free = any(f.registered is Presence.ABSENT for f in lost)
        refs = [ObjectRef(id=f.domain, name=f.domain) for f in lost]
        names = ", ".join(f.domain for f in lost)[:300]
        return not_met(*refs, severity=Severity.CRITICAL if free else None, names=names)
    return undetermined("spf-not-read-whole") if found.unread else met()


@rule("mail-spf-networks-narrow", reads=MailView, part=Part.EXPOSURE)
def spf_networks_narrow(view: MailView, *, longest4: int = 16, longest6: int = 32) -> Verdict:
    """The domain's own record lists no network so wide that strangers live in it."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    networks = map(ip_network, found.own_networks)
    wide = [n for n in networks if n.prefixlen <= (longest4 if n.version == 4 else longest6)]
    if not wide:
        return met()
    # Half of the Internet and more is "+all" by another name.
    severity = Severity.CRITICAL if any(n.prefixlen <= 1 for n in wide) else None
    return not_met(severity=severity, networks=", ".join(map(str, wide))[:300])


@rule("mail-spf-without-ptr", reads=MailView, part=Part.EXPOSURE)
def spf_without_ptr(view: MailView) -> Verdict:
    """The slow and unreliable ptr mechanism is not used (RFC 7208 5.5)."""
    found = _spf(view)
    if isinstance(found, Verdict):
        return found
    at = sorted({t.domain for t in found.terms if t.name == "ptr"})
    return not_met(domains=", ".join(at)[:300]) if at else met()


def _record(found: DmarcPolicy) -> DmarcRecord | None:
    try:
        return dmarc.parse(found.record) if found.record else None
    except TagSyntaxError:
        return None


def applied(found: DmarcPolicy, domain: str) -> Policy:
    """The policy that receivers apply to a domain: its own, or what its parent says of subdomains."""
    record = _record(found)
    if record is None:
        return Policy.NONE
    inherited = record.subdomain if found.found_at != domain else None
    return inherited or record.policy or Policy.NONE


def _enforces(found: DmarcPolicy) -> bool:
    place = found.steps[0].domain if found.steps else found.found_at
    return applied(found, place) is not Policy.NONE


def _dmarc(view: MailView) -> DmarcPolicy | Verdict:
    """The DMARC policy, or the verdict when there is none to judge."""
    found = view.dmarc
    if found is None or found.unread:
        return undetermined(found.unread if found else "not-seen")
    return found if found.record else not_applicable("no-dmarc")


@rule("mail-dmarc-published", reads=MailView, part=Part.EXPOSURE)
def dmarc_published(view: MailView) -> Verdict:
    """The domain, or the organisation it belongs to, tells receivers what to do with mail that fails."""
    found = view.dmarc
    if found is None or found.unread:
        return undetermined(found.unread if found else "not-seen")
    if found.record:
        return met(record=found.record[:300], at=found.found_at)
    there = next((s for s in found.steps if s.records and s.domain in {view.domain, found.organisational}), None)
    shown = " | ".join(there.records)[:300] if there else "-"
    return not_met(severity=Severity.MEDIUM if view.receives is False else None, record=shown)


@rule("mail-dmarc-enforced", reads=MailView, part=Part.EXPOSURE)
def dmarc_enforced(view: MailView) -> Verdict:
    """The policy that applies is quarantine or reject."""
    found = _dmarc(view)
    if isinstance(found, Verdict):
        return found
    return met() if applied(found, view.domain) is not Policy.NONE else not_met(record=found.record[:300])


@rule("mail-dmarc-subdomains-covered", reads=MailView, part=Part.EXPOSURE)
def dmarc_subdomains_covered(view: MailView) -> Verdict:
    """Names beneath the domain, and names that do not exist, are protected as well as the domain itself."""
    found = _dmarc(view)
    if isinstance(found, Verdict):
        return found
    record = _record(found)
    if record is None or found.found_at != view.domain:
        return not_applicable("policy-of-the-organisation")
    own = _STRENGTH[record.policy or Policy.NONE]
    weak = [
        f"{tag}={policy.value}"
        for tag, policy in (("sp", record.subdomain), ("np", record.nonexistent))
        if policy is not None and _STRENGTH[policy] < own
    ]
    return not_met(tags=", ".join(weak), record=found.record[:300]) if weak else met()


@rule("mail-dmarc-applied-whole", reads=MailView, part=Part.EXPOSURE)
def dmarc_applied_whole(view: MailView) -> Verdict:
    """An enforced policy applies to all mail: no share of it, no test mode."""
    found = _dmarc(view)
    if isinstance(found, Verdict):
        return found
    record = _record(found)
    if record is None or applied(found, view.domain) is Policy.NONE:
        return not_applicable("dmarc-not-enforced")
    told = [f"pct={record.percent}"] if record.percent < 100 else []
    told += ["t=y"] if record.testing else []
    return not_met(tags=", ".join(told), record=found.record[:300]) if told else met()


@rule("mail-dmarc-reports-collected", reads=MailView, part=Part.EXPOSURE)
def dmarc_reports_collected(view: MailView) -> Verdict:
    """Reports are asked for: without them nobody knows what fails."""
    found = _dmarc(view)
    if isinstance(found, Verdict):
        return found
    record = _record(found)
    return met() if record and record.aggregate else not_met(record=found.record[:300])


@rule("mail-dmarc-report-targets-agree", reads=MailView, part=Part.EXPOSURE)
def dmarc_report_targets_agree(view: MailView) -> Verdict:
    """A report address in another organisation's domain is accepted there, else reports are not sent."""
    found = _dmarc(view)
    if isinstance(found, Verdict):
        return found
    external = [t for t in found.targets if t.external]
    if not external:
        return not_applicable("no-external-target")
    refused = sorted({t.domain for t in external if t.authorised is Presence.ABSENT})
    if refused:
        return not_met(domains=", ".join(refused), domain=found.found_at)
    return undetermined("target-not-read") if any(t.authorised is Presence.UNKNOWN for t in external) else met()


@rule("mail-dkim-published", reads=MailView, part=Part.EXPOSURE)
def dkim_published(view: MailView) -> Verdict:
    """A domain that takes mail can sign its own: its branch of DKIM keys exists (RFC 8020)."""
    found = view.dkim
    if found is None or found.branch is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-seen")
    if any(s.presence is Presence.PRESENT and not s.revoked and not s.fault for s in found.selectors):
        return met()
    if found.branch is Presence.ABSENT:
        if view.receives is False:
            return not_applicable("takes-no-mail")
        if view.receives is None or view.exchangers is None:
            return undetermined("exchangers-unknown")
        if view.exchangers.presence is Presence.ABSENT:
            return not_applicable("no-exchanger")
        return not_met(domain=view.domain)
    return undetermined("selectors-unknown")


@rule("mail-dkim-selectors-present", reads=MailView, part=Part.EXPOSURE)
def dkim_selectors_present(view: MailView) -> Verdict:
    """Every declared selector has a key that verifiers can use; a revoked one is history, not a fault."""
    found = view.dkim
    if found is None or (found.branch is Presence.UNKNOWN and not found.selectors):
        return undetermined(found.reason if found else "not-seen")
    declared = [s for s in found.selectors if s.declared]
    if not declared:
        return not_applicable("no-declared-selector")
    lost = [s for s in declared if s.presence is Presence.ABSENT or s.fault]
    if lost:
        return not_met(selectors=", ".join(s.selector for s in lost)[:300])
    return undetermined("selector-not-read") if any(s.presence is Presence.UNKNOWN for s in declared) else met()


@rule("mail-dkim-keys-strong", reads=MailView, part=Part.EXPOSURE)
def dkim_keys_strong(view: MailView, *, least_bits: int = 2048) -> Verdict:
    """DKIM keys cannot be broken: RSA of 2048 bits or Ed25519 (RFC 8301, RFC 8463)."""
    found = view.dkim
    if found is None or found.branch is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-seen")
    keys = [s for s in found.selectors if s.bits and not s.revoked]
    if not keys:
        return not_applicable("no-key-seen")
    weak = [s for s in keys if s.algorithm == "rsa" and s.bits < least_bits]
    if not weak:
        return met()
    refs = [ObjectRef(id=s.selector, name=f"{s.selector} ({s.bits})") for s in weak]
    worst = min(s.bits for s in weak)
    return not_met(
        *refs,
        severity=Severity.HIGH if worst < 1024 else None,
        keys=", ".join(f"{s.selector} ({s.bits})" for s in weak)[:300],
        least=least_bits,
    )


@rule("mail-dkim-not-in-test", reads=MailView, part=Part.EXPOSURE)
def dkim_not_in_test(view: MailView) -> Verdict:
    """No key tells verifiers to take its signatures as a trial (t=y)."""
    found = view.dkim
    if found is None or found.branch is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-seen")
    keys = [s for s in found.selectors if s.bits and not s.revoked]
    if not keys:
        return not_applicable("no-key-seen")
    trial = [s.selector for s in keys if s.testing]
    return not_met(selectors=", ".join(trial)[:300]) if trial else met()


@rule("mail-unused-domain-closed", reads=MailView, part=Part.EXPOSURE)
def unused_domain_closed(view: MailView) -> Verdict:
    """A domain that takes no mail says that it sends none either: SPF `-all`, DMARC reject."""
    if view.receives is None:
        return undetermined("exchangers-unknown")
    if view.receives:
        return not_applicable("takes-mail")
    if view.spf is None or view.spf.presence is Presence.UNKNOWN or view.dmarc is None or view.dmarc.unread:
        return undetermined("policy-not-read")
    if view.spf.terms or view.spf.networks:
        return not_applicable("sends-mail")
    lacks = [] if view.spf.ending == "-" else ["v=spf1 -all"]
    if applied(view.dmarc, view.domain) is not Policy.REJECT:
        lacks.append("p=reject")
    return not_met(lacks=", ".join(lacks)) if lacks else met()
