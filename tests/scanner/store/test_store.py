"""The store, on SQLite and on a real PostgreSQL: nothing twice, nothing lost, nothing altered unseen."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import uuid4

import pytest
from alembic.script import ScriptDirectory
from psycopg import sql

from probes.facts.ports import PortsSwept
from probes.interface import (
    Asset,
    AssetKind,
    Attempt,
    Mandate,
    Observation,
    Part,
    Reason,
    Scope,
    Status,
    Vantage,
)
from rules.subject import Attestation, Perimeter, Scan, ScanPart, Waiver
from scanner.journal import Step, StepResult
from scanner.store import schema
from scanner.store.errors import (
    AlreadyKeptError,
    CaptureDamagedError,
    CaptureMissingError,
    PerimeterBusyError,
    ScanEndedError,
    StoreError,
    StoreUnavailableError,
    UnknownEntryError,
    UnknownScanError,
    UpgradeNeededError,
)
from scanner.store.store import Store, open_store, upgrade_store
from tests.lab import postgres

DAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
HOST = Asset(kind=AssetKind.HOST, name="www.ch.test", addresses=("192.0.2.1",))
STEP = Step(probe="ports", asset=HOST)


def a_scan(name: str = "s1", perimeter: str = "ch") -> Scan:
    return Scan(
        id=name,
        perimeter=Perimeter(id=perimeter, name="CH d’Exemple", unit="ej"),
        mandate=Mandate(
            reference="M1",
            signatory="Directrice",
            document_sha256="",
            valid_from=date(2026, 1, 1),
            valid_until=date(2026, 12, 31),
            level=2,
            scope=Scope(domains=("ch.test",)),
        ),
        parts=(ScanPart(kind=Part.EXPOSURE, box="b", vantage=Vantage.INTERNET, started_at=DAY, ended_at=None),),
        level=2,
        state="running",
        versions={"hygie": "0.1.0"},
        config_digest="d",
    )


def a_result(detail: str = "") -> StepResult:
    seen = Observation(
        id="o1", asset=HOST, fact=PortsSwept(answers=()), seen_at=DAY, probe="ports@1", vantage=Vantage.INTERNET
    )
    tried = Attempt(
        probe="ports@1", asset=HOST.id, status=Status.COMPLETED, reason=Reason.NONE, started_at=DAY, ended_at=DAY,
        detail=detail,
    )  # fmt: skip
    return StepResult(step=STEP, observations=(seen,), attempts=(tried,), found=(HOST,))


def opened(location: str) -> Store:
    return open_store(location, clock=lambda: DAY, actor="tests")


def test_what_was_committed_is_read_back_as_it_was(location: str) -> None:
    hostile = a_result("\x1b[31m\u202e\x00 octets \udcff")
    with opened(location) as store:
        lease = store.scans.begin(a_scan())
        journal = store.journal(lease)
        assert [journal.begin(STEP, DAY), journal.begin(STEP, DAY)] == [1, 2]
        journal.commit(hostile)
        journal.commit(a_result("a second commit changes nothing"))
        digest = journal.keep(b"preuve")
        store.scans.end(lease, replace(a_scan(), state="complete"), [HOST])
    with opened(location) as store:
        record = store.record("s1")
        assert record.scan.state == "complete"
        assert record.observations == a_result().observations
        assert len(record.attempts) == 1
        assert record.assets == (HOST,)
        assert record.read_capture(digest) == b"preuve"
        assert store.scans.find("latest:ch").id == store.scans.find("latest").id == "s1"


def test_one_scan_of_a_perimeter_at_a_time(location: str) -> None:
    with opened(location) as store:
        store.scans.begin(a_scan())
        with pytest.raises(PerimeterBusyError, match="ch is being scanned"):
            store.scans.begin(a_scan("s2"))
        store.scans.begin(a_scan("s3", perimeter="autre"))


def test_an_interrupted_scan_is_resumed_with_what_it_had_and_an_ended_one_is_not(location: str) -> None:
    with opened(location) as store:
        lease = store.scans.begin(a_scan())
        store.journal(lease).commit(a_result())
        store.scans.end(lease, replace(a_scan(), state="interrupted"))
        _, again = store.scans.resume("s1")
        assert [r.step.key for r in store.journal(again).results()] == [STEP.key]
        store.scans.end(again, replace(a_scan(), state="complete"))
        with pytest.raises(ScanEndedError):
            store.scans.resume("s1")
        with pytest.raises(UnknownScanError):
            store.scans.find("s9")


def test_the_audit_log_is_a_chain(location: str) -> None:
    with opened(location) as store:
        store.scans.begin(a_scan())
        store.audit.note("export", file="rapport.json")
        assert [e.event for e in store.audit.events()][-2:] == ["scan-begun", "export"]
        assert store.verify_audit() is None


def test_what_a_person_says_is_kept_taken_back_and_never_changed(location: str) -> None:
    said = Attestation(
        id="A1", type="silene", issuer="ANSSI \u202e", dated=DAY.date(), document_sha256="0" * 64, values={"level": 3},
        perimeter="ch", entered_by="auditrice", entered_at=DAY, document="rapports/silene.pdf",
    )  # fmt: skip
    risk = Waiver(
        id="W1",
        fingerprint="f",
        reason="r\u202e",
        owner="RSSI",
        granted_at=DAY,
        expires=DAY.date(),
        perimeter="ch",
    )
    with opened(location) as store:
        store.attestations.keep(said)
        store.attestations.keep(said)
        with pytest.raises(AlreadyKeptError):
            store.attestations.keep(replace(said, values={"level": 5}))
        store.waivers.grant(risk)
        assert store.attestations.of("ch") == (said,)
        assert store.attestations.of("autre") == ()
        assert store.waivers.granted("ch") == (risk,)
        # What one hospital accepts of a shared forest, another has not accepted.
        assert store.waivers.granted("autre") == ()
        store.attestations.withdraw("A1", "mauvais fichier")
        store.waivers.withdraw("W1", "corrigé")
        for again in (store.attestations.withdraw, store.waivers.withdraw):
            with pytest.raises(UnknownEntryError):
                again("A1", "encore")
    with opened(location) as store:
        assert (store.attestations.of("ch"), store.waivers.granted("ch")) == ((), ())
        assert store.attestations.all() == (replace(said, withdrawn_at=DAY),)
        assert store.waivers.all() == ((risk, DAY),)
        events = [link.event for link in store.audit.links()]
        assert events == ["attestation-kept", "waiver-granted", "attestation-withdrawn", "waiver-withdrawn"]
        assert [a.digest for a in store.audit.links()][:-1] == [a.previous for a in store.audit.links()][1:]


def test_a_changed_row_of_the_audit_log_and_a_changed_capture_are_found(tmp_path: Path) -> None:
    path = tmp_path / "hygie.sqlite"
    with opened(str(path)) as store:
        store.audit.note("export", file="a")
        store.audit.note("export", file="b")
        digest = store.captures.keep(b"preuve")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE audit SET document = replace(document, 'export', 'import')")
    raw.close()
    with opened(str(path)) as store:
        assert store.verify_audit() is not None
        assert store.captures.read(digest) == b"preuve"
        with pytest.raises(CaptureMissingError):
            store.captures.read("0" * 64)
    captures = path.with_name("hygie-captures.sqlite")
    data = captures.read_bytes()
    assert data.count(b"preuve") == 1
    captures.write_bytes(data.replace(b"preuve", b"prxuve"))
    with opened(str(path)) as store, pytest.raises(CaptureDamagedError):
        store.captures.read(digest)


_UPGRADE = "import sys; from scanner.store.store import upgrade_store; upgrade_store(sys.argv[1])"


def test_two_processes_that_upgrade_at_once_both_succeed(tmp_path: Path) -> None:
    target = str(tmp_path / "hygie.sqlite")
    processes = [subprocess.Popen([sys.executable, "-c", _UPGRADE, target], stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(p.communicate()[1].decode(), p.returncode) for p in processes]
    assert [code for _, code in ends] == [0, 0], ends


@pytest.mark.postgres
def test_on_postgresql_too_and_an_old_schema_says_what_to_do(server: postgres.Server) -> None:
    target = server.new_database()
    with pytest.raises(UpgradeNeededError, match="hygie db upgrade"):
        open_store(target)
    processes = [subprocess.Popen([sys.executable, "-c", _UPGRADE, target], stderr=subprocess.PIPE) for _ in range(2)]
    ends = [(p.communicate()[1].decode(), p.returncode) for p in processes]
    assert [code for _, code in ends] == [0, 0], ends


@pytest.mark.postgres
def test_a_database_gone_in_mid_scan_is_one_sentence_and_loses_nothing(server: postgres.Server) -> None:
    target = server.new_database()
    upgrade_store(target)
    with opened(target) as store:
        journal = store.journal(store.scans.begin(a_scan()))
        journal.commit(a_result())
        server.stop(crash=True)
        try:
            with pytest.raises(StoreUnavailableError):
                journal.begin(replace(STEP, probe="tls"), DAY)
        finally:
            server.start()
        assert [r.step.key for r in journal.results()] == [STEP.key]


def test_a_folder_is_refused_as_a_store_and_keeps_its_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    with pytest.raises(StoreUnavailableError, match="is a folder"):
        open_store(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755


def test_the_files_of_the_migrations_are_named_after_their_revisions_in_order() -> None:
    """The names alone tell whether a store is current, so that Alembic is loaded by those that are not."""
    walked = ScriptDirectory.from_config(schema.config(schema.MIGRATIONS)).walk_revisions()
    assert schema.revisions(schema.MIGRATIONS) == tuple(script.revision for script in walked)[::-1]


@pytest.mark.postgres
def test_what_postgresql_refuses_names_the_key_to_look_at(server: postgres.Server) -> None:
    url, name = server.new_database(), f"guest_{uuid4().hex[:8]}"
    absent = url.replace("/hygie_", "/absent_")
    with server.connect() as connection:
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(name)))
    with pytest.raises(StoreError, match=r'database "absent_\w+" does not exist; check \[store\] url'):
        open_store(absent)
    with pytest.raises(StoreError, match=r"permission denied .*; check \[store\] url, and what its user may do there"):
        upgrade_store(url.replace("postgres@", f"{name}@"))
    upgrade_store(url)
    with pytest.raises(StoreError, match=r"permission denied .*; check \[store\] url, and what its user may do there"):
        open_store(url.replace("postgres@", f"{name}@"))


def test_a_missing_driver_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreError, match=r"\[store\] url .* install hygie\[postgres\]"):
        open_store("postgresql://u@h/d")
