"""A whole scan of two hosts with the same doors: behind those of one what belongs inside, behind the others SSH."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from probes.interface import Part
from reports.dossier import Dossier
from rules.interface import Confidence, Outcome
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver
from scanner.demo.nameserver import NameServer
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.responders import Script, responding
from tests.lab.scene import DNS, configuration, zone
from tests.probes.test_services import DICOM_AC, RDP_NLA

ROOT, OPEN, OTHER = "127.79.2.1", "127.79.2.10", "127.79.2.20"
MORE = """
[probes.datagram]
patience = 0.1
tries = 1
[probes.tls]
patience = 0.3
[probes.discovery]
words = "words"
"""
#: The doors, by the rule that each breaks: the port, and what is said behind it.
DOORS: dict[str, tuple[int, Script]] = {
    "remote-desktop-not-reachable": (3389, [b"", RDP_NLA]),
    "file-sharing-not-reachable": (873, [b"@RSYNCD: 31.0 sha512\n"]),
    "telnet-not-reachable": (23, [b"\xff\xfd\x18\xff\xfd\x20"]),
    "database-not-reachable": (6379, [b"", b"+PONG\r\n"]),
    "medical-protocol-not-reachable": (11112, [b"", DICOM_AC]),
    "remote-control-not-reachable": (5900, [b"RFB 003.008\n", b"\2\1\2"]),
    "windows-administration-not-reachable": (135, [b"", b"\5\0\x0c\3\x10\0\0\0\x3c\0\0\0\1\0\0\0"]),
    "directory-service-not-reachable": (88, [b"", b"\0\0\0\x0c\x7e\x0a\x30\x08\xa0\3\2\1\5\xa1\1\0"]),
    "platform-administration-not-reachable": (1099, [b"", b"\x4e\0\x0a127.79.2.9"]),
    "message-broker-not-reachable": (1883, [b"", b"\x20\2\0\0"]),
    "camera-not-reachable": (554, [b"", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"]),
    "telephony-not-reachable": (5060, [b"", b"SIP/2.0 200 OK\r\nUser-Agent: PBX\r\n\r\n"]),
}
#: Nothing is said to a printer nor to a device: their open door is the finding, and hearsay.
KEPT = {
    "printer-not-reachable": 9100,
    "building-automation-not-reachable": 1911,
    "industrial-protocol-not-reachable": 102,
}  # fmt: skip
#: What the services behind the doors do wrong beside being reached.
FAULTS = (
    ("database-authentication-required", 6379), ("vnc-authentication-required", 5900),
    ("dicom-unknown-callers-refused", 11112), ("dicom-encryption-used", 11112),
    ("broker-authentication-required", 1883), ("platform-authentication-required", 1099),
)  # fmt: skip
BANNER: Sequence[bytes] = [b"SSH-2.0-OpenSSH_9.9\r\n"]


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    return asyncio.run(_play(tmp_path_factory.mktemp("families")))


async def _play(folder: Path) -> Dossier:
    text = configuration(
        resolver=ROOT, domains=["ch.test"], networks=[f"{OPEN}/32", f"{OTHER}/32"],
        hosts=["ouvert.ch.test", "autre.ch.test"], more=MORE, authoritative=False,
    )  # fmt: skip
    (folder / "words").write_text("rien\n")
    settings = parse(folder / "config.toml", text)
    names = f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A {ROOT}\nouvert 60 A {OPEN}\nautre 60 A {OTHER}\n"
    resolver = NameServer(zones=(zone("ch.test.", names),), resolver=True)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(nameserver.serving(resolver, ROOT, DNS))
        for port, script in DOORS.values():
            await stack.enter_async_context(responding(OPEN, port, script))
            await stack.enter_async_context(responding(OTHER, port, BANNER))
        kept = [await stack.enter_async_context(responding(OPEN, port, [b""])) for port in KEPT.values()]
        with open_store(folder / "hygie.sqlite") as store:
            scan, _ = await run.scan(settings, store, "ch", only=Part.EXPOSURE)
            found = judge_scan(settings, store, scan.id)
    assert [heard.messages for heard in kept] == [[], [], []]
    return found


def outcome(dossier: Dossier, rule: str, asset: str) -> tuple[Outcome, Confidence]:
    (one,) = [f for f in dossier.findings if (f.rule, f.asset) == (rule, asset)]
    return one.outcome, one.confidence


@pytest.mark.parametrize("rule", DOORS)
def test_a_service_that_belongs_inside_is_found_and_another_behind_its_port_is_not(dossier: Dossier, rule: str) -> None:
    assert outcome(dossier, rule, "host:ouvert.ch.test") == (Outcome.NOT_MET, Confidence.CONFIRMED)
    assert outcome(dossier, rule, "host:autre.ch.test")[0] is Outcome.MET


@pytest.mark.parametrize("rule", KEPT)
def test_a_door_behind_which_nothing_is_said_is_found_by_hearsay(dossier: Dossier, rule: str) -> None:
    assert outcome(dossier, rule, "host:ouvert.ch.test") == (Outcome.NOT_MET, Confidence.INDICATIVE)
    assert outcome(dossier, rule, "host:autre.ch.test")[0] is Outcome.MET


@pytest.mark.parametrize(("rule", "port"), FAULTS)
def test_whom_a_service_serves_is_judged_where_its_protocol_is_spoken(dossier: Dossier, rule: str, port: int) -> None:
    assert outcome(dossier, rule, f"service:tcp/{port}@ouvert.ch.test")[0] is Outcome.NOT_MET
    assert outcome(dossier, rule, f"service:tcp/{port}@autre.ch.test")[0] is Outcome.NOT_APPLICABLE


def test_a_host_with_many_doors_is_told_apart(dossier: Dossier) -> None:
    assert outcome(dossier, "open-ports-are-told-apart", "host:ouvert.ch.test")[0] is Outcome.MET
