"""Exports of a directory, whole, cut and hostile: what can be believed is kept, the rest is said."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.directory.attributes import SECRETS
from probes.directory.rootdse import sid_text
from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import Entry, decode_entries
from probes.facts.imports import ImportedFile
from probes.facts.sysvol import SysvolRead
from probes.imports import Importer
from probes.imports.ldif import LdifImport, logical, pair
from probes.imports.oradad import OradadImport
from probes.imports.oradad_values import sid_bytes, value_of
from probes.imports.tree import home
from probes.interface import Asset, AssetKind, NoSettings, ProbeError, Reason, Shortfall, Sight
from scanner.catalogue import importers
from scanner.files import PathLine
from tests.lab import oradad
from tests.lab.line import Kept

HEAD = b"version: 1\n\ndn: DC=chu,DC=example\nobjectClass: domainDNS\ninstanceType: 5\nuSNCreated: 1\n\n"
END = b"search: 2\nresult: 0 Success\n\n"
AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class Read:
    """What one import gave."""

    file: ImportedFile | None = None
    assets: list[str] = field(default_factory=list)
    reads: dict[str, NamingContextRead] = field(default_factory=dict)
    entries: dict[str, Entry] = field(default_factory=dict)
    missed: list[str] = field(default_factory=list)
    kept: Kept = field(default_factory=Kept)


async def read(kind: type[Importer], path: Path, *, declared_whole: bool = False) -> Read:
    """Look at a file as the engine does."""
    found = Read()
    with PathLine(path, keep=found.kept.keep, made_at=AT, declared_whole=declared_whole) as line:
        async for piece in kind(NoSettings()).look(Asset(kind=AssetKind.FILE, name=line.name), line):
            match piece:
                case Asset():
                    found.assets.append(piece.id)
                case Shortfall():
                    found.missed.append(f"{piece.reason.value} {piece.detail}")
                case Sight(fact=ImportedFile() as file):
                    found.file = file
                case Sight(fact=NamingContextRead() as context):
                    found.reads[context.dn] = context
                    for digest in piece.captures:
                        assert len(found.kept[digest]) <= 4 << 20
                        found.entries |= {entry.dn: entry for entry in decode_entries(found.kept[digest])}
    return found


async def ldif(tmp_path: Path, content: bytes, *, declared_whole: bool = False) -> Read:
    path = tmp_path / "export.ldif"
    path.write_bytes(content)
    return await read(LdifImport, path, declared_whole=declared_whole)


def test_a_kind_of_import_is_named_after_its_place() -> None:
    assert {kind: cls.__module__ for kind, cls in importers().items()} == {
        kind: f"probes.imports.{kind}" for kind in importers()
    }
    assert all(cls.name == f"import-{kind}" for kind, cls in importers().items())


async def test_folds_base64_comments_and_accents_are_read(tmp_path: Path) -> None:
    dn = "CN=Hélène Garçon,OU=Médecins,DC=chu,DC=example"
    entry = b"# un commentaire\n  qui continue\ndn:: " + base64.b64encode(dn.encode()) + b"\nobjectClass: top\n"
    entry += b"objectClass: user\nname: Helene\n  Garcon\nsAMAccountName:   hgarcon\nmember;range=0-1: CN=a\n\n"
    found = await ldif(tmp_path, HEAD + entry + END)
    seen = found.entries[dn].attributes
    assert seen["objectclass"] == (b"top", b"user")
    assert seen["name"] == (b"Helene Garcon",)
    assert (seen["samaccountname"], seen["member;range=0-1"]) == ((b"hgarcon",), (b"CN=a",))
    assert found.missed == []


async def test_an_export_is_sorted_into_its_contexts_and_dated_by_its_root(tmp_path: Path) -> None:
    names = ["CN=x,CN=Configuration,DC=chu,DC=example", "CN=y,CN=Schema,CN=Configuration,DC=chu,DC=example"]
    names += ["DC=www,DC=chu.example,CN=MicrosoftDNS,DC=DomainDnsZones,DC=chu,DC=example", "DC=lyon,DC=chu,DC=example"]
    entries = b"".join(b"dn: %s\nobjectClass: top\n\n" % name.encode() for name in names)
    root = b"dn:\ncurrentTime: 20250102030405.0Z\nrootDomainNamingContext: DC=chu,DC=example\ndnsHostName: DC1\n\n"
    found = await ldif(tmp_path, root + HEAD + entries)
    assert {(r.role, r.forest, r.domain, r.server) for r in found.reads.values()} == {
        (NamingContextRole.DOMAIN, "chu.example", "chu.example", "dc1"),
        (NamingContextRole.DOMAIN, "chu.example", "lyon.chu.example", "dc1"),
        (NamingContextRole.CONFIGURATION, "chu.example", "", "dc1"),
        (NamingContextRole.SCHEMA, "chu.example", "", "dc1"),
        (NamingContextRole.DOMAIN_DNS, "chu.example", "chu.example", "dc1"),
    }
    assert {r.current_time for r in found.reads.values()} == {datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)}
    assert {"forest:chu.example", "ad-domain:chu.example", "ad-domain:lyon.chu.example"} <= set(found.assets)
    assert found.file
    assert (found.file.name, found.file.tool, found.file.made_at) == ("export.ldif", "ldif", AT)


SAID = b"# LDAPv3\n# base <DC=chu,DC=example> with scope subtree\n# filter: (objectClass=*)\n# requesting: ALL\n#\n\n"


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        (HEAD, "end-not-told"),
        (HEAD.replace(b"\nobjectClass", b"\nchangetype: add\nobjectClass"), "end-not-told"),
        (HEAD + b"dn: CN=a,DC=chu,DC=example\nname: a\n", "truncated-answer"),
        (HEAD + b"dn: CN=a,DC=chu,DC=example\nname: He", "truncated-answer"),
        (HEAD + b"dn: CN=a,DC=chu,DC=exam", "truncated-answer"),
        (HEAD + END, ""),
        (SAID + HEAD, "truncated-answer"),
        (SAID + HEAD + END, ""),
        (SAID + HEAD + b"search: 2\nresult: 4 Size limit exceeded\n\n", "ldap-result-4"),
        (SAID + HEAD + b"search: 2\nresult: 0 Success\npagedresults: cookie=AAE=\n\n", "truncated-answer"),
        (SAID + HEAD + b"search: 2\nresult: 0 Success\npagedresults: cookie=\n\n", ""),
        (SAID.replace(b"objectClass=*", b"cn=a*") + HEAD + END, "partial-search"),
        (SAID.replace(b"<", b"<OU=x,") + HEAD + END, "partial-search"),
        (SAID.replace(b"subtree", b"oneLevel") + HEAD + END, "partial-search"),
        (HEAD + b"dn: CN=a,DC=chu,DC=example\nname:< file:///etc/passwd\n\n", "malformed-answer"),
        (HEAD + b"dn: CN=a,DC=chu,DC=example\nname:: ***\n\n", "malformed-answer"),
        (HEAD + b"dn: CN=a,DC=chu,DC=example\nchangetype: delete\n\n", "malformed-answer"),
        (HEAD + b"\xff\xfe\x00\n\n", "malformed-answer"),
    ],
)
async def test_what_is_not_whole_is_said_and_the_rest_stands(tmp_path: Path, content: bytes, cut: str) -> None:
    found = await ldif(tmp_path, content)
    (context,) = found.reads.values()
    assert (context.cut, context.complete) == (cut, not cut)
    assert bool(found.missed) is bool(cut)
    assert "/etc/passwd" not in str(found.kept)
    assert set(found.entries) == {"DC=chu,DC=example"}


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        (HEAD, ""),
        (HEAD.replace(b"\nobjectClass", b"\nchangetype: add\nobjectClass"), ""),
        # a person cannot answer for what the file itself disproves
        (HEAD + b"dn: CN=a,DC=chu,DC=example\nname: He", "truncated-answer"),
        (SAID + HEAD, "truncated-answer"),
        (SAID + HEAD + b"search: 2\nresult: 4 Size limit exceeded\n\n", "ldap-result-4"),
    ],
)
async def test_an_export_that_proves_nothing_may_be_declared_whole(tmp_path: Path, content: bytes, cut: str) -> None:
    found = await ldif(tmp_path, content, declared_whole=True)
    (context,) = found.reads.values()
    assert (context.cut, context.complete) == (cut, not cut)
    assert found.file is not None
    assert found.file.declared_whole


async def test_an_export_in_utf_16_says_how_to_make_it_again(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="without -u"):
        await ldif(tmp_path, "\ufeffdn: DC=chu,DC=example\nobjectClass: domainDNS\n\n".encode("utf-16-le"))


@pytest.mark.parametrize(
    ("requesting", "head", "asked"),
    [
        (b"ALL", b"", {"sIDHistory": True, "msDS-ResultantPSO": False}),
        (b"name sIDHistory", b"", {"sIDHistory": True, "adminCount": False}),
        (b"", b"instanceType: 5\nuSNCreated: 1\n", {"sIDHistory": True, "msDS-ResultantPSO": False}),
        (b"", b"name: chu\n", {"name": True, "sIDHistory": False}),
    ],
)
async def test_what_was_not_asked_for_is_no_absence(
    tmp_path: Path, requesting: bytes, head: bytes, asked: dict[str, bool]
) -> None:
    said = SAID.replace(b"ALL", requesting) if requesting else b""
    found = await ldif(tmp_path, said + b"dn: DC=chu,DC=example\nobjectClass: domainDNS\n" + head + b"\n" + END)
    names = set(found.reads["DC=chu,DC=example"].asked)
    assert {name: name in names for name in asked} == asked


async def test_no_secret_of_an_export_is_kept(tmp_path: Path) -> None:
    secrets = b"".join(b"%s: CANARI-%s\n" % (name.encode(), name.encode()) for name in sorted(SECRETS))
    found = await ldif(tmp_path, HEAD + b"dn: CN=a,DC=chu,DC=example\nobjectClass: user\n" + secrets + b"\n")
    assert b"CANARI" not in b"".join(found.kept.values())
    assert "CANARI" not in repr(found)
    assert set(found.entries["CN=a,DC=chu,DC=example"].attributes) == {"objectclass"}


async def test_a_group_too_long_for_a_message_is_kept_in_ranges(tmp_path: Path) -> None:
    members = [b"CN=agent %d,OU=Services administratifs,DC=chu,DC=example" % i for i in range(90_000)]
    entry = b"dn: CN=g,DC=chu,DC=example\nobjectClass: group\n" + b"".join(b"member: %s\n" % m for m in members) + b"\n"
    found = await ldif(tmp_path, HEAD + entry)
    values = [
        value
        for digest in found.kept.values()
        for one in decode_entries(digest)
        for name, several in one.attributes.items()
        if name.startswith("member;range=")
        for value in several
    ]
    assert values == members
    assert found.reads["DC=chu,DC=example"].entries == 2


async def test_a_file_of_something_else_is_no_directory(tmp_path: Path) -> None:
    for content in (b"", b"PNG", b"dn: cn=config\nobjectClass: top\n\n"):
        with pytest.raises(ProbeError) as failure:
            await ldif(tmp_path, content)
        assert failure.value.reason is Reason.NOT_SPOKEN


@given(st.lists(st.binary(max_size=40), max_size=12))
def test_any_lines_are_pairs_or_malformed(lines: list[bytes]) -> None:
    for line in logical(lines):
        try:
            name, value = pair(line)
        except ProbeError:
            continue
        assert name
        assert isinstance(value, bytes)


@given(st.text(max_size=60))
def test_any_name_lies_somewhere_or_is_refused(name: str) -> None:
    try:
        dn, _ = home(name)
    except ProbeError:
        return
    assert name.lower().endswith(dn.lower()[-3:])


def user(dn: str, **attributes: bytes) -> Entry:
    return Entry(dn, {"objectclass": (b"top", b"user"), **{k.replace("_", "-"): (v,) for k, v in attributes.items()}})


async def exported(tmp_path: Path, entries: Iterable[Entry]) -> Path:
    head = Entry(
        "DC=chu,DC=example", {"objectclass": (b"domainDNS",), "gplink": (b"[LDAP://cn={A};0][LDAP://cn={B};2]",)}
    )
    return oradad.write(tmp_path, {NamingContextRole.DOMAIN: [head, *entries]}, domain="chu.example", at=AT)


async def test_an_oradad_export_gives_back_the_values_of_the_directory(tmp_path: Path) -> None:
    sid = sid_bytes("S-1-5-21-1-2-3-1104")
    dn = "CN=Hélène\\, Garçon,DC=chu,DC=example"
    path = await exported(
        tmp_path,
        [user(dn, objectsid=sid, pwdlastset=b"133800000000000000", accountexpires=b"9223372036854775807",
              useraccountcontrol=b"512", ntsecuritydescriptor=b"\1\0\4\x80", whencreated=b"20240102030405.0Z",
              objectguid=bytes(range(16)), memberof=b"CN=a\\;b,DC=x")],
    )  # fmt: skip
    found = await read(OradadImport, path)
    seen = found.entries[dn].attributes
    assert (sid_text(seen["objectsid"][0]), seen["pwdlastset"]) == ("S-1-5-21-1-2-3-1104", (b"133800000000000000",))
    assert (seen["accountexpires"], seen["useraccountcontrol"]) == ((b"9223372036854775807",), (b"512",))
    assert (seen["ntsecuritydescriptor"], seen["objectguid"]) == ((b"\1\0\4\x80",), (bytes(range(16)),))
    assert seen["whencreated"] == (b"20240102030405.0Z",)
    assert found.entries["DC=chu,DC=example"].attributes["gplink"] == (b"[LDAP://cn={A};0][LDAP://cn={B};2]",)
    context = found.reads["DC=chu,DC=example"]
    assert (context.complete, context.current_time) == (True, AT)
    assert "pwdLastSet" in context.asked
    assert found.missed == []


@pytest.mark.parametrize("damage", ["cut", "missing", "columns", "unfinished", "top"])
async def test_a_damaged_oradad_export_is_not_whole(tmp_path: Path, damage: str) -> None:
    path = await exported(tmp_path, [user("CN=a,DC=chu,DC=example", samaccountname=b"a")])
    table = path / "domain" / "chu.example" / "user.tsv"
    if damage == "cut":
        table.write_bytes(table.read_bytes()[:-6])
    elif damage == "columns":
        table.write_bytes(table.read_bytes() + "x\ty\r\n".encode("utf-16-le"))
    elif damage == "unfinished":
        (path / "metadata.tsv").unlink()
    else:
        (table if damage == "missing" else table.with_name("top.tsv")).unlink()
    found = await read(OradadImport, path)
    context = found.reads["DC=chu,DC=example"]
    assert not context.complete
    assert found.missed


async def test_no_export_is_refused_and_values_that_are_none_too(tmp_path: Path) -> None:
    with pytest.raises(ProbeError) as failure:
        await read(OradadImport, tmp_path)
    assert failure.value.reason is Reason.NOT_SPOKEN
    assert value_of("dnsroot", "nvarchar(9)", "a;b\\;c") == [b"a", b"b\\;c"]
    with pytest.raises(ValueError, match="SID"):
        sid_bytes("S-1-5-" + "-".join(["1"] * 16))


async def test_a_copy_of_sysvol_beside_an_ldif_says_what_policies_set_and_keeps_no_secret(tmp_path: Path) -> None:
    machine = tmp_path / "chu.example" / "Policies" / "{31B2F340-016D-11D2-945F-00C04FB984F9}" / "MACHINE"
    machine.mkdir(parents=True)
    (machine / "Groups.xml").write_text('<User><Properties userName="x" cpassword="CANARI-abc"/></User>')
    (machine / "Registry.pol").write_bytes(b"not a policy")
    (machine.parent / "GPT.INI").write_text("[General]\nVersion=3\n")
    (tmp_path / "ad.ldif").write_bytes(HEAD + END)
    kept = Kept()
    with PathLine(tmp_path, keep=kept.keep) as line:
        asset = Asset(kind=AssetKind.FILE, name=line.name)
        pieces = [piece async for piece in LdifImport(NoSettings()).look(asset, line)]
    facts = [piece.fact for piece in pieces if isinstance(piece, Sight)]
    (share,) = (fact for fact in facts if isinstance(fact, SysvolRead))
    (context,) = (fact for fact in facts if isinstance(fact, NamingContextRead))
    by_name = {file.path.rpartition("/")[2]: file for file in share.files}
    assert (share.domain, context.domain, context.complete) == ("chu.example", "chu.example", True)
    assert by_name["Groups.xml"].secrets == 1
    assert by_name["Registry.pol"].unread.startswith("malformed-answer")
    assert {file.descriptor for file in share.files} == {-1}
    assert b"CANARI" not in b"".join(kept.values())
    assert not [piece for piece in pieces if isinstance(piece, Shortfall)]


async def test_an_oradad_export_gives_its_sysvol_with_its_descriptors(tmp_path: Path) -> None:
    run = await exported(tmp_path, [user("CN=a,DC=chu,DC=example", samaccountname=b"a")])
    guid = "{31B2F340-016D-11D2-945F-00C04FB984F9}"
    contents: dict[str, bytes | None] = {
        f"Policies/{guid}/GPT.INI": b"[General]\nVersion=3\n",
        f"Policies/{guid}/MACHINE/Groups.xml": b'<Properties cpassword="CANARI"/>',
        f"Policies/{guid}/USER/Drives.xml": None,
        "scripts/a.bat": b"rem CANARI",
        "DfsrPrivate/x": None,
    }
    oradad.add_sysvol(run, "chu.example", contents, b"\1\0\4\x80")
    kept = Kept()
    with PathLine(run.parent, keep=kept.keep) as line:
        asset = Asset(kind=AssetKind.FILE, name=line.name)
        pieces = [piece async for piece in OradadImport(NoSettings()).look(asset, line)]
    facts = [piece.fact for piece in pieces if isinstance(piece, Sight)]
    (share,) = (fact for fact in facts if isinstance(fact, SysvolRead))
    (context,) = (fact for fact in facts if isinstance(fact, NamingContextRead))
    by_name = {file.path.rpartition("/")[2]: file for file in share.files}
    assert (share.domain, share.complete, context.complete) == ("chu.example", True, True)
    assert (share.descriptors, {file.descriptor for file in share.files}) == (("01000480",), {0})
    assert kept[by_name["GPT.INI"].content] == b"[General]\nVersion=3\n"
    assert (by_name["Groups.xml"].secrets, by_name["Drives.xml"].unread) == (1, "not-in-the-export")
    assert set(by_name) == {"GPT.INI", "Groups.xml", "Drives.xml", "a.bat"}
    assert b"CANARI" not in b"".join(kept.values())
