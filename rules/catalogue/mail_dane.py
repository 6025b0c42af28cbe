"""Rules on DANE for mail: TLSA records that bind a domain's exchangers (RFC 7672)."""

from __future__ import annotations

from probes.facts.dns import Presence
from probes.facts.mail.exchange import Exchanger, MailServer, StartTls
from probes.interface import Part
from rules.catalogue.mail_transport import taken_by
from rules.dane import accepted, binding, usable
from rules.interface import ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.mail import MailView


@rule("mail-dane-matches", reads=MailView, part=Part.EXPOSURE)
def dane_matches(view: MailView) -> Verdict:
    """Where TLSA records bind an exchanger, it offers TLS with a certificate they name: else senders hold mail."""
    found = taken_by(view)
    if isinstance(found, Verdict):
        return found
    bound = [h for h in found.hosts if binding(h)]
    unread = [h.name for h in found.hosts if h.tlsa_presence is Presence.UNKNOWN]
    if not bound and not unread:
        return not_applicable("no-secure-tlsa")
    refused = {h.name: flaw for h in bound if h.tlsa_secure and (flaw := _refused(view, h))}
    if refused:
        flaw = "starttls-absent" if "starttls-absent" in refused.values() else min(refused.values())
        return not_met(*_refs(refused), names=", ".join(refused)[:300], flaw=flaw)
    if any(not h.tlsa_secure for h in bound):
        return undetermined("dnssec-not-validated")
    if unread:
        return undetermined("tlsa-not-read", names=", ".join(unread)[:300])
    unseen = [h.name for h in bound if not _accepted_everywhere(view, h)]
    if unseen:
        outside = set(unseen) <= set(view.outside)
        return undetermined("out-of-scope" if outside else "certificate-not-seen", names=", ".join(unseen)[:300])
    return met()


@rule("mail-dane-effective", reads=MailView, part=Part.EXPOSURE)
def dane_effective(view: MailView) -> Verdict:
    """TLSA records that are published bind senders: DNSSEC proves them, and one at least is of use to SMTP."""
    found = taken_by(view)
    if isinstance(found, Verdict):
        return found
    holders = [h for h in found.hosts if h.tlsa]
    idle = {h.name: flaw for h in holders if (flaw := _idle(h))}
    if idle:
        return not_met(*_refs(idle), names=", ".join(idle)[:300], flaw=min(idle.values()))
    unread = [h.name for h in found.hosts if h.tlsa_presence is Presence.UNKNOWN]
    if unread:
        return undetermined("tlsa-not-read", names=", ".join(unread)[:300])
    if not holders:
        return not_applicable("no-tlsa")
    return met() if all(h.tlsa_secure for h in holders) else undetermined("dnssec-not-validated")


def _idle(host: Exchanger) -> str:
    """Why nobody is bound by a host's records, or ""."""
    if not any(map(usable, host.tlsa)):
        return "tlsa-unusable"
    return "tlsa-not-signed" if host.tlsa_secure is False else ""


def _refused(view: MailView, host: Exchanger) -> str:
    """Why a sender would hold its mail at one address of a host, or "".

    Records that are proved but of no use still ask for TLS, with any certificate (RFC 7672 2.2).
    """
    servers = view.servers.get(host.name, ())
    if any(s.spoken and s.protection in {StartTls.ABSENT, StartTls.BROKEN} for s in servers):
        return "starttls-absent"
    return "certificate-in-no-tlsa" if any(_taken(view, host, s) is False for s in servers) else ""


def _taken(view: MailView, host: Exchanger, server: MailServer) -> bool | None:
    if not server.chain:
        return None
    if not any(map(usable, host.tlsa)):
        return True
    return accepted(host.tlsa, server.chain, (host.name, view.domain), view.seen_at)


def _accepted_everywhere(view: MailView, host: Exchanger) -> bool:
    servers = view.servers.get(host.name, ())
    return bool(servers) and all(_taken(view, host, server) for server in servers)


def _refs(names: dict[str, str]) -> tuple[ObjectRef, ...]:
    return tuple(ObjectRef(id=name, name=name) for name in names)
