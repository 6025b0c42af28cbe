"""What a fictitious forest holds beside its domain: configuration, schema, and the zones of its DNS."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.facts.directory import NamingContextRole

Values = Mapping[str, Iterable[bytes | str | int]]
Entry = tuple[str, Values]
#: dSHeuristics by which nothing is wrong (MS-ADTS 6.1.1.2.4.1.2).
_HEURISTICS = "0000000001000000000200000001130"
_CLIENT_AUTHENTICATION, _ENROLLEE_SUPPLIES = "1.3.6.1.5.5.7.3.2", 1
#: The console menu that Windows itself registers.
_MENU = "0,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6}"
_PKI = ("AIA", "CDP", "Certification Authorities", "Certificate Templates", "Enrollment Services", "KRA", "OID")


def contexts(
    base: str, faults: frozenset[str], controllers: int
) -> Iterator[tuple[NamingContextRole, str, list[Entry]]]:
    """Yield each context beside the domain's: its role, its name, its objects."""
    configuration = f"CN=Configuration,{base}"
    domain_dns, forest_dns = f"DC=DomainDnsZones,{base}", f"DC=ForestDnsZones,{base}"
    schema = f"CN=Schema,{configuration}"
    root = base.replace("DC=", "").replace(",", ".")
    insecure = "open-zone" in faults
    yield NamingContextRole.CONFIGURATION, configuration, [*_configuration(base, configuration, faults, controllers)]
    yield NamingContextRole.SCHEMA, schema, [*_schema(schema)]
    yield NamingContextRole.DOMAIN_DNS, domain_dns, [*_zone(domain_dns, root, insecure)]
    yield NamingContextRole.FOREST_DNS, forest_dns, [*_zone(forest_dns, f"_msdcs.{root}", insecure=False)]


def thing(dn: str, *classes: str, **values: bytes | str | int) -> Entry:
    """Return an object by its name and classes; underscores in attributes stand for hyphens."""
    named = {name.replace("_", "-"): [value] for name, value in values.items()}
    return dn, {"objectClass": ["top", *classes], "name": [dn.partition(",")[0].partition("=")[2]], **named}


def _configuration(base: str, dn: str, faults: frozenset[str], controllers: int) -> Iterator[Entry]:
    services, partitions = f"CN=Services,{dn}", f"CN=Partitions,{dn}"
    yield thing(dn, "configuration")
    yield thing(partitions, "crossRefContainer", msDS_Behavior_Version=7)
    for name, context in (
        ("DOMAINE", base),
        ("ZONES", f"DC=DomainDnsZones,{base}"),
        ("FORET", f"DC=ForestDnsZones,{base}"),
    ):
        own = {"nETBIOSName": name} if context == base else {}
        root = context.replace("DC=", "").replace(",", ".")
        yield thing(f"CN={name},{partitions}", "crossRef", nCName=context, dnsRoot=root, **own)
    yield thing(f"CN=Directory Service,CN=Windows NT,{services}", "nTDSService", dSHeuristics=_HEURISTICS)
    yield thing(f"CN=Hopital,CN=Sites,{dn}", "site")
    for number in range(1, controllers + 1):
        server, held = (
            f"CN=DC{number},CN=Servers,CN=Hopital,CN=Sites,{dn}",
            f"CN=DC{number},OU=Domain Controllers,{base}",
        )
        yield thing(server, "server", serverReference=held)
        yield thing(f"CN=NTDS Settings,{server}", "nTDSDSA", msDS_Behavior_Version=7)
    yield thing(f"CN=user-Display,CN=40C,CN=DisplaySpecifiers,{dn}", "displaySpecifier", adminContextMenu=_MENU)
    yield from _keys(f"CN=Public Key Services,{services}", faults)
    yield thing(f"CN=1,CN=Master Root Keys,CN=Group Key Distribution Service,{services}", "msKds-ProvRootKey")


def _keys(dn: str, faults: frozenset[str]) -> Iterator[Entry]:
    """The public key services: an authority and its one template."""
    for name in _PKI:
        yield thing(f"CN={name},{dn}", "container")
    yield thing(f"CN=NTAuthCertificates,{dn}", "certificationAuthority", cACertificate=_certificate())
    name, authority = "Postes", f"CN=AC-HOPITAL,CN=Enrollment Services,{dn}"
    yield thing(authority, "pKIEnrollmentService", cACertificate=_certificate(), certificateTemplates=name)
    flags = {
        "msPKI_Certificate_Name_Flag": _ENROLLEE_SUPPLIES if "template-open" in faults else 0,
        "msPKI_Enrollment_Flag": 0,
        "msPKI_RA_Signature": 0,
    }
    template, use = f"CN={name},CN=Certificate Templates,{dn}", _CLIENT_AUTHENTICATION
    yield thing(template, "pKICertificateTemplate", cn=name, pKIExtendedKeyUsage=use, **flags)


def _schema(dn: str) -> Iterator[Entry]:
    yield thing(dn, "dMD", objectVersion=88)
    yield thing(f"CN=User,{dn}", "classSchema", lDAPDisplayName="user")
    yield thing(f"CN=ms-LAPS-Password-Expiration-Time,{dn}", "attributeSchema")


def _zone(dn: str, name: str, insecure: bool) -> Iterator[Entry]:
    """A context of zones, and the one it holds; its property says which updates it takes (MS-DNSP 2.3.2.1)."""
    update = bytes([1 if insecure else 2])
    prop = b"".join(n.to_bytes(4, "little") for n in (1, 0, 0, 1, 2)) + update + b"\0"
    yield thing(dn, "domainDNS")
    yield thing(f"DC={name},CN=MicrosoftDNS,{dn}", "dnsZone", dNSProperty=prop)


@cache
def _certificate() -> bytes:
    """A sound authority's certificate."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AC de l’hôpital")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, now - timedelta(days=800), now + timedelta(days=3000)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
