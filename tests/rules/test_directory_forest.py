"""What is set once for the forest, its public key services, and the DNS zones of its partitions."""

# ruff: noqa: E501 (tables of examples: one line each)

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import cache

import pytest
from asn1crypto import keys, x509
from cryptography import x509 as real
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, rsa
from cryptography.x509.oid import NameOID

from rules.catalogue import directory_forest as forest
from rules.catalogue import directory_pki as pki
from rules.catalogue.directory_zones import zones_take_secure_updates_only as zones
from rules.views.certificates import roca
from tests.lab import descriptors as d
from tests.lab.healthy import AUTHORITY, DIRECTORY_SERVICE, MANAGED, MENU, MSDCS, NT_AUTH, ROOT_KEY, TEMPLATE, ZONE
from tests.lab.synthetic import (
    AUTHENTICATED,
    BASE,
    CONFIG,
    DOMAIN_DNS,
    FOREST_DNS,
    HEURISTICS,
    NOW,
    PKI,
    SCHEMA,
    World,
    certificate,
    sid,
    zone_property,
)
from tests.rules.directory_cases import MET, NOT_APPLICABLE, NOT_MET, UNDETERMINED, Case, check, judged, label

HELENE, ENROLL = sid(1104), "0e10c968-78fb-11d2-90d4-00c04f79dc55"
PARTITIONS, OTHER = f"CN=Partitions,{CONFIG}", f"CN=Autre,CN=Certificate Templates,{PKI}"


def level(number: int) -> Callable[[World], object]:
    return lambda w: w.put(BASE, msDS_Behavior_Version=number).put(PARTITIONS, msDS_Behavior_Version=number)


def heuristics(place: int, value: str) -> Callable[[World], object]:
    text = HEURISTICS[: place - 1] + value + HEURISTICS[place:]
    return lambda w: w.put(DIRECTORY_SERVICE, dSHeuristics=text)


def menu(value: str) -> Callable[[World], object]:
    return lambda w: w.put(MENU, adminContextMenu=["0,{08eb4fa6-6ffd-11d1-b0e0-00c04fd8dca6}", value])


def open_template(world: World, **changed: int | str | list[str]) -> World:
    """A published template by which anybody logs on as whom they please, but for what is changed."""
    world.put(TEMPLATE, **{"msPKI_Certificate_Name_Flag": 1, **changed})
    return world.allow(TEMPLATE, AUTHENTICATED, d.CONTROL, ENROLL)


def unpublished(world: World) -> World:
    world.add(OTHER, "pKICertificateTemplate")
    return world.allow(OTHER, HELENE, d.WRITE_DACL)


CRL = f"CN=AC-TEST,CN=ca1,CN=CDP,{PKI}"
REFERENCES = [f"CN={name},CN=Partitions,{CONFIG}" for name in ("ZONES", "FORET")]


def child_zone(world: World) -> World:
    """The zone of a child domain, kept with the forest's."""
    world.add(f"CN=CH,{PARTITIONS}", "crossRef", nCName=f"DC=ch,{BASE}", dnsRoot="ch.ad.test", nETBIOSName="CH")
    return world.add(f"DC=ch.ad.test,CN=MicrosoftDNS,{FOREST_DNS}", "dnsZone", dNSProperty=zone_property(1))


