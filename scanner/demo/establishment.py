"""What the demonstration stages: two fictitious establishments, their zones, their services and the planted faults."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime

import dns.name
import dns.zone

from scanner.demo.certificates import Identity, authority, leaf
from scanner.demo.nameserver import NameServer
from scanner.demo.services import Page, Relic, Site

FAULTY, HEALTHY = "ch-valmorel.test", "clinique-bonport.test"
FOREST = "ad.ch-valmorel.test"
RESOLVER, ROOT, TLD = "127.77.0.53", "127.77.0.1", "127.77.0.2"
DNS_PORT, HTTPS, HTTP = 53053, 8443, 8080

_ROOT_ZONE = f"""
@ 3600 SOA a.root. hygie.test. 1 7200 3600 1209600 3600
@ 3600 NS a.root.
a.root. 3600 A {ROOT}
test. 3600 NS ns.nic.test.
ns.nic.test. 3600 A {TLD}
"""

_TLD_ZONE = f"""
@ 3600 SOA ns.nic hygie 1 7200 3600 1209600 3600
@ 3600 NS ns.nic
ns.nic 3600 A {TLD}
ch-valmorel 3600 NS ns1.ch-valmorel
ns1.ch-valmorel 3600 A 127.77.10.1
clinique-bonport 3600 NS ns1.clinique-bonport
clinique-bonport 3600 NS ns2.clinique-bonport
ns1.clinique-bonport 3600 A 127.77.20.1
ns2.clinique-bonport 3600 A 127.77.21.1
"""

# One server, open transfer, told version, no CAA, an alias to nothing, a private address, locator records of the AD.
_FAULTY_ZONE = """
@ 3600 SOA ns1 dsi 2026112401 7200 3600 1209600 3600
@ 3600 NS ns1
@ 3600 MX 10 mx
ns1 3600 A 127.77.10.1
www 3600 A 127.77.10.10
rdv 3600 A 127.77.10.11
webmail 3600 A 127.77.10.12
extranet 3600 A 127.77.10.13
pacs 3600 A 127.77.10.14
ged 3600 A 127.77.10.15
mx 3600 A 127.77.10.16
ancien-portail 3600 CNAME ch-valmorel.prestataire-disparu.test.
sauvegarde 3600 A 10.20.30.40
_ldap._tcp.dc._msdcs.ad 3600 SRV 0 100 389 dc1.ad
_ldap._tcp.ad 3600 SRV 0 100 389 dc1.ad
_kerberos._tcp.ad 3600 SRV 0 100 88 dc1.ad
_ldap._tcp 3600 SRV 0 100 389 dc1.ad
_ldap._tcp.dc._msdcs 3600 SRV 0 100 389 dc1.ad
_kerberos._tcp 3600 SRV 0 100 88 dc1.ad
_gc._tcp 3600 SRV 0 100 3268 dc1.ad
dc1.ad 3600 A 10.20.30.10
"""

_HEALTHY_ZONE = """
@ 3600 SOA ns1 dsi 2026112401 7200 3600 1209600 3600
@ 3600 NS ns1
@ 3600 NS ns2
@ 3600 A 127.77.20.10
@ 3600 MX 0 .
@ 3600 TXT "v=spf1 -all"
@ 3600 CAA 0 issue "autorite.demo.test"
_dmarc 3600 TXT "v=DMARC1; p=reject; rua=mailto:dmarc@clinique-bonport.test"
ns1 3600 A 127.77.20.1
ns2 3600 A 127.77.21.1
www 3600 A 127.77.20.10
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One planted fault: the rule that must say not met, the asset, and the line that shows it without Hygie."""

    rule: str
    asset: str
    shown_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Everything that listens: name servers by address, services, and the authority that signs for both."""

    nameservers: tuple[tuple[str, NameServer], ...]
    services: tuple[Site | Relic, ...]
    authority: Identity


