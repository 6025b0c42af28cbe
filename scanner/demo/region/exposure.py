"""What the probes would have seen from the Internet of an establishment, given its faults."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from probes.facts.dns import Delegation, NameServerSeen
from probes.facts.tls import Acceptance, CertificateChain, PathState, TlsProfile, Version, VersionSeen
from probes.facts.web import Cookie, Hop, OpenFile, Proof, WebFiles, WebOrigin
from probes.interface import Asset, AssetKind, Fact
from scanner.demo.region.towns import Town

_HOSTS = ("www", "webmail", "rdv", "extranet")
_ECDHE_GCM, _RSA_RC4, _RSA_CBC, _TLS13 = 0xC02F, 0x0005, 0x002F, 0x1302


def sights(town: Town, faults: frozenset[str], at: datetime) -> Iterator[tuple[Asset, Fact]]:
    """Yield (asset, fact) pairs."""
    yield Asset(kind=AssetKind.DOMAIN, name=town.domain), _delegation(town, faults)
    for host in _HOSTS:
        name = f"{host}.{town.domain}"
        service = Asset(kind=AssetKind.SERVICE, name=f"tcp/443@{name}", found_by=f"host:{name}")
        yield service, _profile(host, faults)
        yield service, _chain(host, name, faults, at)
        yield service, _origin(host, name, faults)
        yield service, _files(host, faults)


def _delegation(town: Town, faults: frozenset[str]) -> Delegation:
    second = "192.0.2.54" if "one-network" in faults else "198.51.100.53"
    opened = "transfer-open" in faults
    servers = tuple(
        NameServerSeen(
            name=name, address=address, udp=True, tcp=True, authoritative=True, serial=1, recursive=False,
            transfer=40 if opened else 0, version="",
        )
        for name, address in ((f"ns1.{town.domain}", "192.0.2.53"), (f"ns2.{town.domain}", second))
    )  # fmt: skip
    names = tuple(server.name for server in servers)
    return Delegation(zone=town.domain, by_parent=names, by_zone=names, servers=servers)


def _profile(host: str, faults: frozenset[str]) -> TlsProfile:
    spoken: dict[Version, tuple[int, ...]] = {Version.TLS12: (_ECDHE_GCM,), Version.TLS13: (_TLS13,)}
    if "old-tls" in faults and host in {"webmail", "extranet"}:
        spoken |= {Version.TLS10: (_RSA_CBC,), Version.TLS11: (_RSA_CBC,)}
    if "rc4" in faults and host == "extranet":
        spoken[Version.TLS12] = (_ECDHE_GCM, _RSA_RC4)
    seen = tuple(
        VersionSeen(
            version=version,
            state=Acceptance.ACCEPTED if version in spoken else Acceptance.REFUSED,
            suites=spoken.get(version, ()),
        )
        for version in Version
    )
    return TlsProfile(
        address="192.0.2.10", spoken=True, versions=seen, server_order=True, secure_renegotiation=True, connections=12
    )


def _chain(host: str, name: str, faults: frozenset[str], at: datetime) -> CertificateChain:
    expired = "expired" in faults and host == "extranet"
    alone = "self-signed" in faults and host == "webmail"
    wrong = "wrong-name" in faults and host == "rdv"
    subject = f"CN={'intranet' if wrong else name}"
    return CertificateChain(
        address="192.0.2.10", sni=name, subject=subject, issuer=subject if alone else "CN=Autorité de démonstration",
        names=("intranet.local",) if wrong else (name,), not_before=at - timedelta(days=300),
        not_after=at - timedelta(days=20) if expired else at + timedelta(days=200), key_type="RSA",
        key_bits=1024 if "weak-key" in faults and host == "extranet" else 3072, signature="sha256WithRSAEncryption",
        self_signed=alone, length=1 if alone else 2, sha256="", spki_sha256="", serial="1", name_matches=not wrong,
        path=PathState.NOT_FOUND if alone else PathState.FOUND, store="démonstration", public=not alone,
        stapled=False,
    )  # fmt: skip


def _origin(host: str, name: str, faults: frozenset[str]) -> WebOrigin:
    headers = [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
    if "no-csp" not in faults:
        framed = "" if "framed" in faults else "; frame-ancestors 'none'"
        headers.append(("content-security-policy", f"default-src 'self'{framed}"))
    elif "framed" not in faults:
        headers.append(("x-frame-options", "DENY"))
    own = [("server", "Apache/2.4.41" if "server-told" in faults else "httpd")]
    if "no-hsts" not in faults:
        own.append(("strict-transport-security", "max-age=31536000; includeSubDomains"))
    login = host in {"webmail", "extranet", "rdv"}
    return WebOrigin(
        scheme="https", host=name, port=443, address="192.0.2.10", chain=(Hop(url=f"https://{name}/", status=200),),
        own_headers=tuple(own), headers=(*headers, *own[:1]), html=True, title=host, reliable=True, login_form=login,
        cookies=(Cookie(name="SESSION", secure=True, http_only=True, same_site="lax", session_like=True),),
        login_to_clear="clear-login" in faults and host == "extranet",
    )  # fmt: skip


def _files(host: str, faults: frozenset[str]) -> WebFiles:
    proofs = []
    if "git-open" in faults and host == "www":
        proofs.append(Proof(what=OpenFile.GIT, path="/.git/HEAD", excerpt="ref: refs/heads/main"))
    if "environment-open" in faults and host == "rdv":
        proofs.append(Proof(what=OpenFile.ENVIRONMENT, path="/.env", excerpt="DB_PASSWORD=…", credentials=True))
    return WebFiles(asked=("/.git/HEAD", "/.env"), unanswered=(), proofs=tuple(proofs), reliable=True)
