"""SYSVOL of a real controller by SMB: what it holds, who may write it, no secret kept, nothing written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from probes.directory.redaction import redacted
from probes.directory.smb import PORT, Share
from probes.directory.sysvol import DirectorySysvol
from probes.directory.target import BindMethod, DirectorySettings, DirectoryTarget
from probes.facts.group_policy import (
    REG_BINARY,
    REG_DWORD,
    REG_SZ,
    PolicyError,
    RegistryValue,
    preferences,
    read_inf,
    read_preg,
    scripts,
    text_of,
    write_preg,
)
from probes.facts.sysvol import SysvolFile, SysvolRead
from probes.interface import Asset, AssetKind, ProbeError, Reason, Shortfall, Sight
from probes.interface.secret import Secret
from scanner.scope import Grants
from tests.lab import samba
from tests.lab.line import Kept, mandate, open_line

DEFAULT = "Policies/{31B2F340-016D-11D2-945F-00C04FB984F9}"
CPASSWORD = "CANARI-j1Uyj3Vx8TY9LtLZil2uAuZkFQA/4latT76ZwgdHdhw"
GROUPS = f"""<?xml version="1.0" encoding="utf-8"?>
<Groups clsid="{{3125E937-EB16-4b4c-9934-544FC6D24D26}}"><User name="Administrateur (intégré)">
<Properties action="U" newName="" cpassword="{CPASSWORD}" userName="Administrateur (intégré)"/></User>
<User name="sans"><Properties action="U" cpassword="" userName="sans"/></User></Groups>"""
TASKS = f"""<Task><Properties runAs="x" args="/p CANARI-args" cpassword="{CPASSWORD}"/>
<Arguments>CANARI-x</Arguments></Task>"""
VALUES = [
    RegistryValue(name="software\\lab\\enabled", type=REG_DWORD, data=b"\1\0\0\0"),
    RegistryValue(name="software\\lab\\defaultpassword", type=REG_SZ, data="CANARI-pol\0".encode("utf-16-le")),
]


def plant(domain: Path) -> Mapping[str, str]:
    machine = domain / DEFAULT / "MACHINE"
    for folder in ("Preferences/Groups", "Preferences/ScheduledTasks", "Microsoft/Windows NT/SecEdit", "Scripts"):
        (machine / folder).mkdir(parents=True)
    (machine / "Preferences/Groups/Groups.xml").write_text(GROUPS)
    (machine / "Preferences/ScheduledTasks/ScheduledTasks.xml").write_bytes(TASKS.encode("utf-16"))
    (machine / "Microsoft/Windows NT/SecEdit/GptTmpl.inf").write_bytes(
        "[System Access]\r\nMinimumPasswordLength = 7\r\n".encode("utf-16")
    )
    (machine / "Registry.pol").write_bytes(write_preg(VALUES))
    (machine / "Scripts/scripts.ini").write_text("[Startup]\n0CmdLine=démarrage.bat\n0Parameters=/p:CANARI-param\n")
    (domain / "scripts/ouverture.bat").write_text("net use z: /user:x CANARI-script")
    (domain / "scripts/ouvert.bat").write_text("rem")
    (domain / "scripts/secret.bat").write_text("rem")
    return {
        "scripts/ouvert.bat": "O:DAG:DAD:(A;;FA;;;DA)(A;;FA;;;SY)(A;;0x1301bf;;;AU)",
        "scripts/secret.bat": "O:DAG:DAD:(A;;FA;;;DA)(A;;FA;;;SY)",
    }


@pytest.fixture(scope="module")
def dc() -> Iterator[samba.Domain]:
    with samba.domain(sysvol=plant) as running:
        yield running


def target(dc: samba.Domain) -> DirectoryTarget:
    return DirectoryTarget(
        url=f"ldaps://{dc.host}",
        address=dc.address,
        user=dc.user("lecteur"),
        password=Secret(samba.USER_PASSWORD),
        ca_file=str(dc.ca_file),
        bind=BindMethod.NTLM,
    )


async def look(asked: DirectoryTarget) -> tuple[SysvolRead, Kept, list[Reason]]:
    kept, reads, missed = Kept(), [], []
    probe, asset = (
        DirectorySysvol(DirectorySettings(targets={"chu": asked})),
        Asset(kind=AssetKind.CONTROLLER, name="dc1", found_by="directory:chu"),
    )
    async for found in probe.look(asset, open_line(captures=kept)):
        if isinstance(found, Sight):
            assert isinstance(found.fact, SysvolRead)
            assert found.asset == Asset(kind=AssetKind.AD_DOMAIN, name=found.fact.domain)
            assert set(found.captures) == kept.keys()
            reads.append(found.fact)
        elif isinstance(found, Shortfall):
            missed.append(found.reason)
    (read,) = reads
    return read, kept, missed


def named(read: SysvolRead, end: str) -> SysvolFile:
    (found,) = (file for file in read.files if file.path.endswith(end))
    return found


@pytest.mark.samba
async def test_sysvol_is_read_signed_and_encrypted(dc: samba.Domain) -> None:
    read, kept, missed = await look(target(dc))
    assert (read.domain, read.dialect, read.signed, read.encrypted) == (dc.realm, "3.1.1", True, True)
    assert (read.complete, missed) == (True, [])
    assert read_inf(kept[named(read, f"{DEFAULT}/GPT.INI").content])["general"]["version"] == "0"
    policy = read_inf(kept[named(read, "GptTmpl.inf").content])
    assert policy["system access"]["minimumpasswordlength"] == "7"
    assert read.requests > len(read.files)
    assert read.bytes_read > 1000


@pytest.mark.samba
async def test_passwords_are_counted_and_never_kept(dc: samba.Domain) -> None:
    read, kept, _ = await look(target(dc))
    assert (named(read, "Groups.xml").secrets, named(read, "ScheduledTasks.xml").secrets) == (1, 1)
    assert not [data for data in kept.values() if b"CANARI" in data or "CANARI".encode("utf-16-le") in data]
    assert "CANARI" not in repr(read)
    names = [p["username"] for p in preferences(kept[named(read, "Groups.xml").content]) if p["cpassword"]]
    assert names == ["Administrateur (intégré)"]
    (enabled, password) = read_preg(kept[named(read, "Registry.pol").content])
    assert (enabled.number, password.text) == (1, "")
    assert list(scripts(kept[named(read, "scripts.ini").content])) == ["démarrage.bat"]
    assert named(read, "ouverture.bat").content == ""


@pytest.mark.samba
async def test_the_descriptors_of_scripts_are_read_and_a_refusal_is_said(dc: samba.Domain) -> None:
    read, _, _ = await look(target(dc))
    usual, opened, secret = (named(read, name) for name in ("ouverture.bat", "ouvert.bat", "secret.bat"))
    assert len({usual.descriptor, opened.descriptor, secret.descriptor}) == 3
    assert (secret.descriptor, secret.unread) == (-1, "denied")
    assert all(len(one) > 100 for one in read.descriptors)


@pytest.mark.samba
async def test_nothing_is_written_in_sysvol(dc: samba.Domain) -> None:
    folder = dc.folder / "state" / "sysvol"
    before = {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(folder.rglob("*"))}
    await look(target(dc))
    assert {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(folder.rglob("*"))} == before


@pytest.mark.samba
@pytest.mark.parametrize(
    ("account", "password", "reason"),
    [
        ("lecteur", "Mot-de-passe-faux-1", Reason.CREDENTIALS),
        ("expire", samba.USER_PASSWORD, Reason.ACCOUNT_EXPIRED),
        ("desactive", samba.USER_PASSWORD, Reason.ACCOUNT_DISABLED),
        ("mdp-expire", samba.USER_PASSWORD, Reason.PASSWORD_EXPIRED),
    ],
)
async def test_an_account_that_is_refused_says_why(
    dc: samba.Domain, account: str, password: str, reason: Reason
) -> None:
    with pytest.raises(ProbeError) as failure:
        await look(replace(target(dc), user=dc.user(account), password=Secret(password)))
    assert failure.value.reason is reason
    assert password not in str(failure.value)


@pytest.mark.samba
async def test_a_connection_cut_leaves_what_was_read(dc: samba.Domain, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _, _ = await look(target(dc))
    real = Share.descriptor

    def cut(share: Share, path: str) -> bytes:
        if path.endswith("GptTmpl.inf"):
            share.abort()
        return real(share, path)

    monkeypatch.setattr(Share, "descriptor", cut)
    read, _, missed = await look(target(dc))
    assert not read.complete
    assert 0 < len(read.files) < len(whole.files)
    assert missed == [Reason.CONNECTION_LOST]


async def test_a_server_that_speaks_no_smb_is_refused() -> None:
    asked = DirectoryTarget(url="ldaps://dc1.x.fr", address="127.0.0.1", user="x", password=Secret("x"))
    with pytest.raises(ProbeError) as failure:
        await look(asked)
    assert failure.value.reason in {Reason.REFUSED, Reason.CONNECTION_LOST, Reason.MALFORMED}


def test_a_mandate_on_a_directory_covers_its_sysvol_and_nothing_else() -> None:
    granted = mandate(networks=(), directories=["ldaps://198.51.100.9"])
    grants = Grants(granted, 2, resolver=None, authoritative=False)
    for port in (636, 88, PORT):
        grants.connection(ip_address("198.51.100.9"), port)
    for port in (389, 3389, 139):
        with pytest.raises(ProbeError):
            grants.connection(ip_address("198.51.100.9"), port)


@pytest.mark.parametrize("cut", [0, 4, 12, 30, 47, 60])
def test_a_registry_file_cut_anywhere_is_refused(cut: int) -> None:
    data = write_preg(VALUES)
    assert list(read_preg(data)) == VALUES
    with pytest.raises(PolicyError):
        list(read_preg(data[:cut] if cut else b"PReg\2\0\0\0"))


def test_what_cannot_be_read_is_not_kept() -> None:
    for name in ("registry.pol", "inconnu.bin"):
        with pytest.raises(PolicyError):
            redacted(name, b"CANARI")


def test_texts_are_read_in_their_encoding() -> None:
    assert {text_of("é".encode(e)) for e in ("utf-16", "utf-8-sig", "utf-8", "cp1252")} == {"é"}
    assert RegistryValue(name="x", type=REG_BINARY, data=b"1").number is None
