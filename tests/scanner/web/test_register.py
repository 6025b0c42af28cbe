"""The FINESS register sent on screen: as the command line takes it, from an administrator's own page only."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import FormData
from aiohttp.test_utils import TestClient

from scanner.store.accounts import Account, Role
from scanner.store.store import Store
from scanner.web.gate import API
from tests.scanner.test_finess import daily, flat
from tests.scanner.web import stage

TODAY = stage.NOW.date().isoformat()
HOSTILE = "../../etc/<img src=x onerror=alert(1)>\u202e.csv"


@asynccontextmanager
async def entered(folder: Path, role: Role = Role.ADMIN) -> AsyncIterator[tuple[TestClient, Store, str]]:  # type: ignore[type-arg]
    settings = stage.configuration(folder)
    with stage.store_of(folder) as store:
        store.accounts.add(Account(login="anne", name="Anne", role=role), stage.PASSWORD)
        async with stage.served(settings, store) as client:
            assert await stage.log_in(client, "anne") == 303
            yield client, store, await stage.csrf(client)


async def sent(client: TestClient, token: str, data: bytes, name: str = "etalab.csv", api: str = "") -> tuple[int, str]:  # type: ignore[type-arg]
    form = FormData({"_csrf": token}, quote_fields=False)
    form.add_field("register", io.BytesIO(data), filename=name)
    answer = await client.post(f"{api}/settings/register", data=form, allow_redirects=False)
    return answer.status, await answer.text()


async def test_either_file_is_taken_and_told_as_on_the_command_line(tmp_path: Path) -> None:
    async with entered(tmp_path) as (client, store, token):
        assert "Aucun registre" in await (await client.get("/settings")).text()
        second = flat(site="990000011").decode("cp1252").partition("\n")[2]
        assert (await sent(client, token, flat(TODAY, more=second)))[0] == 303
        page = await (await client.get("/settings")).text()
        assert "3\u00a0établissements au" in page
        assert "1\u00a0numéro à la clé fausse, gardé\u00a0: 990000011" in page
        status, _ = await sent(client, token, gzip.compress(daily(generatedAt=f"{TODAY}T00:00:00Z")), "finess.json.gz")
        assert status == 303
        assert "1\u00a0groupement hospitalier (GHT)" in await (await client.get("/settings")).text()
        status, text = await sent(client, token, b"finess;lits\n990000028;412\n010000024;3\n", "lits.csv", API)
        assert (status, json.loads(text)["data"]["unknown"]) == (200, ["010000024"])
        assert store.register.of(["990000028"])["990000028"].beds == 412
        assert [e.event for e in store.audit.events()][-3:] == [
            "register-imported", "register-imported", "register-completed",
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "name", "said"),
    [
        (b"", "etalab.csv", "Choisissez le fichier"),
        (flat("2019-03-01"), "etalab.csv", "this register is of 2019"),
        (b"finess;etalab;1;2026-05-12\n<script>alert(1)</script>;1\n", "x.csv", "&lt;script&gt;"),
        (b"nom;adresse\n", HOSTILE, "&lt;img src=x onerror=alert(1)&gt;\\u{202e}.csv: the first line"),
        (b"[" * 100_000, "finess.json", "Rien n’est repris"),
        (b"\x1f\x8bdamaged", "finess.json.gz", "damaged"),
    ],
    ids=["nothing", "old", "markup", "name", "depth", "damaged"],
)
async def test_what_is_wrong_is_refused_with_a_sentence_and_changes_nothing(
    tmp_path: Path, data: bytes, name: str, said: str
) -> None:
    async with entered(tmp_path) as (client, store, token):
        assert (await sent(client, token, flat(TODAY)))[0] == 303
        status, page = await sent(client, token, data, name)
        assert (status, said in page) == (400, True), page[-2000:]
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert str(tmp_path) not in page
        assert store.register.count() == 2


async def test_a_file_that_is_too_large_is_not_taken(tmp_path: Path) -> None:
    async with entered(tmp_path) as (client, store, token):
        assert (await sent(client, token, bytes(65 << 20)))[0] == 413
        assert store.register.count() == 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMIN])
async def test_nobody_but_an_administrator_sends_one(tmp_path: Path, role: Role) -> None:
    async with entered(tmp_path, role) as (client, store, token):
        assert (await sent(client, token, flat(TODAY)))[0] == 403
        assert store.register.count() == 0


async def test_a_form_from_elsewhere_is_refused(tmp_path: Path) -> None:
    async with entered(tmp_path) as (client, store, _):
        assert (await sent(client, "", flat(TODAY)))[0] == 400
        assert store.register.count() == 0
