"""Only what changed is told, once, signed, over verified TLS; what could not be sent is told later."""

from __future__ import annotations

import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from scanner.config.load import Settings
from scanner.demo import certificates
from scanner.outbound.https import OutboundError
from scanner.schedule.crier import Crier
from scanner.store.store import Store, open_store
from tests.scanner.web import stage


@asynccontextmanager
async def hook(folder: Path, heard: list[tuple[bytes, str]]) -> AsyncIterator[int]:
    """A webhook over TLS on loopback; its authority is in ``ca.pem``."""

    async def hear(request: web.Request) -> web.Response:
        heard.append((await request.read(), request.headers.get("X-Hygie-Signature", "")))
        return web.Response()

    issuer = certificates.authority("AC", stage.NOW)
    chain, key = certificates.leaf(issuer, ("127.0.0.1",), stage.NOW).pem()
    (folder / "ca.pem").write_bytes(issuer.chain[0].public_bytes(Encoding.PEM))
    (folder / "chain.pem").write_bytes(chain)
    (folder / "key.pem").write_bytes(key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    app = web.Application()
    app.router.add_post("/hook", hear)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def told(settings: Settings, **notify: object) -> Settings:
    section = settings.file.notify.model_copy(update={"webhook_secret": "env:HYGIE_TEST_HOOK", **notify})
    return replace(settings, file=settings.file.model_copy(update={"notify": section}))


def after(store_at: Path, settings: Settings, days: int, *rules: str) -> None:
    """Judge one more scan, some days later, in which some rules are not met."""
    at = stage.NOW + timedelta(days=days)
    with open_store(store_at, clock=lambda: at, actor="tests") as store:
        findings = tuple(stage.finding(stage.OURS, rule) for rule in rules)
        stage.judged(store, settings, stage.OURS, findings, name=f"scan-{days}")


async def test_what_is_new_is_told_once_and_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYGIE_TEST_HOOK", "clé")
    settings, heard = stage.configuration(tmp_path), list[tuple[bytes, str]]()
    at = tmp_path / "hygie.sqlite"
    after(at, settings, -2, "certificate-current")
    after(at, settings, -1, "certificate-current", "certificate-trusted")
    async with hook(tmp_path, heard) as port:
        url = f"https://127.0.0.1:{port}/hook"
        with stage.store_of(tmp_path) as store:
            untrusting = Crier(lambda: told(settings, webhook=url), store)
            with pytest.raises(OutboundError):
                await untrusting.round()
            crier = Crier(lambda: told(settings, webhook=url, ca_file="ca.pem"), store)
            await crier.round()
            first = len(heard)
            await crier.round()
            assert len(heard) == first
    bodies = [body.decode() for body, _ in heard if b'"changes"' in body]
    assert len(bodies) == 1
    assert "scan--1" in bodies[0]
    assert "scan--2" not in bodies[0]
    for body, signature in heard:
        assert signature == "sha256=" + hmac.new("clé".encode(), body, hashlib.sha256).hexdigest()


async def test_without_a_host_nothing_leaves(tmp_path: Path) -> None:
    settings = stage.configuration(tmp_path)
    after(tmp_path / "hygie.sqlite", settings, -1, "certificate-current")
    with stage.store_of(tmp_path) as store:
        await Crier(lambda: settings, store).round()
        assert isinstance(store, Store)
        assert not store.notices.sent()
