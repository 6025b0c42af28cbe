"""The mail-server probe: greets SMTP, IMAP and POP3 services and reads what they offer, before and after TLS."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.facts.mail.exchange import CertificateDigests, MailServer
from probes.interface import Asset, AssetKind, IPAddress, Line, Part, Probe, ProbeError, Reason, Sight, Yield
from probes.mail.greeting import greet
from probes.tls.chain import names_in

#: What is spoken on which port, and whether TLS comes first.
PROTOCOLS = {
    25: ("smtp", False),
    465: ("smtp", True),
    587: ("smtp", False),
    143: ("imap", False),
    993: ("imap", True),
    110: ("pop3", False),
    995: ("pop3", True),
}
_ANSWER = 1 << 17


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServerSettings:
    """Seconds a session may take, and whether VRFY is asked of SMTP servers on port 25.

    ``ports`` adds services elsewhere, as ``2525=smtp`` or ``9993=imap+tls``.
    """

    patience: float = 20.0
    verify: bool = True
    ports: tuple[str, ...] = ()


class MailServerProbe(Probe[MailServerSettings]):
    """Greets a mail service as a client would, and leaves; nothing is sent, no name is tried, no password given."""

    name: ClassVar[str] = "mail-server"
    version: ClassVar[str] = "2"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[MailServerSettings]] = MailServerSettings

    def wants(self, asset: Asset) -> bool:
        """A mail port that accepted a connection."""
        return asset.transport == "tcp" and asset.port in self._protocols() and bool(asset.addresses)

    def _protocols(self) -> dict[int, tuple[str, bool]]:
        own = {}
        for text in self.settings.ports:
            port, _, what = text.partition("=")
            protocol, _, tls = what.partition("+")
            if port.isdigit() and protocol in {"smtp", "imap", "pop3"}:
                own[int(port)] = (protocol, tls == "tls")
        return PROTOCOLS | own

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield what each address offers; raise when none could be greeted."""
        failures: list[ProbeError] = []
        seen = False
        for text in asset.addresses[:4]:
            try:
                yield await self._address(asset, ip_address(text), line)
                seen = True
            except ProbeError as error:
                failures.append(error)
        if failures and not seen:
            raise failures[0]

    async def _address(self, asset: Asset, address: IPAddress, line: Line) -> Sight:
        port = asset.port or 0
        protocol, implicit = self._protocols()[port]
        name = "" if asset.host == str(address) else asset.host
        stream = await line.connect(address, port, name=name, deadline=self.settings.patience, cap=_ANSWER)
        try:
            found = await greet(
                stream,
                protocol,
                ehlo=line.identity.ehlo,
                name=name,
                implicit=implicit,
                verify=self.settings.verify and port != 587,
            )
        except ProbeError as error:
            if error.reason is not Reason.NOT_SPOKEN:
                raise
            return Sight(fact=MailServer(protocol=protocol, address=str(address), port=port, spoken=False))
        finally:
            await stream.close()
        return Sight(
            fact=MailServer(
                protocol=protocol,
                address=str(address),
                port=port,
                spoken=True,
                banner=found.banner,
                protection=found.protection,
                clear=found.clear.capabilities,
                secure=found.secure.capabilities,
                clear_authentication=found.clear.mechanisms,
                secure_authentication=found.secure.mechanisms,
                verification=found.verification,
                own_name=found.clear.name or found.secure.name,
                chain=tuple(filter(None, map(_digests, found.chain[:10]))),
                detail=found.detail,
            ),
            captures=tuple(line.keep(der) for der in found.chain[:10]),
        )


def _digests(der: bytes) -> CertificateDigests | None:
    try:
        certificate = x509.load_der_x509_certificate(der)
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        names, dates = names_in(der), (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return CertificateDigests(
        sha256=hashlib.sha256(der).hexdigest(),
        sha512=hashlib.sha512(der).hexdigest(),
        key_sha256=hashlib.sha256(spki).hexdigest(),
        key_sha512=hashlib.sha512(spki).hexdigest(),
        names=names,
        not_before=dates[0],
        not_after=dates[1],
    )