CASES: list[Case] = [
    (forest.functional_level_current, level(3), NOT_MET, (1, 3, 4), "Partitions, ad"),
    (forest.functional_level_current, level(5), NOT_MET, (3, 4), "Partitions, ad"),
    (forest.functional_level_current, level(6), NOT_MET, (4,), "Partitions, ad"),
    (forest.functional_level_current, level(10), MET, (), ""),
    (forest.functional_level_current, lambda w: w.put(BASE, msDS_Behavior_Version=6), NOT_MET, (4,), "ad"),
    (forest.functional_level_current, lambda w: w.put(BASE, msDS_Behavior_Version=None), UNDETERMINED, (1, 3, 4), ""),
    (forest.functional_level_current, lambda w: w.put(BASE, msDS_Behavior_Version=None).put(PARTITIONS, msDS_Behavior_Version=5), NOT_MET, (3, 4), "Partitions"),
    (forest.directory_heuristics_safe, heuristics(8, "1"), NOT_MET, (1,), "Directory Service"),
    (forest.directory_heuristics_safe, heuristics(16, "1"), NOT_MET, (1,), "Directory Service"),
    (forest.directory_heuristics_safe, heuristics(7, "2"), NOT_MET, (2,), "Directory Service"),
    (forest.directory_heuristics_safe, heuristics(7, "1"), MET, (), ""),
    (forest.directory_heuristics_safe, heuristics(21, "1"), NOT_MET, (2,), "Directory Service"),
    (forest.directory_heuristics_safe, heuristics(28, "2"), NOT_MET, (2, 4), "Directory Service"),
    (forest.directory_heuristics_safe, heuristics(29, "0"), NOT_MET, (4,), "Directory Service"),
    (forest.directory_heuristics_safe, heuristics(31, "1"), NOT_MET, (2,), "Directory Service"),
    (forest.directory_heuristics_safe, lambda w: w.put(DIRECTORY_SERVICE, dSHeuristics=None), NOT_MET, (4,), "Directory Service"),
    (forest.directory_heuristics_safe, lambda w: w.drop(DIRECTORY_SERVICE), UNDETERMINED, (1, 2, 4), ""),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\nas.ad.test\outils\menu.bat"), NOT_MET, (1,), "user-Display"),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\pirate\sysvol\menu.bat"), NOT_MET, (1,), "user-Display"),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\ad.test\sysvol\..\c$\menu.bat"), NOT_MET, (1,), "user-Display"),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\ad.test\SYSVOL\ad.test\scripts\menu.bat"), MET, (), ""),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\dc1\netlogon\menu.bat"), MET, (), ""),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\DOMAINE\SYSVOL\ad.test\scripts\menu.bat"), MET, (), ""),
    # a server of the domain with a share of that name is no controller; the program that runs it changes nothing
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\srv1.ad.test\sysvol\menu.bat"), NOT_MET, (1,), "user-Display"),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,\\nas.ad.test\outils\a,b.bat"), NOT_MET, (1,), "user-Display"),
    (forest.console_menus_from_sysvol, menu(r'3,Outils,wscript.exe "\\nas\outils\menu.vbs"'), NOT_MET, (1,), "user-Display"),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,C:\\outils\\menu.bat"), MET, (), ""),
    (forest.console_menus_from_sysvol, menu(r"3,Outils,C:\outils\menu.bat"), MET, (), ""),
    (forest.console_menus_from_sysvol, lambda w: w.cut_at(CONFIG), UNDETERMINED, (1,), ""),
    (forest.schema_controlled, lambda w: w.allow(f"CN=User,{SCHEMA}", HELENE, d.WRITE, "f3a64788-5306-11d1-a9c5-0000f80367c1"), NOT_MET, (2,), "Hélène"),
    (forest.schema_controlled, lambda w: w.allow(SCHEMA, sid(518), d.FULL), MET, (), ""),
    (forest.schema_controlled, lambda w: w.without(SCHEMA), UNDETERMINED, (1, 2), ""),
    (forest.schema_controlled, lambda w: w.cut_at(SCHEMA), UNDETERMINED, (1, 2), ""),
    (forest.managed_account_keys_controlled, lambda w: w.drop(ROOT_KEY), UNDETERMINED, (1, 2), ""),
    (forest.managed_account_keys_controlled, lambda w: w.drop(ROOT_KEY, MANAGED), NOT_APPLICABLE, (), ""),
    (forest.managed_account_keys_controlled, lambda w: w.allow(MANAGED, HELENE, d.WRITE, "888eedd6-ce04-df40-b462-b8a50e41ba38"), NOT_MET, (2,), "Hélène"),
    # public key services
    (pki.pki_controlled, lambda w: w.allow(NT_AUTH, HELENE, d.WRITE), NOT_MET, (1,), "Hélène"),
    (pki.pki_controlled, lambda w: w.allow(f"CN=AIA,{PKI}", HELENE, d.CREATE), NOT_MET, (1,), "Hélène"),
    (pki.pki_controlled, lambda w: w.allow(TEMPLATE, HELENE, d.FULL), MET, (), ""),
    (pki.pki_controlled, lambda w: w.computer("CA1", 1120).put(AUTHORITY, dNSHostName="ca1.ad.test").allow(AUTHORITY, sid(1120), d.FULL), MET, (), ""),
    (pki.pki_controlled, lambda w: w.computer("CA1", 1120).put(AUTHORITY, dNSHostName="ca1.ad.test").allow(AUTHORITY, sid(1110), d.FULL), NOT_MET, (1,), "PC1$"),
    (pki.pki_controlled, lambda w: w.allow(NT_AUTH, sid(517), d.FULL).computer("CA1", 1120).put(AUTHORITY, dNSHostName="ca1.ad.test").join(517, f"CN=CA1,CN=Computers,{BASE}"), MET, (), ""),
    # an authority's machine writes what is its own, not what the forest trusts for logon
    (pki.pki_controlled, lambda w: w.computer("CA1", 1120).put(AUTHORITY, dNSHostName="ca1.ad.test").add(CRL, "cRLDistributionPoint").allow(CRL, sid(1120), d.FULL), MET, (), ""),
    (pki.pki_controlled, lambda w: w.computer("CA1", 1120).put(AUTHORITY, dNSHostName="ca1.ad.test").allow(NT_AUTH, sid(1120), d.FULL), NOT_MET, (1,), "CA1$"),
    (pki.pki_controlled, lambda w: w.unread(NT_AUTH), UNDETERMINED, (1,), ""),
    (pki.pki_controlled, lambda w: w.drop(*[dn for dn in w.entries if dn.endswith(PKI)]), NOT_APPLICABLE, (), ""),
    (pki.templates_controlled, lambda w: w.allow(TEMPLATE, HELENE, d.WRITE), NOT_MET, (1, 2), "Hélène"),
    (pki.templates_controlled, unpublished, NOT_MET, (2,), "Hélène"),
    (pki.templates_controlled, lambda w: w.allow(TEMPLATE, HELENE, d.CONTROL, ENROLL), MET, (), ""),
    (pki.templates_controlled, lambda w: w.unread(TEMPLATE), UNDETERMINED, (1, 2), ""),
    (pki.templates_controlled, lambda w: w.drop(TEMPLATE), NOT_APPLICABLE, (), ""),
    (pki.templates_controlled, lambda w: w.allow(TEMPLATE, sid(7777), d.FULL).cut_at(BASE), UNDETERMINED, (1, 2), ""),
    (pki.logon_templates_name_their_subject, open_template, NOT_MET, (1,), "Medecins"),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w, pKIExtendedKeyUsage=[]), NOT_MET, (1,), "Medecins"),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w, pKIExtendedKeyUsage="1.3.6.1.5.5.7.3.1"), MET, (), ""),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w, msPKI_Enrollment_Flag=2), MET, (), ""),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w, msPKI_RA_Signature=1), MET, (), ""),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w).put(NT_AUTH, cACertificate=b"\0"), NOT_APPLICABLE, (), ""),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w).put(AUTHORITY, certificateTemplates=[]), MET, (), ""),
    (pki.logon_templates_name_their_subject, lambda w: open_template(w).unread(TEMPLATE), UNDETERMINED, (1,), ""),
    (pki.logon_templates_name_their_subject, lambda w: w.put(TEMPLATE, msPKI_Certificate_Name_Flag=1).allow(TEMPLATE, sid(512), d.CONTROL, ENROLL), MET, (), ""),
    (pki.trusted_certificates_strong, lambda w: w.cut_at(CONFIG), UNDETERMINED, (1, 2, 3), ""),
    (pki.trusted_certificates_strong, lambda w: w.put(NT_AUTH, cACertificate=b"0\x03\x02\x01\x01"), NOT_MET, (2,), "NTAuthCertificates"),
    (pki.trusted_certificates_strong, lambda w: w.put(NT_AUTH, cACertificate=b"\0").put(AUTHORITY, cACertificate=b"\0"), NOT_APPLICABLE, (), ""),
    # zones
    (zones, lambda w: w.put(ZONE, dNSProperty=zone_property(1)), NOT_MET, (1, 3), "ad.test"),
    (zones, lambda w: w.put(MSDCS, dNSProperty=zone_property(1)), NOT_MET, (1, 3), "_msdcs.ad.test"),
    (zones, lambda w: w.add(f"DC=labo.test,CN=MicrosoftDNS,{DOMAIN_DNS}", "dnsZone", dNSProperty=zone_property(1)), NOT_MET, (3,), "labo.test"),
    (zones, lambda w: w.put(ZONE, dNSProperty=zone_property(0)), MET, (), ""),
    (zones, lambda w: w.add(f"DC=..Deleted-labo.test,CN=MicrosoftDNS,{DOMAIN_DNS}", "dnsZone", dNSProperty=zone_property(1)), MET, (), ""),
    (zones, lambda w: child_zone(w), NOT_MET, (1, 3), "ch.ad.test"),
    (zones, lambda w: w.without(DOMAIN_DNS, FOREST_DNS).drop(*REFERENCES), NOT_APPLICABLE, (), ""),
    (zones, lambda w: w.put(ZONE, dNSProperty=b"\1\0"), UNDETERMINED, (1, 3), ""),
    (zones, lambda w: w.without(DOMAIN_DNS), UNDETERMINED, (1, 3), ""),
    (zones, lambda w: w.drop(ZONE, MSDCS), UNDETERMINED, (1, 3), ""),
    (zones, lambda w: w.drop(ZONE), UNDETERMINED, (1, 3), ""),
    (zones, lambda w: w.drop(DOMAIN_DNS), UNDETERMINED, (1, 3), ""),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_forest(case: Case) -> None:
    check(case)


