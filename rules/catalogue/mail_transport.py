"""Rules on how a domain's mail travels: exchangers, MTA-STS (RFC 8461) and TLS-RPT (RFC 8460)."""

from __future__ import annotations

from probes.facts.dns import Presence
from probes.facts.mail.exchange import Exchangers, MailServer, PolicyState, StartTls, TransportPolicies
from probes.facts.mail.transport import Mode, MtaStsPolicy
from probes.interface import Part
from rules.dane import dane_protects
from rules.interface import ObjectRef, Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.mail import MailView


def taken_by(view: MailView) -> Exchangers | Verdict:
    """Return the exchangers, or the verdict when the domain takes no mail or nothing is known."""
    found = view.exchangers
    if found is None or found.presence is Presence.UNKNOWN:
        return undetermined(found.reason if found else "not-seen")
    return found if found.hosts else not_applicable("no-exchanger")


@rule("mail-exchangers-exist", reads=MailView, part=Part.EXPOSURE)
def exchangers_exist(view: MailView) -> Verdict:
    """Every exchanger has an address; one in a domain that anybody could register would take the mail."""
    found = taken_by(view)
    if isinstance(found, Verdict):
        return found
    lost = [h for h in found.hosts if h.addressed is Presence.ABSENT]
    if lost:
        free = any(h.registered is Presence.ABSENT for h in lost)
        refs = [ObjectRef(id=h.name, name=h.name) for h in lost]
        names = ", ".join(h.name for h in lost)[:300]
        return not_met(*refs, severity=Severity.CRITICAL if free else None, names=names)
    unread = [h for h in found.hosts if h.addressed is Presence.UNKNOWN]
    return undetermined(unread[0].reason or "not-read") if unread else met()


@rule("mail-exchangers-are-no-aliases", reads=MailView, part=Part.EXPOSURE)
def exchangers_are_no_aliases(view: MailView) -> Verdict:
    """No MX record points to a CNAME (RFC 2181 10.3)."""
    found = taken_by(view)
    if isinstance(found, Verdict):
        return found
    aliases = [h.name for h in found.hosts if h.alias]
    return not_met(names=", ".join(aliases)[:300]) if aliases else met()


@rule("mail-exchangers-take-tls", reads=MailView, part=Part.EXPOSURE)
def exchangers_take_tls(view: MailView) -> Verdict:
    """Every exchanger offers STARTTLS; those outside the mandate are named, never connected to."""
    found = taken_by(view)
    if isinstance(found, Verdict):
        return found
    bare = sorted(
        name
        for name, servers in view.servers.items()
        if any(s.spoken and s.protection in {StartTls.ABSENT, StartTls.BROKEN} for s in servers)
    )
    if bare:
        return not_met(*(ObjectRef(id=n, name=n) for n in bare), names=", ".join(bare)[:300])
    if view.outside:
        return undetermined("out-of-scope", names=", ".join(view.outside)[:300])
    doubtful = [n for n, servers in view.servers.items() if any(not _protected(s) for s in servers)]
    if view.unseen or doubtful:
        reason = next(iter(view.unseen.values()), "not-greeted")
        return undetermined(reason, names=", ".join(sorted({*view.unseen, *doubtful}))[:300])
    return met()


def _protected(server: MailServer) -> bool:
    return server.spoken and server.protection in {StartTls.OFFERED, StartTls.IMPLICIT}


def _transport(view: MailView) -> TransportPolicies | Verdict:
    """What senders are told, or the verdict when the domain takes no mail or nothing is known."""
    if view.receives is False:
        return not_applicable("takes-no-mail")
    return view.transport if view.transport is not None else undetermined("not-seen")


@rule("mail-sts-published", reads=MailView, part=Part.EXPOSURE)
def sts_published(view: MailView) -> Verdict:
    """Senders are told to refuse a path without TLS; DANE says the same where the DNS is signed."""
    found = _transport(view)
    if isinstance(found, Verdict):
        return found
    if found.sts is Presence.UNKNOWN:
        return undetermined(found.reason)
    if found.sts is Presence.PRESENT:
        return met()
    if view.exchangers is None or view.exchangers.presence is Presence.UNKNOWN:
        return undetermined("exchangers-unknown")
    protected = dane_protects(view.exchangers)
    if protected is None:
        unread = any(host.tlsa_presence is Presence.UNKNOWN for host in view.exchangers.hosts)
        return undetermined("tlsa-not-read" if unread else "dnssec-not-validated")
    return not_applicable("dane-instead") if protected else not_met(domain=view.domain)


@rule("mail-sts-policy-usable", reads=MailView, part=Part.EXPOSURE)
def sts_policy_usable(view: MailView) -> Verdict:
    """A published MTA-STS record leads to a policy that senders can use."""
    found = _transport(view)
    if isinstance(found, Verdict):
        return found
    if found.sts is not Presence.PRESENT:
        return not_applicable("no-mta-sts")
    if found.sts_fault:
        return not_met(flaw=f"record-faulty:{found.sts_fault}")
    if found.policy is PolicyState.READ:
        return met(mode=found.mode, max_age=found.max_age)
    if found.policy in {PolicyState.UNKNOWN, PolicyState.OUT_OF_SCOPE, PolicyState.NOT_ASKED}:
        return undetermined(found.policy.value)
    return not_met(flaw=f"sts-{found.policy.value}:{found.policy_detail}".rstrip(":"))


@rule("mail-sts-covers-exchangers", reads=MailView, part=Part.EXPOSURE)
def sts_covers_exchangers(view: MailView) -> Verdict:
    """The policy names every exchanger: when it is enforced, mail to another is not delivered."""
    found = _transport(view)
    if isinstance(found, Verdict):
        return found
    if found.policy is not PolicyState.READ or found.mode == Mode.NONE:
        return not_applicable("no-policy-read")
    hosts = view.exchangers
    if hosts is None or hosts.presence is Presence.UNKNOWN:
        return undetermined("exchangers-unknown")
    policy = MtaStsPolicy(mode=Mode(found.mode), max_age=found.max_age, mx=found.patterns)
    lost = [h.name for h in hosts.hosts if not policy.matches(h.name)]
    severity = None if found.mode == Mode.ENFORCE else Severity.LOW
    return not_met(severity=severity, names=", ".join(lost)[:300], mode=found.mode) if lost else met()


@rule("mail-sts-lasting", reads=MailView, part=Part.EXPOSURE)
def sts_lasting(view: MailView, *, least_seconds: int = 86_400) -> Verdict:
    """The policy is enforced and remembered for a day at least."""
    found = _transport(view)
    if isinstance(found, Verdict):
        return found
    if found.policy is not PolicyState.READ:
        return not_applicable("no-policy-read")
    if found.mode == Mode.ENFORCE and found.max_age >= least_seconds:
        return met(mode=found.mode, max_age=found.max_age)
    return not_met(mode=found.mode, max_age=found.max_age)


@rule("mail-tls-reports-collected", reads=MailView, part=Part.EXPOSURE)
def tls_reports_collected(view: MailView) -> Verdict:
    """Senders are told where to report that TLS failed."""
    found = _transport(view)
    if isinstance(found, Verdict):
        return found
    if found.reports is Presence.UNKNOWN:
        return undetermined("not-read")
    if found.reports is Presence.ABSENT:
        return not_met(flaw="record-absent")
    return not_met(severity=Severity.LOW, flaw=f"record-faulty:{found.reports_fault}") if found.reports_fault else met()
