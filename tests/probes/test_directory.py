"""The directory probes on a real domain controller (Samba), seeded with faults and with secrets."""

from __future__ import annotations

import hashlib
import json
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace

import pytest

from probes.directory.attributes import SECRETS
from probes.directory.connection import refusal
from probes.directory.messages import read_answer
from probes.directory.sasl import channel_binding
from probes.directory.target import BindMethod, DirectoryTarget
from probes.facts.ber import element, number
from probes.facts.directory import NamingContextRole
from probes.facts.entries import Entry
from probes.interface import AssetKind, ProbeError, Reason
from probes.interface.secret import Secret
from tests.lab import samba
from tests.probes.directory_scan import Seen, scan

pytestmark = pytest.mark.samba
MEMBERS = 2000
SECRET_FAULTS = ("vuln_trusts_domain_notfiltered", "vuln_permissions_gmsa_keys", "vuln_permissions_dpapi")


@pytest.fixture(scope="module")
def dc() -> Iterator[samba.Domain]:
    with samba.domain(faults=SECRET_FAULTS, bulk={"people": MEMBERS}) as running:
        yield running


def target(dc: samba.Domain, *, account: str = "lecteur", scheme: str = "ldaps") -> DirectoryTarget:
    return DirectoryTarget(
        url=f"{scheme}://{dc.host}",
        address=dc.address,
        user=dc.user(account),
        password=Secret(samba.USER_PASSWORD),
        ca_file=str(dc.ca_file),
    )


def as_admin(asked: DirectoryTarget, dc: samba.Domain) -> DirectoryTarget:
    return replace(asked, user=dc.admin, password=Secret(samba.ADMIN_PASSWORD))


async def refused(asked: DirectoryTarget) -> ProbeError:
    with pytest.raises(ProbeError) as failure:
        await scan(asked, only="none")
    return failure.value


def named(seen: Seen, context: str, dn: str) -> list[Entry]:
    return [entry for entry in seen.entries[context] if entry.dn == dn]


@pytest.mark.parametrize(
    ("scheme", "bind", "transport", "tls"),
    [
        ("ldaps", BindMethod.SIMPLE, "ldaps", "TLSv1.3"),
        ("ldap", BindMethod.SIMPLE, "starttls", "TLSv1.3"),
        ("ldap", BindMethod.NTLM, "sealed", ""),
    ],
)
async def test_every_context_is_read_by_every_transport(
    dc: samba.Domain, scheme: str, bind: BindMethod, transport: str, tls: str
) -> None:
    seen = await scan(replace(target(dc, scheme=scheme), bind=bind))
    assert seen.root
    assert (seen.root.transport, seen.root.bind, seen.root.tls_version) == (transport, bind.value, tls)
    assert (seen.root.server, seen.root.forest, seen.root.domain) == (dc.host, dc.realm, dc.realm)
    assert {read.role for read in seen.reads.values()} == set(NamingContextRole) - {NamingContextRole.OTHER}
    assert all(read.complete and read.entries and not read.cut for read in seen.reads.values())
    assert len(seen.entries[dc.base]) == seen.reads[dc.base].entries > MEMBERS
    assert seen.missed == []


async def test_the_forest_and_the_domain_are_assets_found_one_through_the_other(dc: samba.Domain) -> None:
    seen = await scan(target(dc), only="none")
    assert {(a.id, a.found_by) for a in seen.assets if a.kind is not AssetKind.NAMING_CONTEXT} == {
        (f"controller:{dc.host}", "directory:chu"),
        (f"forest:{dc.realm}", "directory:chu"),
        (f"ad-domain:{dc.realm}", f"forest:{dc.realm}"),
    }
    assert {asset.found_by for asset in seen.contexts} == {"directory:chu"}


async def test_the_account_is_known_by_its_sids_and_the_time_is_the_controllers(dc: samba.Domain) -> None:
    seen = await scan(target(dc), only=dc.base)
    (reader,) = named(seen, dc.base, f"CN=lecteur,OU=Médecins,{dc.base}")
    assert seen.root
    assert "S-1-5-11" in seen.root.account_sids
    assert any(sid.startswith("S-1-5-21-") and sid.endswith("-513") for sid in seen.root.account_sids)
    assert reader.attributes["samaccountname"] == (b"lecteur",)
    assert seen.root.current_time == seen.root.current_time.replace(microsecond=0)
    assert seen.root.read_only is False


