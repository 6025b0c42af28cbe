"""The web probe against nginx, well kept and badly, and against servers that lie: bounded memory, bounded time."""

from __future__ import annotations

import asyncio
import base64
import gzip
import os
import re
import tempfile
import time
import tracemalloc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import dns.name
import dns.zone
import pytest

from probes.facts import codec
from probes.facts.ntlm import NtlmError, NtlmNames, read_challenge
from probes.facts.web import OpenFile, SecurityText, WebFiles, WebOrigin
from probes.facts.web_products import ProductKind, WebProducts, WebWindowsAuthentication
from probes.interface import Fact, Line, ProbeError, Reason, Shortfall, Sight, Yield, service
from probes.web.fetch import Answer, fetch
from probes.web.origin import Patience
from probes.web.probe import WebProbe, WebSettings
from probes.web.products import table
from scanner.demo import nameserver
from scanner.demo.certificates import authority, leaf
from scanner.demo.nameserver import NameServer
from tests.lab.line import mandate, open_line
from tests.lab.nginx import nginx
from tests.lab.wires import Talk, says, speaking

F = TypeVar("F", bound=Fact)
WELL, BADLY, CATCHALL, LIAR, DECOY = (f"127.42.0.{n}" for n in (10, 11, 12, 66, 99))
WELL_TWIN, SILENT = "127.42.0.67", "127.42.0.68"
RESOLVER, PORT = "127.42.0.53", 53053


