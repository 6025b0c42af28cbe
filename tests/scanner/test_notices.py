"""Only what changed is told, once, signed, over verified TLS; what could not be sent is told later."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.serialization import Encoding

from rules.interface import Severity
from rules.subject import Waiver
from scanner.config.load import Settings
from scanner.demo import certificates
from scanner.outbound.https import OutboundError
from scanner.schedule.crier import Crier
from scanner.store.store import Store, open_store
from tests.lab.mail import postfix
from tests.scanner.web import stage

POST_OFFICE = "127.47.0.25"


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


@pytest.mark.parametrize(
    ("language", "subject", "line", "more"),
    [
        ("fr", "63 constats ouverts depuis trop longtemps", "[en retard, majeure] attendu", "… et 43 autres"),
        ("en", "63 findings open for too long", "[overdue, high] expected:", "… and 43 more"),
    ],
)
async def test_everything_overdue_is_told_once_in_the_language_of_the_configuration(
    tmp_path: Path, language: str, subject: str, line: str, more: str
) -> None:
    settings, heard = stage.configuration(tmp_path), list[tuple[bytes, str]]()
    reports = settings.file.reports.model_copy(update={"language": language})
    serve = settings.file.serve.model_copy(update={"public_url": "https://hygie.test"})
    settings = replace(settings, file=settings.file.model_copy(update={"reports": reports, "serve": serve}))
    old = [stage.finding(stage.OURS, asset=f"host:h{n:02}.test", fingerprint=f"f{n}") for n in range(64)]
    young = stage.finding(stage.OURS, fingerprint="young", first_seen=stage.NOW - timedelta(days=29))
    mild = stage.finding(stage.OURS, fingerprint="mild", severity=Severity.LOW)
    with stage.store_of(tmp_path) as store:
        stage.judged(store, settings, stage.OURS, (*old, young, mild))
        store.waivers.grant(
            Waiver(
                id="w", fingerprint="f0", reason="r", owner="o", granted_at=stage.NOW,
                expires=stage.NOW.date() + timedelta(days=90),
            )
        )  # fmt: skip
        async with hook(tmp_path, heard) as port:
            telling = told(settings, webhook=f"https://127.0.0.1:{port}/hook", webhook_secret="", ca_file="ca.pem")
            now = [stage.NOW]
            crier = Crier(lambda: telling, store, clock=lambda: now[0])
            for days in (0, 0, 1, 3):
                now[0] = stage.NOW + timedelta(days=days)
                await crier.round()
    late = [body for body, _ in heard if json.loads(body)["kind"] == "overdue"]
    first, second = (json.loads(body) for body in late)
    assert subject in first["subject"].replace("\N{NO-BREAK SPACE}", " ")
    assert len(first["lines"]) == 22
    assert first["lines"][0].startswith(line)
    assert first["lines"][-2:] == [more, f"https://hygie.test/p/{stage.OURS}/findings"]
    assert [text.partition(" – ")[2].partition(" (")[0] for text in second["lines"][:1]] == [young.asset]


async def test_the_window_of_the_confirmation_audit_is_told_once_when_it_opens(tmp_path: Path) -> None:
    settings, heard = stage.configuration(tmp_path), list[tuple[bytes, str]]()
    at = tmp_path / "hygie.sqlite"
    with stage.store_of(tmp_path) as store:
        stage.judged(store, settings, stage.OURS, (), name="first", level=3)
        stage.judged(store, settings, stage.OURS, (), name="second", level=2)
    windows: list[list[str]] = []
    async with hook(tmp_path, heard) as port:
        told_by = told(settings, webhook=f"https://127.0.0.1:{port}/hook", webhook_secret="", ca_file="ca.pem")
        for day in (44, 45, 46, 60, 61):
            now = stage.NOW + timedelta(days=day)
            with open_store(at, clock=lambda now=now: now, actor="tests") as store:  # type: ignore[misc]
                crier = Crier(lambda: told_by, store, clock=lambda now=now: now)  # type: ignore[misc]
                await crier.round()
            bodies = [json.loads(body) for body, _ in heard]
            windows.append([body["perimeter"] for body in bodies if body["kind"] == "window"])
    assert windows == [[], *[[stage.OURS]] * 4]


@pytest.mark.daemon
@pytest.mark.parametrize(("port", "security"), [(25, "starttls"), (587, "tls")])
async def test_notices_reach_a_mail_server_over_verified_tls_only(tmp_path: Path, port: int, security: str) -> None:
    settings = stage.configuration(tmp_path)
    after(tmp_path / "hygie.sqlite", settings, -2, "certificate-current")
    after(tmp_path / "hygie.sqlite", settings, -1, "certificate-current", "certificate-trusted")
    with post_office() as (folder, received), stage.store_of(tmp_path) as store:
        mail = {
            "smtp_host": POST_OFFICE, "smtp_port": port, "smtp_security": security, "sender": "hygie@mx.test",
            "recipients": ("nobody@mx.test",),
        }  # fmt: skip
        untrusting = Crier(lambda: told(settings, **mail), store)
        with pytest.raises(OutboundError, match="certificate verify failed"):
            await untrusting.round()
        crier = Crier(lambda: told(settings, **mail, ca_file=str(folder / "ca.pem")), store)
        await crier.round()
        await crier.round()
        for _ in range(100):
            if len(list(received.glob("*"))) == 2:
                break
            await asyncio.sleep(0.1)
        messages = [message_from_bytes(path.read_bytes(), policy=default) for path in received.glob("*")]
    # What is new, and what has been open for too long: each once.
    assert len(messages) == 2
    (news,) = [m for m in messages if "constat à regarder" in m["Subject"].replace("\N{NO-BREAK SPACE}", " ")]
    assert (news["From"], news["To"]) == ("hygie@mx.test", "nobody@mx.test")
    assert "TLSv1.3" in news["Received"]
    assert f"www.{stage.OURS}.test" in news.get_content()


@contextmanager
def post_office() -> Iterator[tuple[Path, Path]]:
    """A Postfix that takes mail over TLS only (STARTTLS on 25, at once on 587): its folder, and what it delivered."""
    with TemporaryDirectory(prefix="hygie-post-") as temporary:
        folder = Path(temporary)
        os.chmod(folder, 0o755)
        issuer = certificates.authority("AC", stage.NOW)
        chain, key = certificates.leaf(issuer, (POST_OFFICE,), stage.NOW).pem()
        (folder / "ca.pem").write_bytes(issuer.chain[0].public_bytes(Encoding.PEM))
        (folder / "server.pem").write_bytes(key + chain)
        (folder / "spool").mkdir()
        os.chmod(folder / "spool", 0o777)
        main = {
            "myhostname": "mx.test",
            "smtpd_tls_chain_files": f"{folder}/server.pem",
            "smtpd_tls_security_level": "encrypt",
            "smtpd_tls_received_header": "yes",
            "local_recipient_maps": "inline:{ nobody=x }",
            "mail_spool_directory": f"{folder}/spool/",
        }
        with postfix(folder / "p", POST_OFFICE, settings=main, submission={"smtpd_tls_wrappermode": "yes"}):
            yield folder, folder / "spool" / "nobody" / "new"


async def test_without_a_host_nothing_leaves(tmp_path: Path) -> None:
    settings = stage.configuration(tmp_path)
    after(tmp_path / "hygie.sqlite", settings, -1, "certificate-current")
    with stage.store_of(tmp_path) as store:
        await Crier(lambda: settings, store).round()
        assert isinstance(store, Store)
        assert not store.notices.sent()
