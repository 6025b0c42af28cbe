"""Every route, every role, and a foreign perimeter's ids: only what the table of rights allows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from aiohttp import web

from reports.evidence.pack import digest
from scanner.config.load import Settings
from scanner.store.accounts import Role
from scanner.store.store import Store
from scanner.web.gate import API
from scanner.web.rights import TABLE, Right
from scanner.web.route import Route, Watch, posts, routes
from scanner.web.shell import Shell, application
from tests.scanner.web import stage

#: Routes that ask for no right, each for its reason.
OPEN = {"/health", "/login", "/setup", "/logout", "/language/{language}", "/oidc/start", "/oidc/callback"}
WHOLE = {Right.CONFIGURE, Right.AUDIT, Right.ACCOUNTS}
#: What a role sees of its own perimeter and of a foreign one.
PLACES = (stage.OURS, stage.FOREIGN)


@pytest.fixture(scope="module")
def populated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, Store]]:
    folder = tmp_path_factory.mktemp("rights")
    settings = stage.configuration(folder)
    with stage.store_of(folder) as store:
        stage.populate(store, settings)
        yield settings, store


def address(route: Route, perimeter: str) -> str:
    parts = {
        "perimeter": perimeter,
        "fingerprint": f"{perimeter}-certificate-current",
        "scan": f"scan-{perimeter}",
        "ght": f"GHT {perimeter}",
        "format": "json",
        "attestation": "none",
        "dossier": digest(stage.filed(perimeter)),
    }
    return route.path.format(**parts)


def expected(route: Route, role: Role, perimeter: str, bounds: tuple[str, ...] | None) -> str:
    if "{perimeter}" in route.path and bounds is not None and perimeter not in bounds:
        return "unknown"
    if route.right not in TABLE[role] or (route.right in WHOLE and bounds is not None):
        return "forbidden"
    if "{ght}" in route.path and bounds is not None and perimeter not in bounds:
        return "unknown"
    return "allowed"


def said(status: int) -> str:
    # 400: the gate let it pass, and an empty form was refused for what it lacks.
    return {200: "allowed", 303: "allowed", 400: "allowed", 403: "forbidden", 404: "unknown"}.get(status, str(status))


ACCOUNTS = [(role.value, role, (stage.OURS,) if role is Role.ESTABLISHMENT else None) for role in Role]
ACCOUNTS.append(("bounded", Role.ADMIN, (stage.OURS,)))


@pytest.mark.parametrize(("login", "role", "bounds"), ACCOUNTS, ids=[login for login, _, _ in ACCOUNTS])
async def test_every_route_for_every_role_and_a_foreign_perimeter(
    populated: tuple[Settings, Store], login: str, role: Role, bounds: tuple[str, ...] | None
) -> None:
    wrong = []
    async with stage.served(*populated) as client:
        assert await stage.log_in(client, login) == 303
        token = await stage.csrf(client)
        for route, perimeter, prefix in itertools.product(routes(), PLACES, ("", API)):
            path = prefix + address(route, perimeter)
            if posts(route):
                answer = await client.post(path, data={"_csrf": token}, allow_redirects=False)
            elif isinstance(route, Watch) and prefix:
                continue
            else:
                answer = await client.get(path, allow_redirects=False)
            wanted = expected(route, role, perimeter, bounds)
            leaks = stage.FOREIGN in (await answer.text()).replace(path, "") and perimeter not in (bounds or PLACES)
            if said(answer.status) != wanted:
                wrong.append(f"{path}: {answer.status}, expected {wanted}")
            elif leaks or (bounds and perimeter in bounds and stage.FOREIGN in await answer.text()):
                wrong.append(f"{path}: tells of {stage.FOREIGN}")
    assert not wrong, "\n".join(wrong)


async def test_every_route_sends_a_stranger_away(populated: tuple[Settings, Store]) -> None:
    async with stage.served(*populated) as client:
        for route, prefix in itertools.product(routes(), ("", API)):
            if isinstance(route, Watch) and prefix:
                continue
            method = "POST" if posts(route) else "GET"
            answer = await client.request(method, prefix + address(route, stage.OURS), allow_redirects=False)
            assert answer.status == (401 if prefix else 303), route.path
            assert prefix or answer.headers["Location"].startswith("/login")


def test_no_route_of_the_application_escapes_the_gate(populated: tuple[Settings, Store]) -> None:
    shell = Shell(*populated)
    declared = {prefix + route.path for route in routes() for prefix in ("", API)} | OPEN | {"/static/{name}"}
    served = {resource.canonical for resource in application(shell).router.resources()}
    shell.close()
    assert served <= declared
    assert isinstance(next(iter(application(Shell(*populated)).router.resources())), web.Resource)


async def test_a_token_has_its_scopes_only_and_another_establishments_tells_nothing(
    populated: tuple[Settings, Store],
) -> None:
    _, store = populated
    reader, _ = store.acting("admin").tokens.issue("admin", "lecture", ("read",), 1)
    theirs, _ = store.acting("establishment").tokens.issue("establishment", "eux", ("read", "decide"), 1)
    async with stage.served(*populated) as client:

        async def status(secret: str, path: str, method: str = "GET") -> int:
            headers = {"Authorization": f"Bearer {secret}"}
            answer = await client.request(method, API + path, headers=headers, json={} if method == "POST" else None)
            return answer.status

        assert await status(reader, f"/p/{stage.OURS}") == 200
        assert await status(reader, "/accounts") == 403
        assert await status(reader, f"/p/{stage.OURS}/scans", "POST") == 403
        assert await status(theirs, f"/p/{stage.OURS}/findings") == 200
        assert await status(theirs, f"/p/{stage.FOREIGN}/findings") == 404
        assert await status(theirs, f"/p/{stage.OURS}/findings/{stage.FOREIGN}-certificate-current") == 404
        assert await status("hygie_wrong", f"/p/{stage.OURS}") == 401