@pytest.fixture(scope="module")
def staged() -> Iterator[Path]:
    """A well-kept site, one with planted faults, and one that answers everything."""
    with tempfile.TemporaryDirectory(prefix="hygie-web-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        os.chmod(folder, 0o755)
        now = datetime.now(UTC)
        chain, key = leaf(authority("Autorité du laboratoire", now), ("www.ch.test",), now).pem()
        (folder / "chain.pem").write_bytes(chain)
        (folder / "key.pem").write_bytes(key)
        plant(folder / "bad")
        (folder / "good").mkdir()
        (folder / "good/index.html").write_text(
            "<!doctype html><html><title>CH</title><h1>Centre hospitalier</h1></html>"
        )
        tls = f"ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem;"
        servers = f"""
  server {{ listen {WELL}:80; return 301 https://$host$request_uri; }}
  server {{ listen {WELL}:443 ssl; {tls} server_tokens off; root {folder}/good;
    add_header Strict-Transport-Security "max-age=63072000" always;
    add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
    location = /.well-known/security.txt {{ default_type text/plain;
      return 200 "Contact: mailto:rssi@ch.test\\nExpires: 2099-01-01T00:00:00Z\\n"; }} }}
  server {{ listen {WELL}:8443 ssl; {tls} root {folder}/good; set $to $arg_none;
    if ($host = a.ch.test) {{ set $to "/securite/security.txt"; }}
    if ($host = b.ch.test) {{ set $to "https://www.ch.test/.well-known/security.txt"; }}
    if ($host = c.ch.test) {{ set $to "/"; }}
    if ($host = d.ch.test) {{ set $to "http://{WELL}:8080/security.txt"; }}
    if ($host = e.ch.test) {{ set $to "https://{DECOY}/security.txt"; }}
    if ($host = f.ch.test) {{ set $to "https://f.ch.test:8443/.well-known/security.txt"; }}
    location = /.well-known/security.txt {{ return 302 $to; }}
    location = /securite/security.txt {{ default_type text/plain;
      return 200 "Contact: mailto:rssi@ch.test\\nExpires: 2099-01-01T00:00:00Z\\n"; }} }}
  server {{ listen {WELL}:8080; default_type text/plain;
    return 200 "Contact: mailto:rssi@ch.test\\nExpires: 2099-01-01T00:00:00Z\\n"; }}
  server {{ listen {BADLY}:80; root {folder}/bad; autoindex on;
    add_header Access-Control-Allow-Origin $http_origin; add_header Access-Control-Allow-Credentials true;
    add_header Set-Cookie "PHPSESSID=secret; path=/";
    location /remote/login {{ default_type text/html; return 200 "<html><script>fgt_lang=1</script></html>"; }}
    location /manager/html {{
      add_header WWW-Authenticate 'Basic realm="Tomcat Manager Application"' always; return 401; }} }}
  server {{ listen {CATCHALL}:80; location / {{ default_type text/plain; return 200 "ref: refs/heads/main"; }} }}
"""
        ports = [(WELL, 80), (WELL, 443), (WELL, 8443), (WELL, 8080), (BADLY, 80), (CATCHALL, 80)]
        stack.enter_context(nginx(folder / "nginx", servers, ports))
        yield folder


def plant(root: Path) -> None:
    for path, text in {
        "index.html": '<html><title>Accueil</title><form action="http://x.test/"><input type="password"></form>'
        '<script src="https://cdn.test/a.js"></script></html>',
        ".git/HEAD": "ref: refs/heads/main\n",
        ".git/config": "[core]\n[remote]\n url = https://agent:motdepasse@git.test/x\n",
        ".env": "DB_PASSWORD=tres-secret\nAPP_URL=x\n",
        "dump.sql": "-- MySQL dump 10.13\nINSERT INTO patients VALUES ('Durand');\n",
        ".htpasswd": "agent:$apr1$abcdefgh$abcdefghijklmnopqrstuv\n",
        "error.log": "2026/11/24 10:00:00 [error] Durand\n2026/11/24 10:00:01 [error] Martin\n",
        "uploads/x.txt": "x",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


SETTINGS = WebSettings(pause=0.0, longest_pause=0.1)


async def look(address: str, port: int, line: Line | None = None, host: str = "www.ch.test") -> list[Yield]:
    asset = service("tcp", port, host, addresses=[address])
    found = [y async for y in WebProbe(SETTINGS).look(asset, line or open_line())]
    # a connection over TLS is let go a turn of the loop after its answer
    await asyncio.sleep(0.01)
    return found


def fact(kind: type[F], found: list[Yield]) -> F:
    return next(y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, kind))


@pytest.mark.daemon
async def test_a_well_kept_site(staged: Path) -> None:
    found = await look(WELL, 443)
    origin = fact(WebOrigin, found)
    assert (origin.status, origin.title, origin.reliable, origin.debug) == (200, "CH", True, "")
    assert (origin.cors_origin, origin.trace_echoed) == ("", False)
    assert fact(WebFiles, found).proofs == ()
    assert fact(WebFiles, found).unanswered == ()
    assert fact(WebProducts, found).products == ()
    assert fact(SecurityText, found).expires == "2099-01-01T00:00:00Z"
    # the redirect in clear is followed to the same name, at the same address
    clear = fact(WebOrigin, await look(WELL, 80))
    assert [hop.status for hop in clear.chain] == [301, 200]


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("host", "state"),
    [
        # to another place of the same site, and to another site of the mandate
        ("a", "present"),
        ("b", "present"),
        # to the first page, as sites do with what they do not have; and to where it is had in clear only
        ("c", "absent"),
        ("d", "absent"),
        # out of the mandate, and in a circle: nobody knows
        ("e", "unknown"),
        ("f", "unknown"),
    ],
)
async def test_a_contact_behind_a_redirect(staged: Path, host: str, state: str) -> None:
    async with resolving(f"www.ch 60 A {WELL}"), speaking(says(HEAD + b"\r\n"), DECOY, 443) as decoy:
        found = await look(WELL, 8443, careful(f"{WELL}/32"), host=f"{host}.ch.test")
    assert fact(SecurityText, found).state == state
    assert decoy == []


@pytest.mark.daemon
async def test_planted_faults_are_proved_and_secrets_are_kept_nowhere(staged: Path) -> None:
    found = await look(BADLY, 80)
    origin, files, products = fact(WebOrigin, found), fact(WebFiles, found), fact(WebProducts, found)
    assert (origin.cors_origin, origin.cors_credentials, origin.login_form) == ("reflected", True, True)
    assert origin.unpinned_scripts == ("https://cdn.test/a.js",)
    assert origin.cookies[0].name == "PHPSESSID"
    kinds = {OpenFile.GIT, OpenFile.ENVIRONMENT, OpenFile.BACKUP, OpenFile.PASSWORDS, OpenFile.LOG, OpenFile.LISTING}
    assert {p.what for p in files.proofs} == kinds
    assert {p.what for p in files.proofs if p.credentials} == {OpenFile.GIT, OpenFile.ENVIRONMENT, OpenFile.PASSWORDS}
    assert {(p.id, p.kind) for p in products.products} == {
        ("fortinet-ssl-vpn", ProductKind.GATEWAY),
        ("tomcat-manager", ProductKind.ADMINISTRATION),
    }
    stored = str([codec.encode(y.fact) for y in found if isinstance(y, Sight)])
    assert not [
        s for s in ("tres-secret", "motdepasse", "Durand", "Martin", "$apr1$", "PHPSESSID=secret") if s in stored
    ]


