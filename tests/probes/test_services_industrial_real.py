"""Devices of today's stacks, asked for their name with the mandate's word: what they tell, and every byte they hear."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.services.answered import DatagramsAsked, Talk
from probes.facts.services.industrial import Endpoint, IndustrialAnswered
from probes.interface import Observation, Vantage
from probes.services import fox, opcua, s7
from probes.services.datagram import DatagramProbe, DatagramSettings
from probes.services.family import FamilySettings
from probes.services.industrial import IndustrialProbe
from rules.catalogue.service import opcua_security
from rules.interface import Outcome, Severity
from scanner.demo.certificates import leaf
from tests.lab import devices
from tests.lab.relay import relayed
from tests.probes.test_services_industrial import (
    ADDRESS,
    FOX,
    FOX_ASKS,
    HOST,
    INDUSTRIAL,
    MODBUS_ASKS,
    OPCUA_ASKS,
    S7_ASKS,
    line,
    looked,
    tcp,
)

#: Where the devices listen; between them and the probe stands a relay that keeps what they hear.
BESIDE = "127.96.0.3"
#: One endpoint, as a server lists it.
ENDPOINTS = (
    bytes(16) + b"\1\0\xaf\1" + bytes(24) + b"\1\0\0\0"
    + b"\4\0\0\0opc:\1\0\0\0u\1\0\0\0p\3\2\0\0\0fr\3\0\0\0GTB" + bytes(4) + b"\xff" * 8 + bytes(4)
    + b"\2\0\0\0\x30\0" + b"\3\0\0\0" + b"\6\0\0\0x#None" + b"\1\0\0\0" + b"\1\0\0\0a" + b"\1\0\0\0" + b"\xff" * 12
    + b"\xff" * 4 + b"\0"
)  # fmt: skip


async def test_a_station_within_tls_is_greeted_there(tmp_path: Path) -> None:
    chain, key = leaf(None, ("gtb.ch.test",), datetime.now(UTC), rsa_bits=2048).pem()
    (tmp_path / "both.pem").write_bytes(chain + key)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "both.pem")
    heard: list[bytes] = []

    async def station(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b";;\n"))
        writer.write(FOX)

    server = await asyncio.start_server(station, ADDRESS, 4911, ssl=context)
    async with server:
        (fact,) = await looked(INDUSTRIAL, tcp(4911), line(identify=True))
    assert isinstance(fact, IndustrialAnswered)
    assert (fact.protocol, fact.talk, fact.encryption) == ("fox", Talk.SPOKEN, True)
    assert re.fullmatch(FOX_ASKS, b"".join(heard))


async def test_snap7_gives_its_name_plate(tmp_path: Path) -> None:
    with devices.s7(tmp_path, BESIDE):
        async with relayed(ADDRESS, 102, (BESIDE, 102)) as heard:
            (fact,) = await looked(INDUSTRIAL, tcp(102), line(identify=True))
    assert isinstance(fact, IndustrialAnswered)
    assert (fact.talk, fact.product, fact.version) == (Talk.SPOKEN, "6ES7 315-2EH14-0AB0", "3.2.6")
    assert all(re.fullmatch(S7_ASKS, message, re.S) for message in heard)


async def test_pymodbus_gives_its_name_plate(tmp_path: Path) -> None:
    with devices.modbus(tmp_path, BESIDE):
        async with relayed(ADDRESS, 502, (BESIDE, 502)) as heard:
            (fact,) = await looked(INDUSTRIAL, tcp(502), line(identify=True))
    assert isinstance(fact, IndustrialAnswered)
    assert (fact.talk, fact.product, fact.version) == (Talk.SPOKEN, "Laboratoire PM-1", "2.4")
    # the test's own look whether it listens passes no byte
    assert len(heard) == 1
    assert re.fullmatch(MODBUS_ASKS, heard[0], re.S)


async def test_bacpypes_answers_as_a_building_does(tmp_path: Path) -> None:
    with devices.bacnet(tmp_path, ADDRESS):
        facts = await looked(DatagramProbe(DatagramSettings(patience=0.5)), HOST, line(identify=True))
    (asked,) = [fact for fact in facts if isinstance(fact, DatagramsAsked)]
    assert (ADDRESS, "bacnet", 47808, "answered") in asked.asked


@pytest.mark.parametrize(
    ("policies", "tokens", "outcome", "severity"),
    [
        ("NoSecurity", "Anonymous,UserName", Outcome.NOT_MET, Severity.HIGH),
        # odd but healthy: the channel that endpoints are asked for by has no security, as it must
        ("Basic256Sha256_SignAndEncrypt,Aes256Sha256RsaPss_Sign", "UserName", Outcome.MET, None),
    ],
)
async def test_asyncua_tells_its_endpoints_without_a_session(
    tmp_path: Path, policies: str, tokens: str, outcome: Outcome, severity: Severity | None
) -> None:
    with devices.opcua(tmp_path, BESIDE, policies, tokens):
        async with relayed(ADDRESS, 4840, (BESIDE, 4840)) as heard:
            (fact,) = await looked(IndustrialProbe(FamilySettings(patience=3)), tcp(4840), line(identify=True))
            async with asyncio.timeout(2):
                while len(heard) < 4:
                    await asyncio.sleep(0.01)
    assert isinstance(fact, IndustrialAnswered)
    assert (fact.talk, fact.product, len(fact.endpoints)) == (
        Talk.SPOKEN, "GTB du CH d'Exemple", 1 + policies.count(","),
    )  # fmt: skip
    seen = Observation(
        id="o", asset=tcp(4840), fact=fact, seen_at=datetime.now(UTC), probe="x@1", vantage=Vantage.INTERNET
    )
    verdict = opcua_security.judge(seen)
    assert (verdict.outcome, verdict.severity) == (outcome, severity)
    assert [message[:3] for message in heard] == [b"HEL", b"OPN", b"MSG", b"CLO"]
    assert all(re.fullmatch(OPCUA_ASKS, message, re.S) for message in heard)


def test_a_list_of_endpoints_is_read() -> None:
    endpoint = Endpoint(mode="SignAndEncrypt", policy="None", tokens=("user-name",))
    assert opcua.read_endpoints(ENDPOINTS) == ("GTB", (endpoint,))


@given(cut=st.integers(0, 400), at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_list_of_endpoints_that_lies_is_read_or_refused(cut: int, at: int, byte: int) -> None:
    body = bytearray(ENDPOINTS[: cut or None])
    if at < len(body):
        body[at] = byte
    with contextlib.suppress(opcua.UnreadableError):
        opcua.read_endpoints(bytes(body))


@given(st.binary(max_size=200), st.integers(0, 200))
def test_whatever_a_device_answers_is_read_within_bounds(noise: bytes, cut: int) -> None:
    plate = bytes.fromhex("02f080320700000002000c003f00011208128401010000000 0ff09003b".replace(" ", ""))
    plate += b"\0\x11\0\0\0\x1c\0\2" + b"\0\1" + b"6ES7 315-2EH14-0AB0 " + bytes(6) + b"\0\7" + bytes(22) + b"V\3\2\6"
    assert s7.name_plate(plate) == ("6ES7 315-2EH14-0AB0", "3.2.6")
    for answer in (noise, plate[:cut] + noise, noise[:cut] + plate[cut:]):
        assert all(len(text) <= 200 for text in s7.name_plate(answer))
        assert all(isinstance(text, str) for text in fox.told_by(answer).values())
        with contextlib.suppress(opcua.UnreadableError):
            opcua.read_channel(answer)
