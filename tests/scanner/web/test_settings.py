"""Settings on screen: entered, refused with a sentence, changed, withdrawn; a secret never passes through the web."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient

from probes.interface import Window
from scanner.config.load import Settings, extend
from scanner.store.accounts import Account, Role
from scanner.store.store import Store
from tests.lab.browser import chromium, grave_faults
from tests.scanner.web import stage

MANDATE = {
    "reference": "M-écran", "signatory": "Directrice", "valid_from": "2026-01-01", "valid_until": "2099-12-31",
    "level": "2", "identify_devices": "yes", "domains": "ch.test", "networks": "192.0.2.0/28", "directories": "ldaps://dc1.ad.ch.test",
    "hosted": "rdv.ailleurs.test ; Hébergeur ; 443, 8443 ; courrier du 3 mars",
    "windows": "lun-ven 20:00-06:00\nsam,dim 8h00-18h00",
    "excluded_names": "irm.ch.test", "excluded_networks": "",
}  # fmt: skip
DIRECTORY = {
    "name": "ad", "url": "ldaps://dc1.ad.ch.test", "user": "hygie@ad.ch.test", "password": "env:HYGIE_TEST_AD",
    "bind": "kerberos", "throttle": "0,5", "page_size": "500",
}  # fmt: skip
PERIMETER = {
    "id": "ch",
    "name": "CH",
    "mandate": "M-écran",
    "hosts": "www.ch.test\nrdv.ailleurs.test",
    "directories": "ad",
}


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Settings, Path]:
    monkeypatch.setenv("HYGIE_TEST_AD", "mot de passe très secret")
    settings = stage.configuration(tmp_path)
    serve = settings.file.serve.model_copy(update={"secrets": ("env:HYGIE_TEST_AD", "env:HYGIE_TEST_GONE")})
    return replace(settings, file=settings.file.model_copy(update={"serve": serve})), tmp_path


@asynccontextmanager
async def entered(house: tuple[Settings, Path]) -> AsyncIterator[tuple[TestClient, Store, str]]:  # type: ignore[type-arg]
    settings, folder = house
    with stage.store_of(folder) as store:
        store.accounts.add(Account(login="anne", name="Anne", role=Role.ADMIN), stage.PASSWORD)
        async with stage.served(settings, store) as client:
            assert await stage.log_in(client, "anne") == 303
            yield client, store, await stage.csrf(client)


async def sent(client: TestClient, token: str, kind: str, fields: dict[str, str]) -> tuple[int, str]:  # type: ignore[type-arg]
    answer = await client.post(f"/settings/{kind}", data={"_csrf": token, **fields}, allow_redirects=False)
    return answer.status, await answer.text()


async def test_what_is_entered_makes_the_configuration_that_scans_read(house: tuple[Settings, Path]) -> None:
    async with entered(house) as (client, store, token):
        for kind, fields in (("mandates", MANDATE), ("directories", DIRECTORY), ("perimeters", PERIMETER)):
            assert await sent(client, token, kind, fields) == (303, "")
        settings = extend(house[0], store.declarations.all())
        mandate, directory = settings.mandates["M-écran"], settings.directories["ad"]
        assert mandate.windows == (
            Window(days=frozenset(range(5)), start=time(20), end=time(6)),
            Window(days=frozenset({5, 6}), start=time(8), end=time(18)),
        )
        assert [(h.name, h.ports) for h in mandate.scope.hosted] == [("rdv.ailleurs.test", frozenset({443, 8443}))]
        assert mandate.identify_devices
        assert (directory.bind, directory.throttle, directory.page_size) == ("kerberos", 0.5, 500)
        assert settings.perimeters["ch"].directories == ("ad",)
        # What is changed comes back as it was entered, and stays the same when nothing is touched.
        page = await (await client.get("/settings", params={"change": "mandates", "id": "M-écran"})).text()
        again = {name: (re.search(rf'name="{name}"[^>]*>([^<]*)</textarea>', page) or ["", ""])[1] for name in MANDATE}
        assert again["windows"] == "lun-ven 20:00-06:00\nsam-dim 08:00-18:00"
        assert again["hosted"] == MANDATE["hosted"]
        assert 'value="M-écran" required readonly' in page
        assert '<option value="yes" selected>' in page
        assert await sent(client, token, "withdraw", {"kind": "directories", "id": "ad"}) != (303, "")
        for kind, id in (("perimeters", "ch"), ("directories", "ad"), ("mandates", "M-écran")):
            assert await sent(client, token, "withdraw", {"kind": kind, "id": id}) == (303, "")
        assert not store.declarations.all()
        events = [event.event for event in store.audit.events()]
        assert (events.count("declared"), events.count("withdrawn")) == (3, 3)
    held = b"".join(path.read_bytes() for path in house[1].iterdir())
    assert "mot de passe très secret".encode() not in held


@pytest.mark.parametrize(
    ("kind", "change", "said"),
    [
        ("mandates", {"windows": "la nuit"}, "Une plage s’écrit"),
        ("mandates", {"windows": "lun-ven 25:00-06:00"}, "Une plage s’écrit"),
        ("mandates", {"hosted": "rdv.ailleurs.test ; 443"}, "Un nom hébergé s’écrit"),
        ("mandates", {"hosted": "rdv.test ; H ; ² ; a"}, "Un nom hébergé s’écrit"),
        ("mandates", {"valid_until": "2025-01-01"}, "valid_until comes before"),
        ("mandates", {"reference": "M-ch-ours"}, "dans le fichier de configuration"),
        ("directories", {"password": "hunter2"}, "parmi les références autorisées"),
        ("directories", {"password": "file:/etc/shadow"}, "parmi les références autorisées"),
        ("directories", {"password": "env:PATH"}, "parmi les références autorisées"),
        ("directories", {"password": "env:HYGIE_TEST_GONE"}, "is not set"),
        ("directories", {"url": "http://dc1.ad.ch.test"}, "ldaps://"),
        ("directories", {"throttle": "vite"}, "throttle"),
        ("perimeters", {"directories": "autre"}, "no directory is called autre"),
        ("perimeters", {"hosts": "www.ailleurs.test"}, "lies in no domain"),
    ],
)
async def test_what_is_wrong_is_refused_with_a_sentence(
    house: tuple[Settings, Path], kind: str, change: dict[str, str], said: str
) -> None:
    async with entered(house) as (client, store, token):
        right = {"mandates": MANDATE, "directories": DIRECTORY, "perimeters": PERIMETER}
        for before in right:
            if before == kind:
                break
            assert await sent(client, token, before, right[before]) == (303, "")
        known = store.declarations.all()
        status, page = await sent(client, token, kind, right[kind] | change)
        assert (status, said in page) == (400, True), page
        assert store.declarations.all() == known


@pytest.mark.parametrize(
    ("day", "hour", "held"),
    [(23, 19, False), (23, 20, True), (24, 5, True), (24, 6, False), (28, 5, True), (28, 20, False), (23, 5, False)],
)
def test_a_window_that_passes_midnight(day: int, hour: int, held: bool) -> None:
    nights = Window(days=frozenset(range(5)), start=time(20), end=time(6))
    # 23 November 2026 is a Monday.
    assert nights.holds(datetime(2026, 11, day, hour, tzinfo=UTC)) is held


@pytest.mark.chromium
async def test_the_forms_by_keyboard_and_on_a_phone(house: tuple[Settings, Path]) -> None:
    faults: list[str] = []
    async with entered(house) as (client, _, token), chromium() as browser:
        assert await sent(client, token, "mandates", MANDATE) == (303, "")
        page = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
        base = str(client.make_url("")).rstrip("/")
        await page.goto(f"{base}/login")
        await page.fill("#login", "anne")
        await page.fill("#password", stage.PASSWORD)
        await page.press("#password", "Enter")
        await page.goto(f"{base}/settings")
        await page.get_by_text("Enregistrer un annuaire").focus()
        await page.keyboard.press("Enter")
        for name, text in (("d-name", "ad"), ("d-url", DIRECTORY["url"]), ("d-user", "hygie")):
            await page.focus(f"#{name}")
            await page.keyboard.type(text)
        faults += await grave_faults(page)
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        await page.keyboard.press("Enter")
        await page.get_by_role("status").get_by_text("Annuaire enregistré").wait_for()
        await page.get_by_role("link", name="Modifier M-écran").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_url(re.compile("change=mandates"))
        await page.fill("#m-windows", "dim 02:00-04:00")
        faults += await grave_faults(page)
        await page.get_by_role("button", name="Enregistrer le mandat").press("Enter")
        await page.get_by_role("status").get_by_text("Mandat enregistré").wait_for()
        await page.get_by_text("Tout le mandat").click()
        await page.get_by_text("dim 02:00-04:00").wait_for()
        faults += await grave_faults(page)
    assert not faults, "\n".join(faults)


#: What is said of an occasion with failed steps, and of one that was cancelled.
SAID = ("terminé, avec des étapes en échec", "annulé avant d’avoir commencé")


async def test_what_came_of_an_occasion_is_said_in_the_readers_language(house: tuple[Settings, Path]) -> None:
    async with entered(house) as (client, store, token):
        schedule = {"perimeter": stage.OURS, "kind": "short", "cron": "15 5 * * *"}
        assert await sent(client, token, "schedules", schedule) == (303, "")
        said = ("ended, with steps that failed", "mandate M1 expired on 2026-01-02", "cancelled before it began")
        shown = []
        for day, outcome in enumerate(said, 1):
            at = datetime(2026, 11, day, tzinfo=UTC)
            assert store.occasions.take(f"{stage.OURS}-short", at)
            store.occasions.conclude(f"{stage.OURS}-short", at, outcome)
            page = await (await client.get("/settings")).text()
            shown.append(next(words for words in (*SAID, *said) if words in page))
    assert tuple(shown) == (SAID[0], said[1], SAID[1])