@pytest.mark.daemon
async def test_a_site_that_answers_everything_proves_nothing(staged: Path) -> None:
    found = await look(CATCHALL, 80)
    assert fact(WebOrigin, found).reliable is False
    assert fact(WebFiles, found).reliable is False
    assert fact(WebProducts, found).products == ()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
BOMB = gzip.compress(bytes(300_000_000), 9)


async def get(address: str = LIAR, line: Line | None = None) -> object:
    return await fetch(line or open_line(), address, f"http://{address}:80/")


@pytest.mark.parametrize(
    "talk",
    [
        says(HEAD + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB), BOMB),
        says(HEAD + b"\r\n", b"x" * 65536, times=5000),
        says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"y" * 65536 + b"\r\n", times=5000),
    ],
    ids=["bomb", "endless body", "endless chunks"],
)
async def test_no_body_is_read_beyond_its_cap(talk: Talk) -> None:
    tracemalloc.start()
    try:
        async with speaking(talk, LIAR, 80):
            answer = await asyncio.wait_for(get(), 10)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.cut  # type: ignore[attr-defined]
    assert len(answer.body) <= 65_536  # type: ignore[attr-defined]
    assert peak < 8 << 20


@pytest.mark.parametrize(
    ("talk", "reasons"),
    [
        (says(b"HTTP/1.1 200 OK\r\n", b"X-%d: y\r\n" % 7, times=200_000), {Reason.MALFORMED, Reason.CONNECTION_LOST}),
        (says(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 65536, times=2000), {Reason.MALFORMED, Reason.CONNECTION_LOST}),
        (says(b"\x00\xff not http at all\r\n\r\n"), {Reason.MALFORMED}),
        (says(b""), {Reason.CONNECTION_LOST}),
        (says(HEAD + b"Content-Length: 50\r\n\r\nshort"), {Reason.TRUNCATED, Reason.CONNECTION_LOST}),
    ],
    ids=["endless headers", "endless header", "another protocol", "silence", "cut body"],
)
async def test_liars_end_in_a_reason(talk: Talk, reasons: set[Reason]) -> None:
    async with speaking(talk, LIAR, 80):
        with pytest.raises(ProbeError) as caught:
            await asyncio.wait_for(get(), 10)
    assert caught.value.reason in reasons


async def test_a_slow_drip_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.web.fetch.DEADLINE", 1.0)
    async with speaking(says(HEAD + b"\r\n", b"z", times=1000, pause=0.05), LIAR, 80):
        with pytest.raises(ProbeError) as caught:
            await asyncio.wait_for(get(), 5)
    assert caught.value.reason is Reason.TIMED_OUT


def undated(seen: Fact) -> Fact:
    """A fact without the headers, which tell the second of the answer."""
    return replace(seen, own_headers=(), headers=()) if isinstance(seen, WebOrigin) else seen


@pytest.mark.daemon
async def test_a_second_look_asks_what_was_found_and_tells_the_same(staged: Path) -> None:
    first = [y.fact for y in await look(BADLY, 80) if isinstance(y, Sight)]
    log = staged / "nginx/access.log"
    probe, asset = WebProbe(SETTINGS), service("tcp", 80, "www.ch.test", addresses=[BADLY])
    asked = Counter(path for path in re.findall(r'"(?:GET|OPTIONS|TRACE) (\S+) HTTP', log.read_text()))
    again = [y.fact async for y in probe.look_again(asset, open_line(), first) if isinstance(y, Sight)]
    now = Counter(path for path in re.findall(r'"(?:GET|OPTIONS|TRACE) (\S+) HTTP', log.read_text()))
    assert [undated(f) for f in again] == [undated(f) for f in first]
    assert "/.env" in now - asked
    assert len(now - asked) < len(asked) / 3
    # a file that is gone is found no more, and what was not asked again is not told otherwise
    (staged / "bad/.env").rename(staged / "bad/moved")
    try:
        after = [y.fact async for y in probe.look_again(asset, open_line(), first) if isinstance(y, Sight)]
    finally:
        (staged / "bad/moved").rename(staged / "bad/.env")
    files = [next(f for f in facts if isinstance(f, WebFiles)) for facts in (first, after)]
    assert {p.path for p in files[0].proofs} - {p.path for p in files[1].proofs} == {"/.env"}
    assert files[0].asked == files[1].asked


