"""A firewall that shuts the door in the middle of a scan is told from closed ports, down to the report's words."""

from __future__ import annotations

import asyncio
import contextlib
import html
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from probes.facts.ports import Canary, PortsSwept
from probes.interface import Attempt, Part, Status
from reports.dossier import Dossier
from reports.formats.html import render
from rules.interface import Finding, Outcome
from rules.registry import load
from scanner import run
from scanner.config.load import parse
from scanner.demo import nameserver
from scanner.demo.nameserver import NameServer
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab.scene import DNS, configuration, zone
from tests.lab.silence import far_side

ROOT = "127.79.0.1"
CLOSED, BLOCKED, SILENT = "ferme.ch.test", "coupe.ch.test", "muet.ch.test"
ZONE = f"""
@ 60 SOA ns h 1 1 1 1 1
@ 60 NS ns
ns 60 A {ROOT}
ferme 60 A 198.51.100.1
coupe 60 A 198.51.100.2
muet 60 A 198.51.100.3
"""
MORE = """
[probes.ports]
patience = 0.4
[probes.datagram]
patience = 0.1
tries = 1
[probes.discovery]
words = "words"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a scan through the firewall left."""

    dossier: Dossier
    canaries: dict[str, Canary]
    page: str


async def _play(folder: Path) -> Told:
    networks = [f"198.51.100.{number}/32" for number in (1, 2, 3)]
    text = configuration(
        resolver=ROOT, domains=["ch.test"], networks=networks, hosts=[CLOSED, BLOCKED, SILENT], more=MORE,
        authoritative=False, per_address=200.0, burst=5,
    )  # fmt: skip
    (folder / "words").write_text("rien\n")
    settings = parse(folder / "config.toml", text)
    async with contextlib.AsyncExitStack() as stack:
        resolver = NameServer(zones=(zone("ch.test.", ZONE),), resolver=True)
        await stack.enter_async_context(nameserver.serving(resolver, ROOT, DNS))
        with open_store(folder / "hygie.sqlite") as store:
            scan, _ = await run.scan(settings, store, "ch", only=Part.EXPOSURE)
            record = store.record(scan.id)
            dossier = judge_scan(settings, store, scan.id)
    facts = [(o.asset.name, o.fact) for o in record.observations if isinstance(o.fact, PortsSwept)]
    canaries = {name: canary for name, fact in facts for _, canary in fact.canaries}
    page = html.unescape(render(dossier, load().cards, "fr").decode())
    return Told(dossier=dossier, canaries=canaries, page=page)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    with far_side(3) as side:
        # one refuses every port; one refuses twenty, then drops everything; one drops everything from the start
        side.rule("ip daddr 198.51.100.1 accept")
        side.rule("ip daddr 198.51.100.2 tcp flags syn limit rate 1/hour burst 20 packets accept")
        yield asyncio.run(_play(tmp_path_factory.mktemp("blocked")))


def finding(told: Told, host: str, rule: str = "remote-desktop-not-reachable") -> Finding:
    return next(f for f in told.dossier.findings if f.asset == f"host:{host}" and f.rule == rule)


def missed(told: Told, host: str) -> list[Attempt]:
    attempts = told.dossier.attempts
    return [a for a in attempts if a.asset == f"host:{host}" and a.status is Status.FAILED and "ports@" in a.probe]


def test_what_refuses_is_shut_what_was_cut_or_silent_is_not_told(told: Told) -> None:
    assert told.canaries == {CLOSED: Canary.ANSWERED, BLOCKED: Canary.LOST, SILENT: Canary.NONE}
    assert finding(told, CLOSED).outcome is Outcome.MET
    for host in (BLOCKED, SILENT):
        shut = finding(told, host)
        assert (shut.outcome, shut.reason) == (Outcome.UNDETERMINED, "silent-without-canary")


def test_a_block_is_a_failed_attempt_that_the_report_tells_in_words(told: Told) -> None:
    assert {a.reason.value for a in missed(told, BLOCKED)} == {"blocked"}
    assert missed(told, CLOSED) == []
    assert missed(told, SILENT) == []
    assert "bloqué par un équipement" in told.page
    assert "198.51.100.2 a répondu, puis s’est tue pendant le balayage" in told.page
    assert "silence, sans port témoin qui ait répondu" in told.page