@cache
def weak(kind: str) -> bytes:
    """Return an authority's certificate with one fault."""
    name = real.Name([real.NameAttribute(NameOID.COMMON_NAME, "AC Faible")])
    signer: rsa.RSAPrivateKey | dsa.DSAPrivateKey
    if kind == "dsa":
        signer = dsa.generate_private_key(1024)
    else:
        size = {"rsa-1024": 1024}.get(kind, 2048)
        signer = rsa.generate_private_key(3 if kind == "exponent" else 65537, size)
    builder = real.CertificateBuilder(name, name, signer.public_key(), 1, NOW, NOW + dt.timedelta(days=365))
    data = builder.sign(signer, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
    return rewritten(data, kind) if kind in {"rsa-512", "roca", "sha1"} else data


def rewritten(data: bytes, kind: str) -> bytes:
    """Put another hash or modulus in a certificate; its signature no longer holds, which is not what is looked at."""
    loaded = x509.Certificate.load(data)
    if kind == "sha1":
        loaded["signature_algorithm"] = {"algorithm": "sha1_rsa"}
        return bytes(loaded.dump(force=True))
    product = 1
    for prime in (11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157):
        product *= prime
    modulus = pow(65537, 5, product) + product * ((1 << 2047) // product) if kind == "roca" else (1 << 511) + 1
    loaded["tbs_certificate"]["subject_public_key_info"]["public_key"] = keys.RSAPublicKey(
        {"modulus": modulus, "public_exponent": 65537}
    )
    return bytes(loaded.dump(force=True))


@pytest.mark.parametrize(
    ("kind", "levels", "fault"),
    [
        ("dsa", (1,), "DSA"),
        ("rsa-512", (1,), "RSA 512"),
        ("roca", (1,), "ROCA"),
        ("rsa-1024", (3,), "RSA 1024"),
        ("sha1", (3,), "sha1"),
        ("exponent", (3,), "RSA exponent 3"),
    ],
)
def test_weak_certificates(kind: str, levels: tuple[int, ...], fault: str) -> None:
    verdict = judged(
        pki.trusted_certificates_strong, lambda w: w.put(NT_AUTH, cACertificate=[weak(kind), certificate()])
    )
    assert (verdict.outcome, verdict.levels) == (NOT_MET, levels)
    assert [fault in o.name for o in verdict.objects] == [True]


def test_an_ordinary_modulus_is_no_roca() -> None:
    assert not roca(rsa.generate_private_key(65537, 2048).public_key().public_numbers().n)