@pytest.mark.parametrize(
    ("seconds", "status", "pause", "deadline"),
    [
        (0.001, 200, 0.05, 2.0),
        (0.1, 404, 0.4, 2.0),
        (2.0, 200, 1.0, 8.0),
        (0.001, 429, 1.0, 2.0),
        (0.001, 503, 1.0, 2.0),
    ],
    ids=["quick", "slower", "slow", "too many", "overloaded"],
)
def test_an_origin_is_asked_for_no_more_than_a_share_of_its_time(
    seconds: float, status: int, pause: float, deadline: float
) -> None:
    patience = Patience()
    assert (patience.pause(0.05, 1.0), patience.deadline()) == (0.05, 15.0)
    patience.heard(Answer(url="", status=status, headers=(), body=b"", cut=False, seconds=seconds))
    assert patience.pause(0.05, 1.0) == pytest.approx(pause)
    assert patience.deadline() == deadline
    patience.lost += 2
    assert patience.pause(0.05, 1.0) == 1.0
    assert patience.pause(2.0, 1.0) == 2.0


async def test_an_origin_that_answers_no_more_is_left_alone_and_the_rest_unanswered() -> None:
    heard = 0

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += 1
        if heard == 1:
            writer.write(HEAD + b"Content-Length: 2\r\n\r\nhi")

    async with speaking(once, LIAR, 80):
        found = await look(LIAR, 80)
    # a connection lost at once is tried once more
    assert heard <= 11
    files = fact(WebFiles, found)
    assert (set(files.unanswered), files.proofs) == (set(files.asked), ())
    assert [y.reason for y in found if isinstance(y, Shortfall)] == [Reason.BLOCKED]


async def test_sixty_large_cookies_are_read_and_never_sent_back() -> None:
    cookies = b"".join(b"Set-Cookie: c%d=%s\r\n" % (n, b"v" * 3000) for n in range(60))
    talk = says(HEAD + cookies + b"Content-Length: 0\r\nConnection: close\r\n\r\n")
    async with speaking(talk, LIAR, 80) as heard:
        found = await asyncio.wait_for(look(LIAR, 80), 20)
    assert 0 < len(fact(WebOrigin, found).cookies) <= 60
    assert not [request for request in heard if b"\r\nCookie:" in request]
    assert all(b"User-Agent: Hygie/0.1 (mandated audit)" in request for request in heard)


async def test_bytes_that_are_no_text_can_be_stored() -> None:
    talk = says(
        b"HTTP/1.1 200 OK\r\nServer: \xff\xfe\xe9\r\nContent-Type: text/html\r\n"
        b"Connection: close\r\n\r\n<title>\xff\xc0\x1b[2J</title>"
    )
    async with speaking(talk, LIAR, 80):
        origin = fact(WebOrigin, await asyncio.wait_for(look(LIAR, 80), 20))
    plain = codec.encode(origin)
    assert str(plain).encode()
    assert codec.decode(plain) == origin


@asynccontextmanager
async def resolving(*texts: str) -> AsyncIterator[None]:
    body = "@ 60 SOA ns h 1 7200 3600 1209600 3600\n@ 60 NS ns\nns 60 A 127.42.0.53\n" + "\n".join(texts)
    zone = dns.zone.from_text(body, dns.name.from_text("test."), relativize=False)
    async with nameserver.serving(NameServer(zones=(zone,), resolver=True), RESOLVER, PORT):
        yield


def careful(*networks: str) -> Line:
    """A Line over one address only."""
    granted = mandate(domains=["ch.test"], networks=networks)
    return open_line(granted=granted, resolver=RESOLVER, resolver_port=PORT)


def redirect(target: str) -> Talk:
    return says(
        b"HTTP/1.1 302 Found\r\nLocation: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % target.encode()
    )


@pytest.mark.parametrize(
    "target",
    [
        f"http://{DECOY}/",
        "http://autre.test/",
        "http://intranet.ch.test/",
        f"http://[::ffff:{DECOY}]/",
        "http://2130706433/",
        "//autre.test/",
        "http://[/",
        "http://ch.test:99999/",
        "http://ch.test:0/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://" + "a" * 5000,
    ],
)
async def test_no_redirect_leads_out_of_the_mandate(target: str) -> None:
    names = (f"autre 60 A {DECOY}", f"intranet.ch 60 A {DECOY}")
    async with (
        resolving(*names),
        speaking(says(HEAD + b"\r\n"), DECOY, 80) as decoy,
        speaking(redirect(target), LIAR, 80),
    ):
        found = await asyncio.wait_for(look(LIAR, 80, careful(f"{LIAR}/32")), 20)
    origin = fact(WebOrigin, found)
    assert [hop.followed for hop in origin.chain] == [False]
    assert decoy == []


