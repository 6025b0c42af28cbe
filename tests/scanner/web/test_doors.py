"""The doors: passwords, the first account, forged forms, and an identity provider that lies."""

from __future__ import annotations

import base64
import hashlib
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiohttp import web
from joserfc import jwt
from joserfc.jwk import RSAKey

from scanner.config.load import Settings
from scanner.config.schema import OidcSection
from scanner.store.accounts import Account, Role
from scanner.store.store import Store
from tests.scanner.web import stage


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Settings, Store]]:
    with stage.store_of(tmp_path) as store:
        settings = stage.configuration(tmp_path)
        store.accounts.add(Account(login="anne", name="Anne", role=Role.ADMIN), stage.PASSWORD)
        yield settings, store


async def test_five_wrong_passwords_make_one_wait_and_the_log_tells(house: tuple[Settings, Store]) -> None:
    async with stage.served(*house) as client:
        assert [await stage.log_in(client, "anne", "faux") for _ in range(6)] == [401] * 5 + [429]
        assert await stage.log_in(client, "anne") == 429
    assert sum(event.event == "login-refused" for event in house[1].audit.events()) == 5


async def test_a_session_is_new_at_login_and_gone_at_logout(house: tuple[Settings, Store]) -> None:
    async with stage.served(*house) as client:
        seen = set()
        for _ in range(2):
            assert await stage.log_in(client, "anne") == 303
            seen |= {cookie.value for cookie in client.session.cookie_jar if cookie.key == "hygie"}
        assert len(seen) == 2
        await client.post("/logout", data={"_csrf": await stage.csrf(client)}, allow_redirects=False)
        assert (await client.get("/me", allow_redirects=False)).status == 303


async def test_a_page_that_is_not_there_is_said_in_the_readers_words(house: tuple[Settings, Store]) -> None:
    async with stage.served(*house) as client:
        assert await stage.log_in(client, "anne") == 303
        answer = await client.get("/p/ch/rien")
        page = await answer.text()
        assert (answer.status, "Il n’y a rien ici" in page, "Not Found" in page) == (404, True, False)
        spoken = await client.get("/api/v1/rien")
        assert await spoken.json() == {"error": "Not Found", "status": 404}


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://ailleurs.test"}])
async def test_a_forged_form_changes_nothing(house: tuple[Settings, Store], headers: dict[str, str]) -> None:
    async with stage.served(*house) as client:
        assert await stage.log_in(client, "anne") == 303
        token = await stage.csrf(client) if headers else "faux"
        form = {"_csrf": token, "login": "intrus", "role": "admin", "perimeters": "*", "password": stage.PASSWORD}
        assert (await client.post("/accounts", data=form, headers=headers, allow_redirects=False)).status == 400
    assert house[1].accounts.of("intrus") is None


async def test_the_first_account_needs_the_terminals_token(tmp_path: Path) -> None:
    with stage.store_of(tmp_path) as store:
        async with stage.served(stage.configuration(tmp_path), store, setup_token="jeton") as client:
            for token, status in (("faux", 401), ("jeton", 303), ("jeton", 303)):
                page = await (await client.get("/setup")).text()
                form = page.partition('name="_form" value="')[2].partition('"')[0]
                fields = {"_form": form, "token": token, "login": "anne", "password": stage.PASSWORD}
                answer = await client.post("/setup", data=fields, allow_redirects=False)
                assert answer.status in {status, 401, 403}
                assert (store.accounts.of("anne") is not None) is (token == "jeton")
        assert len(store.accounts.all()) == 1


KEY, OTHER = RSAKey.generate_key(2048, {"kid": "k"}), RSAKey.generate_key(2048, {"kid": "k"})


@asynccontextmanager
async def provider(lie: dict[str, Any], key: RSAKey = KEY) -> AsyncIterator[str]:
    """An identity provider on loopback; ``lie`` replaces claims of its ID token."""
    known: dict[str, str] = {}
    app, base = web.Application(), ""

    async def configuration(_: web.Request) -> web.Response:
        ends = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return web.json_response({"issuer": base, **{name: f"{base}/{end}" for name, end in ends.items()}})

    async def keys(_: web.Request) -> web.Response:
        return web.json_response({"keys": [KEY.as_dict(private=False)]})

    async def authorize(request: web.Request) -> web.Response:
        known.update(request.query)
        return web.Response()

    async def token(request: web.Request) -> web.Response:
        form = await request.post()
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == known["code_challenge"]
        now = int(time.time())
        claims = {
            "iss": base, "aud": "hygie", "sub": "42", "iat": now, "exp": now + 60, "nonce": known["nonce"],
            "preferred_username": "anne", **lie,
        }  # fmt: skip
        return web.json_response({"id_token": jwt.encode({"alg": "RS256", "kid": "k"}, claims, key)})

    app.router.add_get("/.well-known/openid-configuration", configuration)
    app.router.add_get("/keys", keys)
    app.router.add_get("/authorize", authorize)
    app.router.add_post("/token", token)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield base
    finally:
        await runner.cleanup()


async def arrive(settings: Settings, store: Store, issuer: str, state: str = "") -> tuple[int, bool]:
    """Log in through a provider; return the last status, and whether one is in."""
    section = OidcSection(issuer=issuer, client_id="hygie")
    settings = replace(settings, file=settings.file.model_copy(update={"oidc": section}))
    async with stage.served(settings, store) as client:
        target = (await client.get("/oidc/start", allow_redirects=False)).headers["Location"]
        query = parse_qs(urlsplit(target).query)
        await client.session.get(target)
        back = {"code": "c", "state": state or query["state"][0]}
        answer = await client.get("/oidc/callback", params=back, allow_redirects=False)
        inside = (await client.get("/me", allow_redirects=False)).status == 200
        return answer.status, inside


@pytest.fixture
def known(tmp_path: Path) -> Iterator[tuple[Settings, Store]]:
    """An account without password, for who comes by the provider."""
    with stage.store_of(tmp_path) as store:
        store.accounts.add(Account(login="anne", name="Anne", role=Role.AUDITOR))
        yield stage.configuration(tmp_path), store


async def test_a_proven_identity_enters_and_its_subject_is_bound(known: tuple[Settings, Store]) -> None:
    async with provider({}) as issuer:
        assert await arrive(*known, issuer) == (303, True)
        assert known[1].accounts.by_subject(f"{issuer} 42") is not None
        async with provider({"sub": "43"}) as other:
            assert await arrive(*known, other) == (403, False)


@pytest.mark.parametrize(
    "lie",
    [{"aud": "autre"}, {"iss": "https://autre.test"}, {"nonce": "rejeu"}, {"exp": 1}, {"aud": ["hygie", "autre"]}],
    ids=["audience", "issuer", "nonce", "expired", "two audiences"],
)
async def test_an_identity_that_is_not_right_stays_outside(known: tuple[Settings, Store], lie: dict[str, Any]) -> None:
    async with provider(lie) as issuer:
        assert await arrive(*known, issuer) == (401, False)


async def test_another_key_or_another_state_stays_outside(known: tuple[Settings, Store]) -> None:
    async with provider({}, OTHER) as issuer:
        assert await arrive(*known, issuer) == (401, False)
    async with provider({}) as issuer:
        assert await arrive(*known, issuer, state="volé") == (401, False)


async def test_an_account_with_a_password_is_not_taken_by_a_provider(house: tuple[Settings, Store]) -> None:
    async with provider({}) as issuer:
        assert await arrive(*house, issuer) == (403, False)
