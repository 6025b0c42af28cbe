"""The volley: every name gets its true outcome from real servers, and no lie or silence becomes an absence."""

from __future__ import annotations

import asyncio
import contextlib
import random
import resource
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from ipaddress import ip_address

import dns.message
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.interface import DnsQuestion, Existence, NameAnswer, ProbeError, Reason
from scanner.pace import Rates
from scanner.volley import existence_of, question_section
from tests.lab import liars
from tests.lab.line import FAST, open_line
from tests.lab.nameservers import serving

pytestmark = pytest.mark.daemon

ZONE, PORT = "ch-volee.test", 53053
KNOT, NSD, LIAR, SECOND = "127.78.1.1", "127.78.1.2", "127.78.1.3", "127.78.1.4"
TEXT = (
    "@ SOA ns dsi 1 7200 3600 1209600 3600\n@ NS ns\nns A 192.0.2.1\nad NS dc1.ad\ndc1.ad A 192.0.2.9\n"
    + "".join(f"n{i * 100} A 192.0.2.1\n" for i in range(100))
    + "".join(f"big A 198.51.{i // 250}.{i % 250}\n" for i in range(400))
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("dns")
    with contextlib.ExitStack() as stack:
        for kind, address in (("knot", KNOT), ("nsd", NSD), ("knot", "::1")):
            stack.enter_context(serving(kind, folder, address, {f"{ZONE}.": TEXT}, port=PORT))
        yield


async def answers(
    names: Iterable[str], servers: Sequence[str], *, pace: Rates = FAST, tries: int = 5, patience: float = 1.0
) -> dict[str, NameAnswer]:
    line = open_line(domains=[ZONE], dns_port=PORT, pace=pace)
    asked = line.ask_names(
        (f"{n}.{ZONE}" for n in names),
        [ip_address(s) for s in servers],
        rdtype=1,
        question=DnsQuestion.DELEGATION,
        walking=ZONE,
        tries=tries,
        patience=patience,
    )
    return {a.name.removesuffix(f".{ZONE}"): a async for a in asked}


def outcomes(found: dict[str, NameAnswer]) -> Counter[tuple[Existence, Reason]]:
    return Counter((a.existence, a.reason) for a in found.values())


async def test_ten_thousand_names_over_two_real_servers(servers: None) -> None:
    found = await answers((f"n{i}" for i in range(10_000)), [KNOT, NSD])
    existing = {name for name, a in found.items() if a.existence is Existence.EXISTS}
    assert existing == {f"n{i * 100}" for i in range(100)}
    assert outcomes(found)[(Existence.ABSENT, Reason.NONE)] == 9_900


async def test_a_long_answer_comes_whole_and_a_delegated_name_is_said_to_lead_elsewhere(servers: None) -> None:
    found = await answers(["big", "ad", "x.ad", "rien", "n0"], [KNOT])
    assert found["big"].existence is Existence.EXISTS
    assert len(dns.message.from_wire(found["big"].wire).answer[0]) == 400
    assert found["ad"].reason is found["x.ad"].reason is Reason.REFERRAL
    assert (found["rien"].existence, found["rien"].wire) == (Existence.ABSENT, b"")
    assert dns.message.from_wire(found["n0"].wire).answer


async def test_a_server_that_only_has_the_sixth_version_is_asked_like_another(servers: None) -> None:
    found = await answers((f"n{i}" for i in range(200)), ["::1"])
    assert outcomes(found) == {(Existence.EXISTS, Reason.NONE): 2, (Existence.ABSENT, Reason.NONE): 198}


async def test_what_cannot_be_a_name_is_not_sent(servers: None) -> None:
    found = await answers(["a..b", "x" * 64, "é", "n0"], [KNOT])
    assert {n: a.reason for n, a in found.items()} == {
        "a..b": Reason.MALFORMED, "x" * 64: Reason.MALFORMED, "é": Reason.MALFORMED, "n0": Reason.NONE,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (liars.silence, Reason.TIMED_OUT),
        (liars.says(dns.rcode.SERVFAIL), Reason.SERVER_FAILURE),
        (liars.says(dns.rcode.REFUSED), Reason.SERVER_FAILURE),
        (liars.garbage, Reason.TIMED_OUT),
        (liars.wrong_id, Reason.TIMED_OUT),
        (liars.other_question, Reason.TIMED_OUT),
        (liars.truncated, Reason.TRUNCATED),
    ],
    ids=["silence", "servfail", "refused", "garbage", "wrong id", "other question", "truncated"],
)
async def test_no_lie_becomes_an_absence(answer: liars.Answer, reason: Reason) -> None:
    async with liars.lying(answer, LIAR, PORT) as asked:
        found = await answers((f"n{i}" for i in range(300)), [LIAR], patience=0.05, tries=3)
    assert len(found) == 300
    assert outcomes(found) == {(Existence.UNKNOWN, reason): 300}
    # a server that brings nothing is left in peace before the list is through
    assert len(asked) <= 320