async def test_the_address_checked_is_the_address_reached() -> None:
    """The name moves between the check and the request (DNS rebinding): the request goes to the checked address."""
    async with speaking(says(HEAD + b"Content-Length: 0\r\n\r\n"), DECOY, 80) as decoy:
        async with (
            resolving(f"www.ch 60 A {DECOY}"),
            speaking(says(HEAD + b"Content-Length: 0\r\n\r\n"), LIAR, 80) as heard,
        ):
            await fetch(careful(f"{LIAR}/32"), LIAR, "http://www.ch.test:80/")
        assert len(heard) == 1
        with pytest.raises(ProbeError) as caught:
            await fetch(careful(f"{LIAR}/32"), DECOY, "http://www.ch.test:80/")
    assert caught.value.reason is Reason.OUT_OF_SCOPE
    assert decoy == []


async def test_a_loop_of_redirects_closes() -> None:
    async with speaking(redirect(f"http://{LIAR}:80/"), LIAR, 80):
        found = await asyncio.wait_for(look(LIAR, 80, host=LIAR), 20)
    assert len(fact(WebOrigin, found).chain) <= 2


CHALLENGE = bytes.fromhex(
    # [MS-NLMP] 4.2.4.3: Server, Domain, with the version 6.0.6000
    "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000"
    "060070170000000f53006500720076006500720002000c0044006f006d00610069006e0001000c00530065007200760065007200"
    "00000000"
)  # fmt: skip


def test_a_challenge_is_read_as_the_specification_shows_it() -> None:
    assert read_challenge(CHALLENGE) == NtlmNames(computer="Server", domain="Domain", build="6.0.6000")
    for cut in range(0, len(CHALLENGE), 3):
        try:
            read_challenge(CHALLENGE[:cut])
        except NtlmError:
            continue


async def test_a_page_that_asks_for_windows_authentication_names_the_directory() -> None:
    ask = b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: NTLM %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(ask % base64.b64encode(CHALLENGE))

    async with speaking(talk, LIAR, 80) as heard:
        found = await asyncio.wait_for(look(LIAR, 80), 20)
    windows = fact(WebWindowsAuthentication, found)
    assert {e.names.domain for e in windows.endpoints} == {"Domain"}
    sent = [line for request in heard for line in request.split(b"\r\n") if line.startswith(b"Authorization")]
    # one first message, which names nobody, and never another
    assert len(set(sent)) == 1


def test_the_fingerprint_table_holds_together_and_reads_hostile_text_in_bounded_time() -> None:
    known = table()
    assert len({f.id for f in known.fingerprints}) >= 55
    hostile = [
        c * 65_536 for c in ("a", "<", "/", " ", "\\", "<meta name='generator' content='", "version", "[1", "iDRAC")
    ]
    started = time.perf_counter()
    for entry in known.fingerprints:
        assert all(path.startswith("/") for path in entry.paths)
        for sign in (*entry.signs, *([entry.version] if entry.version else [])):
            assert sign.place in {"title", "body", "cookie", "location"} or sign.place.startswith("header ")
            for text in hostile:
                sign.pattern.search(text[:65_536])
    assert time.perf_counter() - started < 5


@asynccontextmanager
async def answering(address: str, reply: Callable[[str, str], bytes], port: int = 80) -> AsyncIterator[list[str]]:
    """A server whose answer depends on the method and the path; yields the requests as they come."""
    heard: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method, path, _ = (await reader.readuntil(b"\r\n\r\n")).split(b" ", 2)
        heard.append(f"{method.decode()} {path.decode()}")
        writer.write(reply(method.decode(), path.decode()))
        writer.close()

    async with await asyncio.start_server(serve, address, port):
        yield heard


def page(body: str, *headers: str, status: str = "200 OK") -> bytes:
    lines = (f"HTTP/1.1 {status}", "Content-Type: text/html", f"Content-Length: {len(body)}", *headers)
    return "\r\n".join((*lines, "Connection: close", "", body)).encode()


