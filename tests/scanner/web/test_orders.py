"""A scan asked of the workers that none has begun: seen on its perimeter's page, and cancelled there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from scanner.config.load import Settings, parse
from scanner.schedule.launcher import CANCELLED
from scanner.schedule.orders import Orders
from scanner.store.accounts import Account, Role
from scanner.store.store import Store, open_store, upgrade_store
from tests.lab import postgres
from tests.scanner.web import stage

pytestmark = pytest.mark.postgres
PAGE = f"/p/{stage.OURS}/scans"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Settings, Store]]:
    settings = parse(tmp_path / "hygie.toml", stage.CONFIG + '[serve]\nruns = "workers"\n')
    with postgres.server() as server:
        url = server.new_database()
        upgrade_store(url)
        with open_store(url) as store:
            for role in (Role.OPERATOR, Role.AUDITOR):
                store.accounts.add(Account(login=role.value, name=role.value, role=role), stage.PASSWORD)
            yield settings, store


async def cancelled(client: TestClient, scan: str, token: str) -> tuple[int, str]:  # type: ignore[type-arg]
    answer = await client.post(f"{PAGE}/{scan}/cancel", data={"_csrf": token}, allow_redirects=False)
    return answer.status, await answer.text()


async def test_a_scan_that_waits_for_a_machine_is_cancelled_on_screen(house: tuple[Settings, Store]) -> None:
    settings, store = house
    orders = Orders(store)
    assert orders.start(stage.OURS, "full", "<b>anne</b>")
    assert orders.start(stage.FOREIGN, "short", "anne")
    (ours, theirs) = (asked.order.scan for asked in store.queue.open())
    async with stage.served(settings, store) as client:
        assert await stage.log_in(client, "auditor") == 303
        page = await (await client.get(PAGE)).text()
        assert "En attente d’une machine" in page
        assert "&lt;b&gt;anne" in page
        assert "/cancel" not in page
        assert (await cancelled(client, ours, await stage.csrf(client)))[0] == 403
    async with stage.served(settings, store) as client:
        assert await stage.log_in(client, "operator") == 303
        token = await stage.csrf(client)
        assert f"{PAGE}/{ours}/cancel" in await (await client.get(PAGE)).text()
        # without the token of the session's forms nothing is done
        assert (await cancelled(client, ours, ""))[0] == 400
        assert [asked.order.scan for asked in store.queue.open()] == [ours, theirs]
        # an order of another perimeter is none of this one's
        assert (await cancelled(client, theirs, token))[0] == 400
        assert (await cancelled(client, ours, token))[0] == 303
        page = await (await client.get(PAGE)).text()
        assert "Scan annulé avant d’avoir commencé" in page
        assert "En attente d’une machine" not in page
        assert "s’est arrêté" not in page
        status, page = await cancelled(client, ours, token)
        assert (status, "n’attend plus" in page) == (400, True)
    assert [asked.order.scan for asked in store.queue.open()] == [theirs]
    assert (last := orders.last(stage.OURS)) is not None
    assert last.said == CANCELLED
    assert [event.event for event in store.audit.events()][-1] == "order-cancelled"
    assert orders.start(stage.OURS, "full", "anne")


async def test_a_scan_that_a_machine_has_taken_is_stopped_from_its_page_instead(house: tuple[Settings, Store]) -> None:
    settings, store = house
    assert Orders(store).start(stage.OURS, "full", "anne")
    (asked,) = store.queue.open()
    database, _ = store._databases
    with database.write() as session:
        session.connection().exec_driver_sql("UPDATE procrastinate_jobs SET status = 'doing'")
    async with stage.served(settings, store) as client:
        assert await stage.log_in(client, "operator") == 303
        status, page = await cancelled(client, asked.order.scan, await stage.csrf(client))
    assert (status, "une machine l’a pris" in page) == (400, True)
    assert [one.taken for one in store.queue.open()] == [True]
