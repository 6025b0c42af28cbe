"""The mail probe: what a domain says of its mail, in the DNS and in its MTA-STS policy."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import ClassVar

from probes.dns.probe import ROOTS
from probes.facts.dns import Presence
from probes.interface import Asset, AssetKind, Line, Part, Probe, ProbeError, Reason, Sight, Yield
from probes.mail.dkim import USUAL, dkim_keys
from probes.mail.dmarc import dmarc_policy
from probes.mail.lookup import Lookup
from probes.mail.spf import spf_tree
from probes.mail.transport import PolicyHost, exchangers, transport_policies


@dataclass(frozen=True, slots=True, kw_only=True)
class MailSettings:
    """The resolver and the roots as the DNS probe has them; DKIM selectors, declared (``name`` for every domain,
    ``name@domain`` for one) and usual; the port and trust anchors (PEM file) of MTA-STS policies. ``dns_anchors`` are
    the DNSSEC probe's own."""

    resolver: str = ""
    roots: tuple[str, ...] = ROOTS
    selectors: tuple[str, ...] = ()
    usual_selectors: tuple[str, ...] = USUAL
    policy_port: int = 443
    anchors: str = ""
    dns_anchors: tuple[str, ...] | None = None


class MailProbe(Probe[MailSettings]):
    """Sees a domain's policies: SPF to its leaves, DMARC up to the organisation, DKIM, exchangers, MTA-STS."""

    name: ClassVar[str] = "mail"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 1
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.DOMAIN})
    Settings: ClassVar[type[MailSettings]] = MailSettings

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the five facts of a domain; the hosts that its policies name are their leads."""
        settings, domain = self.settings, asset.name
        lookup = Lookup(
            line,
            resolver=settings.resolver,
            roots=settings.roots,
            walking=domain,
            anchors=settings.dns_anchors,
        )
        mx = await exchangers(lookup, domain)
        spf = await spf_tree(lookup, domain)
        if mx.presence is Presence.UNKNOWN and spf.presence is Presence.UNKNOWN:
            raise ProbeError(Reason(mx.reason), f"nothing could be told of the mail of {domain}")
        yield Sight(fact=mx)
        yield Sight(fact=spf)
        yield Sight(fact=await dmarc_policy(lookup, domain))
        yield Sight(fact=await dkim_keys(lookup, domain, settings.selectors, settings.usual_selectors))
        host = PolicyHost(port=settings.policy_port, anchors=settings.anchors)
        yield Sight(fact=await transport_policies(lookup, line, domain, host))