@pytest.mark.parametrize(
    "reply",
    [
        # Apache's own way to say where the page went
        lambda _, path: page(f'<a href="https://www.ch.test{path}">here</a>', status="301 Moved Permanently"),
        lambda _, path: page("x", f"Location: https://sso.test/?next={path.replace('/', '%2F')}", status="302 Found"),
        lambda _, path: page(f"<p>{path} introuvable</p>", status="404 Not Found"),
    ],
    ids=["redirect", "login", "not found"],
)
async def test_a_server_that_repeats_the_path_it_was_asked_runs_no_product(reply: Callable[[str, str], bytes]) -> None:
    async with answering(LIAR, reply):
        assert fact(WebProducts, await look(LIAR, 80)).products == ()


@pytest.mark.parametrize("status", ["429 Too Many Requests", "503 Service Unavailable"])
async def test_a_server_that_asks_for_less_has_not_answered(status: str) -> None:
    heard: list[str] = []

    def reply(method: str, path: str) -> bytes:
        heard.append(path)
        return page("stop", status=status) if len(heard) > 4 else page("", status="404 Not Found")

    async with answering(LIAR, reply):
        found = await look(LIAR, 80)
    assert fact(WebOrigin, found).unanswered == ("methods", "cors", "trace")
    assert fact(WebFiles, found).unanswered == fact(WebFiles, found).asked
    # it is left alone, and the report says so
    assert [y.reason for y in found if isinstance(y, Shortfall)] == [Reason.RATE_LIMITED]
    assert len(heard) <= 10


async def test_a_server_that_asks_for_less_at_once_is_not_seen() -> None:
    async with answering(LIAR, lambda method, path: page("stop", status="429 Too Many Requests")):
        with pytest.raises(ProbeError) as caught:
            await look(LIAR, 80)
    assert caught.value.reason is Reason.RATE_LIMITED


async def test_a_filter_that_cuts_trace_has_answered() -> None:
    async with answering(LIAR, lambda method, path: b"" if method == "TRACE" else page("bonjour")):
        origin = fact(WebOrigin, await look(LIAR, 80))
    assert (origin.unanswered, origin.trace_echoed) == ((), False)


async def test_cookies_are_those_the_origin_set_on_the_way_and_no_other_site_s() -> None:
    def reply(method: str, path: str) -> bytes:
        step = {"/": "/entree", "/entree": f"http://{DECOY}/fin"}.get(path, "/perdu")
        return page("", f"Location: {step}", f"Set-Cookie: JSESSIONID{len(path)}=x", status="302 Found")

    other = answering(DECOY, lambda method, path: page("bonjour", "Set-Cookie: PHPSESSID=x"))
    async with answering(LIAR, reply), other:
        origin = fact(WebOrigin, await look(LIAR, 80))
    assert [hop.followed for hop in origin.chain] == [True, True, False]
    assert [cookie.name for cookie in origin.cookies] == ["JSESSIONID1", "JSESSIONID7"]


async def test_each_server_behind_one_name_is_seen_and_the_silent_one_is_told() -> None:
    asset = service("tcp", 80, "www.ch.test", addresses=[LIAR, WELL_TWIN, SILENT])
    one = answering(LIAR, lambda method, path: page("", "Location: https://www.ch.test/", status="301 Moved"))
    other = answering(WELL_TWIN, lambda method, path: page("<input type=password>"))
    async with one, other:
        found = [y async for y in WebProbe(SETTINGS).look(asset, open_line())]
    seen = {y.fact.address: y.fact for y in found if isinstance(y, Sight) and isinstance(y.fact, WebOrigin)}
    assert {address: origin.login_form for address, origin in seen.items()} == {LIAR: False, WELL_TWIN: True}
    assert [y.reason for y in found if isinstance(y, Shortfall)] == [Reason.REFUSED]


@pytest.mark.parametrize("everywhere", [False, True], ids=["first page", "every page"])
async def test_a_first_page_that_is_a_listing_lies_open_unless_everything_is_answered_so(everywhere: bool) -> None:
    def reply(method: str, path: str) -> bytes:
        known = path == "/" or everywhere
        return page("<title>Index of /</title>") if known else page("perdu", status="404 Not Found")

    async with answering(LIAR, reply):
        files = fact(WebFiles, await look(LIAR, 80))
    assert [(p.what, p.path) for p in files.proofs] == [(OpenFile.LISTING, "/")]
    assert files.reliable is not everywhere
