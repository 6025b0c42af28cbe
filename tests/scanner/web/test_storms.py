"""The dashboard in bad weather: a disk that is full, a database that goes away under a scan and comes back."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from scanner.config.load import load
from scanner.store.accounts import Account, Role
from scanner.store.store import open_store, upgrade_store
from tests.lab import disk
from tests.lab.daemon import running
from tests.lab.postgres import Server, server
from tests.scanner.web import stage

FINDING = f"/p/{stage.OURS}/findings/{stage.OURS}-certificate-current"


async def test_a_full_disk_is_told_reads_go_on_and_nothing_is_lost(tmp_path: Path) -> None:
    with disk.small(tmp_path / "disk", 48) as small:
        settings = stage.configuration(small.folder)
        with stage.store_of(small.folder) as store:
            stage.populate(store, settings)
            before = len(store.audit.events())
            async with stage.served(settings, store) as client:
                assert await stage.log_in(client, "operator") == 303
                token = await stage.csrf(client)
                form = {
                    "_csrf": token, "reason": "Remplacement commandé", "owner": "RSSI",
                    "expires": str((datetime.now(UTC) + timedelta(days=30)).date()),
                }  # fmt: skip
                small.fill()
                refused = await client.post(f"{FINDING}/waive", data=form, allow_redirects=False)
                assert (refused.status, "disque de la base est plein" in await refused.text()) == (503, True)
                big = aiohttp.FormData(
                    {
                        "_csrf": token,
                        "type": "action_plan",
                        "dated": "2026-11-02",
                        "value-actions": "2",
                        "value-done": "1",
                    }
                )
                big.add_field("document", b"%PDF" + b"\0" * 100_000, filename="ads.pdf")
                refused = await client.post(f"/p/{stage.OURS}/dossier/attest", data=big, allow_redirects=False)
                assert refused.status == 503
                for page in ("/", FINDING, f"/p/{stage.OURS}/dossier", "/region"):
                    assert (await client.get(page)).status == 200, page
                start = {"_csrf": token, "kind": "short"}
                refused = await client.post(f"/p/{stage.OURS}/scans", data=start, allow_redirects=False)
                assert refused.status == 503
                assert not store.waivers.granted(stage.OURS)
                small.free()
                assert (await client.post(f"{FINDING}/waive", data=form, allow_redirects=False)).status == 303
            assert [waiver.owner for waiver in store.waivers.granted(stage.OURS)] == ["RSSI"]
            assert len(store.audit.events()) > before
            assert store.verify_audit() is None
        with closing(sqlite3.connect(small.folder / "hygie.sqlite")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


@pytest.fixture(scope="module")
def postgres() -> Iterator[Server]:
    with server() as started:
        yield started


CONFIG = """
[box]
name = "b"
vantage = "internet"
[store]
url = "{url}"
[dns]
resolver = "127.0.0.1"
[run]
second_look_seconds = 0.2
workers = 1
[probes.ports]
short = {ports}
patience = 1.5
tries = 2
[[mandates]]
reference = "M"
signatory = "Directrice"
valid_from = 2020-01-01
valid_until = 2099-12-31
networks = ["127.48.0.1/32", "127.48.0.2/32", "127.48.0.3/32"]
[[perimeters]]
id = "ch"
name = "CH"
mandate = "M"
"""


@pytest.mark.postgres
async def test_a_database_that_goes_in_mid_scan_is_waited_for(postgres: Server, tmp_path: Path) -> None:
    config = tmp_path / "hygie.toml"
    config.write_text(CONFIG.format(url=postgres.new_database(), ports=list(range(9000, 9015))))
    upgrade_store(str(load(config).store_location()))
    with open_store(load(config).store_location()) as store:
        store.accounts.add(Account(login="anne", name="Anne", role=Role.ADMIN), stage.PASSWORD)
    serve = [sys.executable, "-m", "scanner", "serve", "-c", str(config), "--port", "18043"]
    with running(serve, [("127.0.0.1", 18043)], log=tmp_path / "log", patience=60) as process:
        async with aiohttp.ClientSession("http://127.0.0.1:18043", cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            form = {"login": "anne", "password": stage.PASSWORD, "_form": await field(http, "/login", "_form")}
            assert (await http.post("/login", data=form, allow_redirects=False)).status == 303
            token = await field(http, "/me", "_csrf")
            start = {"_csrf": token, "kind": "short"}
            assert (await http.post("/p/ch/scans", data=start, allow_redirects=False)).status == 303
            with open_store(load(config).store_location()) as store:
                scan_id = store.sightings.running()["ch"]
                await until(lambda: store.sightings.live("ch", scan_id).ended > 0)
            postgres.stop()
            for path, status in (("/health", 503), ("/p/ch", 503)):
                answer = await http.get(path)
                assert answer.status == status
            assert "ne répond pas" in await answer.text()
            await until(lambda: "scan of ch: the store" in (tmp_path / "log").read_text())
            postgres.start()
            await told(http, "/health", '"ok"')
            # The page says why the scan stopped, nobody has to log in again, and it goes on from where it stood.
            await told(http, "/p/ch/scans", "the store:")
            with open_store(load(config).store_location()) as store:
                (scan,) = store.sightings.scans("ch")
                before = store.sightings.live("ch", scan.id)
            assert (scan.state, before.ended > 0) == ("interrupted", True)
            answer = await http.post(f"/p/ch/scans/{scan.id}/resume", data={"_csrf": token}, allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (303, f"/p/ch/scans/{scan.id}")
            await told(http, f"/p/ch/scans/{scan.id}", "state complete")
            with open_store(load(config).store_location()) as store:
                assert [s.id for s in store.sightings.scans("ch")] == [scan.id]
                assert store.sightings.live("ch", scan.id).ended > before.ended
                assert store.verify_audit() is None
            assert process.poll() is None
    said = (tmp_path / "log").read_text()
    assert "Traceback" not in said
    assert "schedules wait" in said


async def field(http: aiohttp.ClientSession, path: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', await (await http.get(path)).text())
    assert found is not None
    return found[1]


async def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 40
    while not true():
        assert time.monotonic() < end
        await asyncio.sleep(0.2)


async def told(http: aiohttp.ClientSession, path: str, text: str) -> None:
    """Wait until a page tells something."""
    end, page = time.monotonic() + 30, ""
    while time.monotonic() < end:
        page = await (await http.get(path)).text()
        if text in page:
            return
        await asyncio.sleep(0.2)
    raise AssertionError(f"{path} never told {text!r}: {page[-3000:]}")
