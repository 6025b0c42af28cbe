"""A whole scan at level 3 beside industrial and building devices: what they hear is what the mandate lets them hear."""

from __future__ import annotations

import contextlib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from probes.interface import Part
from reports.dossier import Dossier
from reports.formats.html import render
from rules.interface import Confidence, Finding, Outcome
from rules.registry import load
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver
from scanner.demo.nameserver import NameServer
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.responders import answering, responding
from tests.lab.scene import DNS, configuration, zone
from tests.probes.test_services_industrial import (
    BACNET,
    ENIP,
    FOX,
    MODBUS,
    OPCUA_REFUSED,
    S7_CONFIRM,
    S7_KEPT,
    S7_OPENED,
)

ROOT, SITE = "127.79.0.1", "127.79.0.20"
MORE = """
[probes.datagram]
patience = 0.3
[probes.discovery]
words = "words"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a scan found, and what the devices heard."""

    dossier: Dossier
    heard: list[bytes]

    def finding(self, rule: str) -> Finding:
        return next(f for f in self.dossier.findings if f.rule == rule and f.asset == "host:gtb.ch.test")


async def _play(folder: Path, *, identify: bool) -> Told:
    text = configuration(
        resolver=ROOT, domains=["ch.test"], networks=[f"{SITE}/32"], hosts=["gtb.ch.test"], more=MORE,
        mandate=f"level = 3\nidentify_devices = {str(identify).lower()}", authoritative=False,
    )  # fmt: skip
    (folder / "words").write_text("rien\n")
    settings = parse(folder / "config.toml", text)
    names = f"@ 60 SOA ns h 1 1 1 1 1\n@ 60 NS ns\nns 60 A {ROOT}\ngtb 60 A {SITE}\n"
    resolver = NameServer(zones=(zone("ch.test.", names),), resolver=True)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(nameserver.serving(resolver, ROOT, DNS))
        modbus = await stack.enter_async_context(responding(SITE, 502, [b"", MODBUS]))
        enip = await stack.enter_async_context(responding(SITE, 44818, [b"", ENIP]))
        s7 = await stack.enter_async_context(responding(SITE, 102, [b"", S7_CONFIRM, S7_OPENED, S7_KEPT]))
        fox = await stack.enter_async_context(responding(SITE, 1911, [b"", FOX]))
        opcua = await stack.enter_async_context(responding(SITE, 4840, [b"", OPCUA_REFUSED]))
        bacnet = await stack.enter_async_context(answering(SITE, 47808, BACNET))
        knx = await stack.enter_async_context(answering(SITE, 3671, b""))
        with open_store(folder / "hygie.sqlite") as store:
            scan, _ = await run.scan(settings, store, "ch", only=Part.EXPOSURE, level=3)
            dossier = judge_scan(settings, store, scan.id)
    heard = [message for one in (modbus, enip, s7, fox, opcua) for message in one.messages]
    return Told(dossier=dossier, heard=[*heard, *bacnet, *knx])


async def test_without_the_mandates_word_devices_hear_nothing_and_are_found_open(tmp_path: Path) -> None:
    told = await _play(tmp_path, identify=False)
    assert told.heard == []
    found = told.finding("industrial-protocol-not-reachable")
    assert (found.outcome, found.confidence) == (Outcome.NOT_MET, Confidence.INDICATIVE)
    assert found.values["ports"] == "102, 502, 4840, 44818"
    assert told.finding("building-automation-not-reachable").outcome is Outcome.NOT_MET
    assert told.finding("building-datagrams-not-reachable").outcome is Outcome.NOT_APPLICABLE
    skipped = {
        a.asset for a in told.dossier.attempts if a.probe.startswith("industrial@") and a.reason.value == "level"
    }
    assert skipped == {f"service:tcp/{port}@gtb.ch.test" for port in (102, 502, 1911, 4840, 44818)}
    assert "connexion seule, rien n" in render(told.dossier, load().cards, "fr").decode()


async def test_with_the_mandates_word_devices_are_asked_for_their_name(tmp_path: Path) -> None:
    told = await _play(tmp_path, identify=True)
    found = told.finding("industrial-protocol-not-reachable")
    assert (found.outcome, found.confidence) == (Outcome.NOT_MET, Confidence.CONFIRMED)
    # the finding says which device it is, so that who reads it knows where to walk
    assert {one.name for one in found.objects} == {
        f"{SITE} tcp/102 s7", f"{SITE} tcp/502 modbus (Schneider Electric BMX P34 2 v2.6)",
        f"{SITE} tcp/4840 opc-ua", f"{SITE} tcp/44818 ethernet-ip (1756-EN2T/B 20.11)",
    }  # fmt: skip
    building = told.finding("building-datagrams-not-reachable")
    assert (building.outcome, building.values["protocols"]) == (Outcome.NOT_MET, "bacnet")
    fox = told.finding("building-automation-not-reachable")
    assert (fox.outcome, fox.confidence) == (Outcome.NOT_MET, Confidence.CONFIRMED)
    # at most once by each look: what is high is looked at again
    assert max(Counter(told.heard).values()) <= 2
    assert {message[:3] for message in told.heard} == {
        b"\x48\x79\0", b"\x63\0\0", b"\x81\x0a\0", b"\x06\x10\2", b"\3\0\0", b"fox", b"HEL",
    }  # fmt: skip
