"""A dossier joins the newest part of each kind of a perimeter, each under its own scan and date."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.ports import PortsSwept
from probes.interface import Asset, AssetKind, Attempt, Fact, Observation, Part, Reason, Status, Vantage
from rules.subject import Scan, ScanPart
from scanner.journal import Step, StepResult
from scanner.store.store import Store, open_store
from tests.scanner.store.test_store import a_scan

DAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOST = Asset(kind=AssetKind.HOST, name="www.ch.test")
CONTEXT = Asset(kind=AssetKind.NAMING_CONTEXT, name="DC=ad,DC=test")
DOMAIN = Asset(kind=AssetKind.AD_DOMAIN, name="ad.test")
READ = NamingContextRead(
    dn="DC=ad,DC=test", role=NamingContextRole.DOMAIN, forest="ad.test", domain="ad.test", server="dc1",
    current_time=DAY, entries=0, bytes_read=0, queries=1, seconds=0.1, complete=True,
)  # fmt: skip


def keep(store: Store, name: str, kind: Part, asset: Asset, fact: Fact, at: datetime, *, whole: bool = True) -> Scan:
    part = ScanPart(kind=kind, box="b", vantage=Vantage.INSIDE, started_at=at, ended_at=at if whole else None)
    scan = replace(a_scan(name), parts=(part,))
    lease = store.scans.begin(scan)
    step = Step(probe=fact.seen_by, asset=asset)
    seen = Observation(
        id=f"o-{name}", asset=asset, fact=fact, seen_at=at, probe=f"{fact.seen_by}@1", vantage=Vantage.INSIDE
    )
    tried = Attempt(
        probe=seen.probe, asset=asset.id, status=Status.COMPLETED, reason=Reason.NONE, started_at=at, ended_at=at
    )
    journal = store.journal(lease)
    journal.begin(step, at)
    journal.commit(StepResult(step=step, observations=(seen,), attempts=(tried,), found=()))
    met = (asset, DOMAIN) if kind is Part.DIRECTORY else (asset,)
    store.scans.end(lease, replace(scan, state="complete" if whole else "interrupted"), met)
    return scan


def test_imported_ports_are_told_beside_the_newest_look_and_never_in_its_place(tmp_path: Path) -> None:
    clock = iter(DAY + timedelta(minutes=n) for n in range(1000))
    ports = PortsSwept(answers=(), canaries=())
    with open_store(tmp_path / "h.sqlite", clock=lambda: next(clock)) as store:
        keep(store, "e1", Part.EXPOSURE, HOST, ports, DAY)
        keep(store, "i1", Part.IMPORT, HOST, ports, DAY + timedelta(days=1))
        keep(store, "d1", Part.DIRECTORY, CONTEXT, READ, DAY + timedelta(days=2))
        assert [o.id for o in store.record("i1").observations] == ["o-i1", "o-e1"]
        assert [(p.kind, p.scan) for p in store.record("d1").scan.parts] == [
            (Part.DIRECTORY, ""), (Part.EXPOSURE, "e1"),
        ]  # fmt: skip


def test_the_newest_whole_part_of_the_other_kind_is_joined(tmp_path: Path) -> None:
    clock = iter(DAY + timedelta(minutes=n) for n in range(1000))
    with open_store(tmp_path / "h.sqlite", clock=lambda: next(clock)) as store:
        keep(store, "d1", Part.DIRECTORY, CONTEXT, READ, DAY - timedelta(days=40))
        keep(store, "d2", Part.DIRECTORY, CONTEXT, READ, DAY - timedelta(days=20))
        keep(store, "d3", Part.DIRECTORY, CONTEXT, READ, DAY - timedelta(days=10), whole=False)
        keep(store, "e1", Part.EXPOSURE, HOST, PortsSwept(answers=(), canaries=()), DAY)
        keep(store, "d4", Part.DIRECTORY, CONTEXT, READ, DAY + timedelta(days=1))
        record = store.record("e1")
        assert [(p.kind, p.scan) for p in record.scan.parts] == [(Part.EXPOSURE, ""), (Part.DIRECTORY, "d2")]
        assert [o.id for o in record.observations] == ["o-e1", "o-d2"]
        assert {a.id for a in record.assets} == {HOST.id, CONTEXT.id, DOMAIN.id}
        assert [a.asset for a in record.attempts] == [HOST.id, CONTEXT.id]
        assert store.record("e1") == record


def test_a_scan_with_both_parts_joins_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "h.sqlite") as store:
        keep(store, "d1", Part.DIRECTORY, CONTEXT, READ, DAY - timedelta(days=40))
        both = replace(a_scan("x"), parts=(*a_scan().parts, replace(a_scan().parts[0], kind=Part.DIRECTORY)))
        store.scans.end(store.scans.begin(both), replace(both, state="complete"))
        assert [p.scan for p in store.record("x").scan.parts] == ["", ""]
