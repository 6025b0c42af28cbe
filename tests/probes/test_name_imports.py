"""Imports of names: Certificate Transparency, lists, nmap reports, look-alikes; hostile files end in a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.imported import NamesListed
from probes.facts.ports import PortsSwept
from probes.imports import Importer
from probes.imports.ct import CertificateTransparencyImport
from probes.imports.lookalikes import LookAlikesImport
from probes.imports.names import NamesImport
from probes.imports.nmap import NmapImport
from probes.interface import Asset, AssetKind, FoundIn, NoSettings, PortState, ProbeError, Shortfall, Sight, Yield
from scanner.files import PathLine
from tests.lab.line import Kept


def read(importer: type[Importer], path: Path) -> list[Yield]:
    with PathLine(path, keep=Kept().keep) as line:
        return list(importer(NoSettings()).read(Asset(kind=AssetKind.FILE, name=path.name), line))


def given(importer: type[Importer], folder: Path, text: str | bytes, name: str = "export") -> list[Yield]:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read(importer, path)


def names(found: list[Yield]) -> NamesListed:
    return next(y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, NamesListed))


CRT_SH = [
    {
        "issuer_name": "C=FR, O=Exemple, CN=AC 1",
        "common_name": "www.ch.test",
        "name_value": "www.ch.test\n*.rdv.ch.test\nPACS.ch.test",
        "not_after": "2025-01-01T00:00:00",
    },
    {
        "issuer_name": "CN=AC 2",
        "common_name": "Hôpital",
        "name_value": "www.ch.test",
        "not_after": "2027-01-01T00:00:00",
    },
    {"name_value": None, "common_name": 12},
    ["un tableau"],
]


def test_crt_sh_gives_each_name_once_with_its_last_certificate(tmp_path: Path) -> None:
    fact = names(given(CertificateTransparencyImport, tmp_path, json.dumps(CRT_SH)))
    assert [n.text for n in fact.names] == ["pacs.ch.test", "rdv.ch.test", "www.ch.test"]
    www = fact.names[-1]
    assert (www.issuer, www.not_after) == ("CN=AC 2", datetime(2027, 1, 1, tzinfo=UTC))
    assert {lead.found_in for lead in fact.leads()} == {FoundIn.CT}


def test_certspotter_and_one_object_a_line_are_read_too(tmp_path: Path) -> None:
    entry = {"dns_names": ["vpn.ch.test"], "issuer": {"friendly_name": "AC"}, "not_after": "2027-01-01T00:00:00Z"}
    fact = names(given(CertificateTransparencyImport, tmp_path, f"{json.dumps(entry)}\n{json.dumps(entry)}\n"))
    assert [(n.text, n.issuer) for n in fact.names] == [("vpn.ch.test", "AC")]


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "<html>502 Bad Gateway</html>", "\0\0"])
def test_what_is_no_log_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ProbeError, match="no certificate"):
        given(CertificateTransparencyImport, tmp_path, text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("www.ch.test\n# un commentaire\n192.0.2.1\n\nhttps://rdv.ch.test:8443/accueil\n",
         ["192.0.2.1", "rdv.ch.test", "www.ch.test"]),
        ("Nom;Adresse IP;Service\nsrv1.ch.test;192.0.2.7;exemple.com\n;192.0.2.8;\n",
         ["192.0.2.7", "192.0.2.8", "srv1.ch.test"]),
        ("\ufefffqdn,san\n\"a.ch.test\",\"b.ch.test, c.ch.test\"\n", ["a.ch.test", "b.ch.test", "c.ch.test"]),
        ("network\n192.0.2.0/28\n2001:db8::/64\n", ["192.0.2.0/28", "2001:db8::/64"]),
    ],
    ids=["one a line", "semicolons and titles", "byte order mark and several in a cell", "networks"],
)  # fmt: skip
def test_lists_of_any_tool(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert [n.text for n in names(given(NamesImport, tmp_path, text)).names] == expected


def test_a_list_without_any_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ProbeError, match="no name"):
        given(NamesImport, tmp_path, "bonjour\n=cmd|'/c calc'!A0\n")


def test_look_alikes_are_told_apart(tmp_path: Path) -> None:
    found = given(LookAlikesImport, tmp_path, "fuzzer,domain,dns_a\nhomoglyph,xn--h-test-6ya.test,192.0.2.1\n")
    assert [(lead.text, lead.found_in) for lead in names(found).leads()] == [
        ("xn--h-test-6ya.test", FoundIn.LOOK_ALIKE),
    ]  # fmt: skip


NMAP = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nmaprun>
<?xml-stylesheet href="file:///usr/share/nmap/nmap.xsl" type="text/xsl"?>
<nmaprun scanner="nmap"><host starttime="1795000000" endtime="1795000100"><status state="up"/>
<address addr="192.0.2.9" addrtype="ipv4"/><address addr="00:11:22:33:44:55" addrtype="mac"/>
<hostnames><hostname name="srv9.ch.test" type="PTR"/><hostname name="&lt;script&gt;" type="user"/></hostnames>
<ports><port protocol="tcp" portid="443"><state state="open"/><service name="https"/></port>
<port protocol="tcp" portid="22"><state state="closed"/></port>
<port protocol="tcp" portid="3389"><state state="filtered"/></port>
<port protocol="udp" portid="161"><state state="open|filtered"/></port></ports></host></nmaprun>"""


def test_an_nmap_report_is_what_a_sweep_would_have_seen(tmp_path: Path) -> None:
    found = given(NmapImport, tmp_path, NMAP)
    sight = next(y for y in found if isinstance(y, Sight))
    assert isinstance(sight.fact, PortsSwept)
    assert sight.asset is not None
    assert (sight.asset.id, sight.seen_at) == ("address:192.0.2.9", datetime.fromtimestamp(1795000100, UTC))
    assert {(a.port, a.state) for a in sight.fact.answers} == {
        (443, PortState.OPEN), (22, PortState.CLOSED), (3389, PortState.FILTERED),
    }  # fmt: skip
    assert [y.id for y in found if isinstance(y, Asset)] == [
        "address:192.0.2.9", "host:srv9.ch.test", "service:tcp/443@192.0.2.9",
    ]  # fmt: skip


BOMB = '<!DOCTYPE nmaprun [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><nmaprun>&b;</nmaprun>'
OUTSIDE = '<!DOCTYPE nmaprun [<!ENTITY x SYSTEM "file:///etc/passwd">]><nmaprun>&x;</nmaprun>'


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        OUTSIDE,
        "<nmaprun>" + "<a>" * 1000,
        "<nmaprun><host>",
        "pas du XML",
        '<nmaprun><host><address addr="x" addrtype="ipv4"/></host></nmaprun>',
    ],
    ids=["bomb", "outside", "deep", "cut", "not xml", "no address"],
)
def test_hostile_reports_end_in_a_reason(tmp_path: Path, text: str) -> None:
    path = tmp_path / "export"
    path.write_text(text)
    found: list[Yield] = []
    with PathLine(path, keep=Kept().keep) as line, pytest.raises(ProbeError, match="no host"):
        found.extend(NmapImport(NoSettings()).read(Asset(kind=AssetKind.FILE, name="export"), line))
    assert not [y for y in found if isinstance(y, Sight)]


def test_what_came_before_the_cut_stands(tmp_path: Path) -> None:
    found = given(NmapImport, tmp_path, NMAP.replace("</nmaprun>", "<host><ports>"))
    assert [y for y in found if isinstance(y, Sight)]
    assert [y.reason.value for y in found if isinstance(y, Shortfall)] == ["malformed-answer"]