async def test_an_ordinary_account_reads_descriptors_and_accents(dc: samba.Domain) -> None:
    seen = await scan(target(dc), only=dc.base)
    assert named(seen, dc.base, f"CN=Hélène Garçon,OU=Médecins,{dc.base}")
    users = [entry for entry in seen.entries[dc.base] if b"user" in entry.attributes.get("objectclass", ())]
    assert len(users) > MEMBERS
    assert all(len(entry.attributes["ntsecuritydescriptor"][0]) > 100 for entry in users)


async def test_pages_and_ranges_give_every_member(dc: samba.Domain) -> None:
    whole = await scan(target(dc), only=dc.base)
    cut = await scan(replace(target(dc), page_size=100, members_at_once=300), only=dc.base)
    group = f"CN=G-agents,OU=Médecins,{dc.base}"
    (one,) = named(whole, dc.base, group)
    pieces = named(cut, dc.base, group)
    assert len(one.attributes["member"]) == MEMBERS
    assert len(pieces) == 7
    values = [v for p in pieces for name, vs in p.attributes.items() if name.startswith("member;range=") for v in vs]
    assert sorted(values) == sorted(one.attributes["member"])
    assert cut.reads[dc.base].entries == whole.reads[dc.base].entries
    assert cut.reads[dc.base].queries > 20


@pytest.mark.parametrize(
    ("account", "reason"),
    [
        ("inconnu", Reason.CREDENTIALS),
        ("expire", Reason.ACCOUNT_EXPIRED),
        ("desactive", Reason.ACCOUNT_DISABLED),
        ("verrouille", Reason.ACCOUNT_LOCKED),
        ("mdp-expire", Reason.PASSWORD_EXPIRED),
        ("mdp-a-changer", Reason.PASSWORD_EXPIRED),
    ],
)
async def test_an_account_that_cannot_log_on_says_why(dc: samba.Domain, account: str, reason: Reason) -> None:
    assert (await refused(target(dc, account=account))).reason is reason


@pytest.mark.parametrize(("scheme", "bind"), [("ldaps", BindMethod.SIMPLE), ("ldap", BindMethod.NTLM)])
async def test_a_wrong_password_is_said_and_never_shown(dc: samba.Domain, scheme: str, bind: BindMethod) -> None:
    wrong = replace(target(dc, scheme=scheme), bind=bind, password=Secret("Mot-de-passe-faux-1"))
    failure = await refused(wrong)
    assert failure.reason is Reason.CREDENTIALS
    assert "Mot-de-passe-faux-1" not in f"{failure!r} {wrong!r} {failure.detail}"


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
async def test_a_certificate_for_another_name_is_refused(dc: samba.Domain, scheme: str) -> None:
    other = replace(target(dc), url=f"{scheme}://autre.{dc.realm}")
    assert (await refused(other)).reason is Reason.CERTIFICATE


@pytest.mark.parametrize("scheme", ["ldaps", "ldap"])
async def test_an_unknown_authority_is_refused(dc: samba.Domain, scheme: str) -> None:
    assert (await refused(replace(target(dc, scheme=scheme), ca_file=""))).reason is Reason.CERTIFICATE


async def test_a_closed_port_is_refused(dc: samba.Domain) -> None:
    assert (await refused(replace(target(dc), url=f"ldaps://{dc.host}:6360"))).reason is Reason.REFUSED


async def test_tls_where_there_is_none_is_no_success(dc: samba.Domain) -> None:
    failure = await refused(replace(target(dc), url=f"ldaps://{dc.host}:389"))
    assert failure.reason in {Reason.CONNECTION_LOST, Reason.NOT_SPOKEN}


def test_a_password_in_clear_is_refused_by_the_controller_with_a_reason_we_know(dc: samba.Domain) -> None:
    simple = element(0x60, number(3), element(4, dc.user().encode()), element(0x80, samba.USER_PASSWORD.encode()))
    with socket.create_connection((dc.address, 389), timeout=5) as plain:
        plain.sendall(element(0x30, number(1), simple))
        assert refusal(read_answer(plain.recv(4096))).reason is Reason.SIGNING_REQUIRED


async def test_kerberos_without_its_library_is_said_missing(dc: samba.Domain) -> None:
    if_missing = await refused(replace(target(dc, scheme="ldap"), bind=BindMethod.KERBEROS))
    assert if_missing.reason is Reason.MISSING_TOOL


async def test_another_base_than_the_controllers_is_not_read(dc: samba.Domain) -> None:
    assert (await refused(replace(target(dc), base="DC=autre,DC=example"))).reason is Reason.REFERRAL