def stage(now: datetime) -> Stage:
    """Return the stage as it stands at an instant: certificates are made around it."""
    signer = authority("Autorité de démonstration Hygie", now)
    zones = {
        origin: dns.zone.from_text(text, dns.name.from_text(origin), relativize=False)
        for origin, text in (
            (".", _ROOT_ZONE),
            ("test.", _TLD_ZONE),
            (f"{FAULTY}.", _FAULTY_ZONE),
            (f"{HEALTHY}.", _HEALTHY_ZONE),
        )
    }
    healthy = NameServer(zones=(zones[f"{HEALTHY}."],))
    return Stage(
        nameservers=(
            (RESOLVER, NameServer(zones=tuple(zones.values()), resolver=True)),
            (ROOT, NameServer(zones=(zones["."],))),
            (TLD, NameServer(zones=(zones["test."],))),
            ("127.77.10.1", NameServer(zones=(zones[f"{FAULTY}."],), transfers=True, version="9.9.4-demo")),
            ("127.77.20.1", healthy),
            ("127.77.21.1", healthy),
        ),
        services=(*_faulty_services(signer, now), *_healthy_services(signer, now)),
        authority=signer,
    )


def _page(title: str, text: str) -> dict[str, Page]:
    body = f'<!doctype html><html lang="fr"><title>{title}</title><h1>{title}</h1><p>{text}</p></html>'
    return {"/": Page(body=body.encode())}


def _faulty_services(signer: Identity, now: datetime) -> tuple[Site | Relic, ...]:
    def site(host: str, last: int, identity: Identity, *, old: bool = False, title: str = "") -> Site:
        return Site(
            name=f"{host}.{FAULTY}",
            address=f"127.77.10.{last}",
            port=HTTPS,
            identity=identity,
            old_tls=old,
            headers={"Server": "Apache/2.4.6 (CentOS) PHP/5.4.16"},
            pages=_page(title or host, "Centre hospitalier de Valmorel (établissement fictif)"),
        )

    names = {host: (f"{host}.{FAULTY}",) for host in ("www", "rdv", "webmail", "extranet", "pacs")}
    expired = leaf(signer, names["www"], now, days_before=400, days_after=-12)
    other = leaf(signer, ("intranet.ch-valmorel.test",), now)
    own = leaf(None, names["webmail"], now)
    return (
        site("www", 10, expired, title="Accueil"),
        site("rdv", 11, other, title="Prise de rendez-vous"),
        site("webmail", 12, own, title="Messagerie"),
        site("extranet", 13, leaf(signer, names["extranet"], now), old=True, title="Extranet"),
        site("pacs", 14, leaf(signer, names["pacs"], now, rsa_bits=1024), old=True, title="PACS"),
        Relic(name=f"ged.{FAULTY}", address="127.77.10.15", port=HTTPS),
    )


def _healthy_services(signer: Identity, now: datetime) -> tuple[Site, ...]:
    name = f"www.{HEALTHY}"
    identity = leaf(signer, (name, HEALTHY), now)
    headers = {
        "Strict-Transport-Security": "max-age=63072000; includeSubDomains",
        "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
        "form-action 'self'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "strict-origin-when-cross-origin",
    }
    security = b"Contact: mailto:rssi@clinique-bonport.test\nExpires: 2099-12-31T23:00:00Z\n"
    pages = {
        **_page("Clinique du Bon Port", "Établissement fictif"),
        "/.well-known/security.txt": Page(headers={"Content-Type": "text/plain"}, body=security),
    }
    return (Site(name=name, address="127.77.20.10", port=HTTPS, identity=identity, headers=headers, pages=pages),)


def networks() -> tuple[ipaddress.IPv4Network, ...]:
    """Return the loopback networks that the demonstration's mandates list."""
    return tuple(ipaddress.IPv4Network(n) for n in ("127.77.10.0/24", "127.77.20.0/24", "127.77.21.0/24"))
