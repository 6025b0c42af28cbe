"""A directory that lies, stops, or says no: every failure has its reason, and what was read is kept."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from probes.directory.attributes import SECRETS
from probes.directory.probe import DirectoryTree
from probes.directory.target import DirectorySettings, DirectoryTarget
from probes.facts.ber import element
from probes.facts.entries import encode_entry
from probes.interface import Asset, AssetKind, ProbeError, Reason
from probes.interface.secret import Secret
from tests.lab.ldap import BASE, HOST, ROOT_DSE, Liar, Question, Script, done, liar, people
from tests.probes.directory_scan import Seen, look, scan

GB = 1 << 30


def target(server: Liar, *, scheme: str = "ldaps", page_size: int = 1000, budget_bytes: int = GB) -> DirectoryTarget:
    return DirectoryTarget(
        url=f"{scheme}://{HOST}:{server.port}",
        address=server.address,
        user="lecteur@menteur.example",
        password=Secret("secret"),
        ca_file=str(server.ca_file),
        connect_seconds=3,
        page_seconds=2,
        page_size=page_size,
        budget_bytes=budget_bytes,
    )


async def read(search: Callable[[Question], Iterable[bytes]], *, budget_bytes: int = GB) -> tuple[Seen, Liar]:
    with liar(Script(search=search)) as server:
        return await scan(target(server, budget_bytes=budget_bytes)), server


def garbage(question: Question) -> Iterator[bytes]:
    yield b"HTTP/1.1 400 Bad Request\r\n\r\n"


def half_message(question: Question) -> Iterator[bytes]:
    yield people(question, 1)[:-5]
    raise ConnectionError


def hang_up(question: Question) -> list[bytes]:
    raise ConnectionError


def silence(question: Question) -> Iterator[bytes]:
    time.sleep(2.5)
    yield b""


def drip(question: Question) -> Iterator[bytes]:
    for byte in people(question, 1):
        time.sleep(0.1)
        yield bytes([byte])


def giant(question: Question) -> Iterator[bytes]:
    yield b"\x30\x84\x7f\xff\xff\xff"


def no_length(question: Question) -> Iterator[bytes]:
    yield b"\x30\x80\x02\x01\x01"


def other_id(question: Question) -> Iterator[bytes]:
    yield done(question.id + 1)


def nonsense_inside(question: Question) -> Iterator[bytes]:
    yield b"\x30\x03\x04\x01x"


def referral(question: Question) -> Iterator[bytes]:
    yield done(question.id, 10, text="0000202B: RefErr: DSID-03100781")


def signing(question: Question) -> Iterator[bytes]:
    yield done(question.id, 8)


def not_bound(question: Question) -> Iterator[bytes]:
    yield done(question.id, 1, text="000004DC: LdapErr: DSID-0C090A5C, comment: a successful bind must be completed")


def busy(question: Question) -> Iterator[bytes]:
    yield done(question.id, 51)


def no_such_control(question: Question) -> Iterator[bytes]:
    yield done(question.id, 12)


@pytest.mark.parametrize(
    ("search", "reason"),
    [
        (garbage, Reason.NOT_SPOKEN),
        (half_message, Reason.TRUNCATED),
        (hang_up, Reason.CONNECTION_LOST),
        (silence, Reason.TIMED_OUT),
        (drip, Reason.TIMED_OUT),
        (giant, Reason.TOO_LARGE),
        (no_length, Reason.MALFORMED),
        (other_id, Reason.MALFORMED),
        (nonsense_inside, Reason.MALFORMED),
        (referral, Reason.REFERRAL),
        (signing, Reason.SIGNING_REQUIRED),
        (not_bound, Reason.DENIED),
        (busy, Reason.RATE_LIMITED),
        (no_such_control, Reason.SERVER_FAILURE),
    ],
)
async def test_a_context_of_which_nothing_was_read_fails_with_its_reason(
    search: Callable[[Question], Iterable[bytes]], reason: Reason
) -> None:
    with pytest.raises(ProbeError) as failure:
        await read(search)
    assert failure.value.reason is reason


async def test_entries_without_end_stop_at_the_cap() -> None:
    def endless(question: Question) -> Iterator[bytes]:
        for i in count():
            yield people(question, 1000, i * 1000)

    with pytest.raises(ProbeError) as failure:
        await read(endless, budget_bytes=5 << 20)
    assert failure.value.reason is Reason.TOO_LARGE


async def test_what_came_before_the_size_limit_is_kept_and_said_cut() -> None:
    def limited(question: Question) -> Iterator[bytes]:
        yield people(question, 7) + done(question.id, 4)

    seen, _ = await read(limited)
    fact = seen.reads[BASE]
    assert (fact.complete, fact.cut, fact.entries, seen.missed) == (False, "size-limit", 7, [Reason.SIZE_LIMIT])
    assert [entry.dn for entry in seen.entries[BASE]][:2] == [f"CN=agent 0,{BASE}", f"CN=agent 1,{BASE}"]


async def test_a_page_the_server_refuses_is_asked_smaller() -> None:
    def picky(question: Question) -> Iterator[bytes]:
        yield done(question.id, 11) if question.rank < 3 else people(question, 5) + done(question.id)

    seen, server = await read(picky)
    assert (seen.reads[BASE].complete, seen.reads[BASE].entries, seen.reads[BASE].queries) == (True, 5, 3)
    assert b"\x02\x02\x03\xe8" in server.heard[-3]
    assert b"\x02\x02\x00\xfa" in server.heard[-1]


async def test_a_connection_lost_in_mid_page_is_begun_anew_once() -> None:
    def drops_once(question: Question) -> Iterator[bytes]:
        if question.rank == 1:
            yield people(question, 10) + done(question.id, cookie=b"suite")
        elif question.connection == 2:
            yield people(question, 3, 10)
            raise ConnectionError
        else:
            yield people(question, 10, 10) + done(question.id)

    seen, server = await read(drops_once)
    assert (seen.reads[BASE].complete, seen.reads[BASE].entries, server.connections) == (True, 20, 3)


async def test_a_connection_always_lost_leaves_what_was_read_and_says_so() -> None:
    def drops(question: Question) -> Iterator[bytes]:
        if question.rank > 1:
            raise ConnectionError
        yield people(question, 10) + done(question.id, cookie=b"suite")

    seen, server = await read(drops)
    fact = seen.reads[BASE]
    assert (fact.complete, fact.cut, fact.entries, server.connections) == (False, "connection-lost", 10, 3)
    assert seen.missed == [Reason.CONNECTION_LOST]


async def test_empty_pages_without_end_are_not_followed_for_ever() -> None:
    def turning(question: Question) -> Iterator[bytes]:
        yield (people(question, 1) if question.rank == 1 else b"") + done(question.id, cookie=b"encore")

    seen, _ = await read(turning)
    assert seen.missed == [Reason.MALFORMED]


def ranged(question: Question, values: Iterable[str], bounds: str) -> bytes:
    members = tuple(value.encode() for value in values)
    return encode_entry(f"CN=G,{BASE}", {"member": (), f"member;range={bounds}": members}, message_id=question.id)


async def test_the_ranges_of_a_long_attribute_are_all_fetched() -> None:
    def long_group(question: Question) -> Iterator[bytes]:
        pages = {1: ("ab", "0-1"), 2: ("cd", "2-3"), 3: ("e", "4-*")}
        yield ranged(question, *pages[question.rank]) + done(question.id)

    seen, server = await read(long_group)
    ranges = [name for entry in seen.entries[BASE] for name in entry.attributes if ";" in name]
    assert ranges == ["member;range=0-1", "member;range=2-3", "member;range=4-*"]
    assert b"member;range=2-*" in server.heard[-2]
    assert b"member;range=4-*" in server.heard[-1]
    assert seen.reads[BASE].entries == 1


async def test_an_object_deleted_before_its_next_range_is_let_go() -> None:
    def vanishing(question: Question) -> Iterator[bytes]:
        yield ranged(question, "ab", "0-1") + done(question.id) if question.rank == 1 else done(question.id, 32)

    seen, _ = await read(vanishing)
    assert (seen.reads[BASE].complete, seen.missed) == (True, [])


async def test_a_range_that_never_advances_is_not_followed_for_ever() -> None:
    def stuck(question: Question) -> Iterator[bytes]:
        yield ranged(question, "ab", "0-1") + done(question.id)

    seen, _ = await read(stuck)
    assert seen.reads[BASE].queries == 2


@pytest.mark.parametrize(
    ("bind", "reason"),
    [
        ((8, "00002028: LdapErr: DSID-0C090276, comment: signing required"), Reason.SIGNING_REQUIRED),
        ((49, "80090346: LdapErr: DSID-0C090569, AcceptSecurityContext error, data 80090346, v4563"),
         Reason.CHANNEL_BINDING_REQUIRED),
        ((49, "80090308: LdapErr: DSID-0C09044E, AcceptSecurityContext error, data 52e, v2580"), Reason.CREDENTIALS),
        ((49, "80090308: LdapErr: DSID-0C09044E, AcceptSecurityContext error, data 531, v2580"), Reason.DENIED),
        ((49, ""), Reason.CREDENTIALS),
        ((52, ""), Reason.SERVER_FAILURE),
        ((4242, ""), Reason.MALFORMED),
    ],
)  # fmt: skip
async def test_a_refused_bind_says_why(bind: tuple[int, str], reason: Reason) -> None:
    with liar(Script(bind=bind)) as server, pytest.raises(ProbeError) as failure:
        await scan(target(server))
    assert failure.value.reason is reason


async def test_no_password_is_sent_when_starttls_is_stripped() -> None:
    with liar(Script(start_tls=(2, b"")), tls=False) as server:
        with pytest.raises(ProbeError) as failure:
            await scan(target(server, scheme="ldap"))
        assert failure.value.reason is Reason.NOT_SPOKEN
        assert not any(b"secret" in message for message in server.heard)


async def test_bytes_slipped_in_before_tls_are_refused() -> None:
    script = Script(start_tls=(0, done(9)))
    with liar(script, tls=False) as server, pytest.raises(ProbeError) as failure:
        await scan(target(server, scheme="ldap"))
    assert failure.value.reason in {Reason.MALFORMED, Reason.NOT_SPOKEN}


async def test_a_server_that_is_no_domain_controller_is_not_read() -> None:
    with liar(Script(root_dse={"namingContexts": (b"dc=x",)})) as server, pytest.raises(ProbeError) as failure:
        await scan(target(server))
    assert failure.value.reason is Reason.NOT_SPOKEN


@pytest.mark.parametrize("scheme", ["ldap", "ldaps"])
async def test_a_server_that_never_speaks_is_left_at_the_deadline(scheme: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        liar = Liar(address="127.0.0.1", port=mute.getsockname()[1], ca_file=Path())
        asked = replace(target(liar, scheme=scheme), ca_file="", connect_seconds=1, page_seconds=60)
        began = time.monotonic()
        with pytest.raises(ProbeError) as failure:
            await scan(asked)
        assert failure.value.reason is Reason.TIMED_OUT
        await asyncio.get_running_loop().shutdown_default_executor()
        assert time.monotonic() - began < 2.5


async def test_stopping_cuts_the_connection_at_once() -> None:
    with liar(Script(search=silence)) as server:
        task = asyncio.create_task(scan(target(server)))
        await asyncio.sleep(0.7)
        began = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert time.monotonic() - began < 0.5


@pytest.mark.parametrize(("throttle", "most"), [(0.0, 2), (0.01, 1)])
async def test_few_contexts_are_read_at_once_and_one_by_one_with_a_rest(throttle: float, most: int) -> None:
    counting, asked, at_once = threading.Lock(), [0], [0]

    def counted(question: Question) -> Iterator[bytes]:
        with counting:
            asked[0] += 1
            at_once.append(asked[0])
        time.sleep(0.1)
        with counting:
            asked[0] -= 1
        yield people(question, 1) + done(question.id)

    with liar(Script(search=counted)) as server:
        probe = DirectoryTree(DirectorySettings(targets={"chu": replace(target(server), throttle=throttle)}))
        contexts = [
            Asset(kind=AssetKind.NAMING_CONTEXT, name=f"DC={n},{BASE}", found_by="directory:chu") for n in "abcde"
        ]
        seen = Seen()
        await asyncio.gather(*(look(probe, context, seen) for context in contexts))
    assert (len(seen.reads), max(at_once)) == (5, most)


async def test_no_name_of_a_secret_is_ever_sent() -> None:
    def context(question: Question) -> Iterator[bytes]:
        yield people(question, 1) + done(question.id)

    names = tuple(f"{part}{BASE}".encode() for part in ("", "CN=Configuration,", "CN=Schema,CN=Configuration,"))
    zones = tuple(f"DC={zone},{BASE}".encode() for zone in ("DomainDnsZones", "ForestDnsZones", "Autre"))
    script = Script(search=context, root_dse={**ROOT_DSE, "namingContexts": (*names, *zones)})
    with liar(script) as server:
        seen = await scan(target(server))
    assert len(seen.reads) == 6
    sent = b"".join(server.heard).lower()
    assert b"ntsecuritydescriptor" in sent
    assert not [secret for secret in SECRETS if element(0x04, secret.encode()) in sent]