async def test_deleted_objects_come_when_asked(dc: samba.Domain) -> None:
    seen = await scan(as_admin(target(dc), dc), only=dc.base)
    plain = await scan(replace(as_admin(target(dc), dc), deleted_objects=False), only=dc.base)
    assert (seen.reads[dc.base].deleted_objects, plain.reads[dc.base].deleted_objects) == (True, False)
    assert seen.reads[dc.base].entries > plain.reads[dc.base].entries


async def test_no_secret_is_asked_or_kept_even_as_administrator(dc: samba.Domain) -> None:
    seen = await scan(as_admin(target(dc), dc))
    kept = b"".join(seen.captures.values())
    hashes = ldb(dc, "(sAMAccountName=lecteur)", "unicodePwd", "supplementalCredentials")
    assert len(hashes) == 2
    assert not [secret for secret in hashes if secret in kept]
    assert b"PLANTED-SECRET" in b"".join(ldb(dc, "(trustAuthOutgoing=*)", "trustAuthOutgoing"))
    assert b"PLANTED-SECRET" not in kept
    names = {name.partition(";")[0] for entries in seen.entries.values() for e in entries for name in e.attributes}
    assert not names & SECRETS
    assert "ntsecuritydescriptor" in names


async def test_no_attribute_the_schema_calls_confidential_is_asked(dc: samba.Domain) -> None:
    seen = await scan(target(dc))
    (schema,) = (dn for dn, read in seen.reads.items() if read.role is NamingContextRole.SCHEMA)
    confidential = {
        entry.attributes["ldapdisplayname"][0].decode().lower()
        for entry in seen.entries[schema]
        if int(entry.attributes.get("searchflags", (b"0",))[0]) & 128
    }
    assert {"msfve-recoverypassword", "mskds-rootkeydata"} <= confidential
    assert not confidential & {name.lower() for read in seen.reads.values() for name in read.asked}


async def test_a_scan_writes_nothing_in_the_directory(dc: samba.Domain) -> None:
    seen = await scan(target(dc), only=dc.base)
    assert seen.root
    assert not dc.written()


def meddled() -> None:
    """Write in a domain of its own."""
    with samba.domain() as other:
        entry = f"dn: CN=lecteur,OU=Médecins,{other.base}\nchangetype: modify\nreplace: description\ndescription: x\n"
        words = ["ldapmodify", "-x", "-H", f"ldaps://{other.address}", "-D", other.admin, "-w", samba.ADMIN_PASSWORD]
        subprocess.run(words, input=entry.encode(), env={"LDAPTLS_REQCERT": "never"}, check=True, capture_output=True)


def test_a_write_would_be_seen() -> None:
    """The proof that nothing is written, made at the end of every domain of the tests, holds only if a write shows."""
    with pytest.raises(AssertionError, match="somebody wrote in the directory"):
        meddled()


@pytest.mark.parametrize(
    ("signed_with", "bound_with"),
    [("sha256", "sha256"), ("sha384", "sha384"), ("sha512", "sha512"), ("sha1", "sha256")],
)
def test_the_channel_binding_follows_the_hash_of_the_certificate(signed_with: str, bound_with: str) -> None:
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    request += ["-keyout", "/dev/null", "-subj", "/CN=dc", f"-{signed_with}", "-outform", "DER"]
    der = subprocess.run(request, capture_output=True, check=True).stdout
    assert channel_binding(der).application_data == b"tls-server-end-point:" + hashlib.new(bound_with, der).digest()


async def test_two_domains_stand_side_by_side(dc: samba.Domain) -> None:
    with samba.domain("clinique.example", netbios="CLINIQUE") as other:
        assert other.address != dc.address
        seen = await scan(target(other), only=other.base)
        assert seen.root
        assert (seen.root.domain, seen.reads[other.base].complete) == ("clinique.example", True)
        assert (await scan(target(dc), only=dc.base)).reads[dc.base].domain == dc.realm


def ldb(dc: samba.Domain, wanted: str, *attributes: str) -> list[bytes]:
    """Return values straight from the controller's database."""
    script = (
        "import sys; from samba.samdb import SamDB; from samba.auth import system_session; "
        "from samba.param import LoadParm; lp = LoadParm(); lp.load(sys.argv[1]); "
        "db = SamDB(url=lp.samdb_url(), lp=lp, session_info=system_session()); "
        "print([bytes(v).hex() for m in db.search(expression=sys.argv[2], attrs=sys.argv[3:]) "
        "for a in sys.argv[3:] for v in m.get(a, [])])"
    )
    command = ["/usr/bin/python3", "-c", script, str(dc.folder / "etc" / "smb.conf"), wanted, *attributes]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [bytes.fromhex(value) for value in json.loads(done.stdout.splitlines()[-1].replace("'", '"'))]