QUESTION = question_section(f"n1.{ZONE}", 1) or b""
HEADER = st.builds(
    lambda flags, counts: b"\0\7" + bytes(flags) + b"\0\1" + counts,
    st.tuples(st.sampled_from([0x84, 0x80, 0x86, 0x04]), st.integers(0, 15)),
    st.binary(min_size=6, max_size=6),
)


@given(
    st.one_of(
        st.binary(max_size=80),
        st.builds(bytes.__add__, HEADER, st.sampled_from([QUESTION, QUESTION.upper(), QUESTION[:-3], b""])),
    ),
    st.booleans(),
)
def test_no_bytes_make_an_absence_but_an_answer_to_the_question_that_says_so(wire: bytes, authoritative: bool) -> None:
    question = QUESTION
    existence, reason = existence_of(wire, question, authoritative=authoritative)
    assert (existence is Existence.UNKNOWN) == (reason is not Reason.NONE)
    if existence is not Existence.UNKNOWN:
        assert wire[12 : 12 + len(question)].lower() == question
        assert wire[3] & 15 == (3 if existence is Existence.ABSENT else 0)


async def test_a_closed_port_is_refusal(servers: None) -> None:
    found = await answers(["n0", "n1"], ["127.78.1.77"], patience=0.05)
    assert {a.reason for a in found.values()} == {Reason.REFUSED}


async def test_one_answer_in_five_lost_loses_no_name(servers: None) -> None:
    chance = random.Random(7)

    def lossy(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes | None:
        exists = str(query.question[0].name).split(".")[0].endswith("00")
        answer = liars.response(query, dns.rcode.NOERROR if exists else dns.rcode.NXDOMAIN)
        if exists:
            answer.answer.append(dns.rrset.from_text(query.question[0].name, 60, "IN", "A", "192.0.2.1"))
        return None if chance.random() < 0.2 else answer.to_wire()

    async with liars.lying(lossy, LIAR, PORT):
        found = await answers((f"n{i}" for i in range(1, 1001)), [LIAR], patience=0.1, tries=8)
    assert outcomes(found) == {(Existence.EXISTS, Reason.NONE): 10, (Existence.ABSENT, Reason.NONE): 990}


async def test_a_silent_server_beside_a_good_one_costs_no_name(servers: None) -> None:
    async with liars.lying(liars.silence, LIAR, PORT):
        found = await answers((f"n{i}" for i in range(1000)), [LIAR, KNOT], patience=0.1)
    assert outcomes(found) == {(Existence.EXISTS, Reason.NONE): 10, (Existence.ABSENT, Reason.NONE): 990}


async def test_a_server_that_blocks_in_mid_scan_is_said_so() -> None:
    count = 0

    def blocking(query: dns.message.Message, wire: bytes, tcp: bool) -> bytes | None:
        nonlocal count
        count += 1
        return liars.response(query, dns.rcode.NXDOMAIN).to_wire() if count <= 200 else None

    async with liars.lying(blocking, LIAR, PORT):
        found = await answers((f"n{i}" for i in range(1000)), [LIAR], patience=0.05)
    assert outcomes(found)[(Existence.ABSENT, Reason.NONE)] == 200
    assert outcomes(found)[(Existence.UNKNOWN, Reason.BLOCKED)] > 700


async def test_the_pace_of_a_server_is_held(servers: None) -> None:
    started = asyncio.get_running_loop().time()
    await answers((f"n{i}" for i in range(200)), [KNOT], pace=Rates(overall=1e6, network=1e6, address=200, burst=1))
    assert asyncio.get_running_loop().time() - started >= 0.9


async def test_memory_stays_flat_whatever_the_number_of_names(servers: None) -> None:
    line = open_line(domains=[ZONE], dns_port=PORT)
    asked = line.ask_names(
        (f"x{i}.{ZONE}" for i in range(60_000)), [ip_address(KNOT)], rdtype=1, question=DnsQuestion.DELEGATION,
        walking=ZONE,
    )  # fmt: skip
    count, before = 0, 0
    async for _ in asked:
        count += 1
        if count == 10_000:
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert count == 60_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


async def test_a_server_outside_the_grants_hears_nothing(servers: None) -> None:
    line = open_line(domains=["autre.test"], dns_port=PORT)
    async with liars.lying(liars.silence, LIAR, PORT) as asked:
        with pytest.raises(ProbeError, match="out-of-scope"):
            await anext(
                line.ask_names(
                    [f"a.{ZONE}"], [ip_address(LIAR)], rdtype=1, question=DnsQuestion.DELEGATION, walking=ZONE
                )
            )
        assert asked == []


async def test_the_stop_button_ends_a_volley(servers: None) -> None:
    line = open_line(domains=[ZONE], dns_port=PORT)
    asked = line.ask_names(
        (f"x{i}.{ZONE}" for i in range(10**9)), [ip_address(KNOT)], rdtype=1, question=DnsQuestion.DELEGATION,
        walking=ZONE,
    )  # fmt: skip
    await anext(asked)
    line.stop()
    with pytest.raises(ProbeError, match="interrupted"):
        await asyncio.wait_for(_all(asked), 5)


async def _all(asked: AsyncIterator[NameAnswer]) -> list[NameAnswer]:
    return [answer async for answer in asked]
