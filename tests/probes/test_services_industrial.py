"""Devices: without the mandate's own word not a byte is said to them; with it they are asked for their name, once."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from ipaddress import ip_address
from typing import Any

import pytest

from probes.facts.services.answered import DatagramAnswered, DatagramsAsked, Talk
from probes.facts.services.industrial import IndustrialAnswered
from probes.interface import Asset, AssetKind, Fact, Probe, ProbeError, Reason, Sight, service
from probes.interface.fragile import Fragility, fragile_ports, is_device
from probes.nmap import NmapProbe
from probes.services.datagram import DatagramProbe, DatagramSettings
from probes.services.family import FamilySettings
from probes.services.industrial import IndustrialProbe
from scanner.catalogue import known_probes
from scanner.line import GuardedLine
from tests.lab.line import mandate, open_line
from tests.lab.responders import Script, answering, responding

ADDRESS = "127.96.0.2"
HOST = Asset(kind=AssetKind.ADDRESS, name=ADDRESS)
INDUSTRIAL = IndustrialProbe(FamilySettings(patience=0.5))
#: Schneider's own words, in the form of Modbus 6.21; a device that knows no such function; CIP's identity object.
MODBUS = b"\x2b\x0e\x01\x01\0\0\x03" + b"\0\x12Schneider Electric" + b"\1\x09BMX P34 2" + b"\2\4v2.6"
MODBUS = b"\x48\x79\0\0" + (len(MODBUS) + 1).to_bytes(2, "big") + b"\xff" + MODBUS
MODBUS_EXCEPTION = b"\x48\x79\0\0\0\3\xff\xab\x01"
MODBUS_ASKS = rb"\x48\x79\0\0\0\x05\xff\x2b\x0e\x01\0"
_IDENTITY = b"\1\0" + bytes(16) + b"\1\0\x0e\0\x36\0\x14\x0b\x60\x31" + b"\1\2\3\4" + b"\x0b1756-EN2T/B\3"
_IDENTITY = b"\1\0\x0c\0" + len(_IDENTITY).to_bytes(2, "little") + _IDENTITY
ENIP = b"\x63\0" + len(_IDENTITY).to_bytes(2, "little") + bytes(8) + b"hygie\0\0\0" + bytes(4) + _IDENTITY
ENIP_ASKS = rb"\x63\0{11}hygie\0{7}"
#: A processor's confirmation and its refusal of a slot, its word that a conversation is open, a refusal of the list.
S7_CONFIRM = bytes.fromhex("0300001611d00001000100c0010ac1020100c2020102")
S7_REFUSAL = bytes.fromhex("0300000b06800001000002")
S7_OPENED = bytes.fromhex("0300001b02f080320300000001000800000000f0000001000101e0")
S7_KEPT = bytes.fromhex("0300002102f080320700000002000c000400011208128401010000000 0d4010a000000".replace(" ", ""))
S7_ASKS = (
    rb"\x03\0\0\x16\x11\xe0\0{3}\x01\0\xc1\x02\x01\0\xc2\x02\x01[\x01\x02]\xc0\x01\x0a"
    rb"|\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0\0\x01\0\x08\0\0\xf0\0\0\x01\0\x01\x01\xe0"
    rb"|\x03\0\0\x21\x02\xf0\x80\x32\x07\0\0\0\x02\0\x08\0\x08\0\x01\x12\x04\x11\x44\x01\0\xff\x09\0\x04\0\x11\0\0"
)
FOX = (
    b"fox a 0 -1 fox hello\n{\nfox.version=s:1.0.1\nid=i:12\nhostName=s:jace8000\napp.name=s:Station\n"
    b"app.version=s:4.10.0.154\nstation.name=s:CH_Exemple_GTB\nbrandId=s:vykon\n};;\n"
)
FOX_ASKS = rb"fox a 1 -1 fox hello\n\{\nfox\.version=s:1\.0\nid=i:1\n\};;\n"
#: Greeted; refused: no channel without security; refused: no such endpoint (OPC 10000-6 7.1.2).
OPCUA_GREETED = b"ACKF\x1c\0\0\0" + bytes(4) + b"\0\0\1\0" * 2 + bytes(8)
OPCUA_REFUSED = b"ERRF\x10\0\0\0\0\0\x55\x80\xff\xff\xff\xff"
_NO_SESSION = rb"\0{10}\x01\0{7}\xff{4}\x10\x27\0{5}"
OPCUA_ASKS = (
    rb"HELF.\0{7}(\xff\xff\0\0){3}\x01\0{3}.\0{3}opc\.tcp://127\.96\.0\.2:4840"
    rb"|OPNF.\0{7}\x2f\0{3}http://opcfoundation\.org/UA/SecurityPolicy#None\xff{8}(\x01\0{3}){2}\x01\0\xbe\x01"
    + _NO_SESSION + rb"\0{8}\x01\0{3}\xff{4}\x60\xea\0\0"
    rb"|MSGF.\0{3}.{8}(\x02\0{3}){2}\x01\0\xac\x01" + _NO_SESSION + rb".\0{3}opc\.tcp://127\.96\.0\.[23]:4840\xff{8}"
    rb"|CLOF.\0{3}.{8}(\x03\0{3}){2}\x01\0\xc4\x01" + _NO_SESSION
)  # fmt: skip
BACNET = b"\x81\x0a\0\x1e\1\0\x30\1\x0c\x0c\2\0\0\1\x19\x4d\x3e\x75\x08\0CTA-BLO\x3f"
BACNET_ASKS = rb"\x81\x0a\0\x11\x01\x04\0\x05\x01\x0c\x0c\x02\x3f\xff\xff\x19\x4d"
KNX = b"\x06\x10\2\4\0\x44\x36\1" + bytes(22) + b"Passerelle KNX".ljust(30, b"\0") + bytes(8)
KNX_ASKS = rb"\x06\x10\x02\x03\0\x0e\x08\x01\0{6}"


def line(*, identify: bool, level: int = 3) -> GuardedLine:
    return open_line(level=level, granted=mandate(identify_devices=identify))


async def looked(probe: Probe[Any], asset: Asset, at: GuardedLine) -> list[Fact]:
    return [y.fact async for y in probe.look(asset, at) if isinstance(y, Sight)]


def tcp(port: int) -> Asset:
    return service("tcp", port, ADDRESS, addresses=[ADDRESS])


def test_devices_are_the_industrial_and_the_building_ports() -> None:
    families = {port: family for port, family in fragile_ports().items() if is_device(port)}
    assert set(families.values()) == {Fragility.BUILDING, Fragility.INDUSTRIAL}
    assert {502, 102, 44818, 4840, 1911} <= set(families)
    assert is_device(47808, "udp")
    assert is_device(3671, "udp")
    assert not is_device(104)
    assert not is_device(161, "udp")


@pytest.mark.parametrize(("identify", "level"), [(False, 3), (True, 2)], ids=["no word of it", "level 2"])
async def test_without_permission_not_a_byte_is_said_by_any_probe(*, identify: bool, level: int) -> None:
    ports = [port for port in fragile_ports() if is_device(port)]
    at = line(identify=identify, level=level)
    services = [(cls(cls.Settings()), tcp(port)) for cls in _of(AssetKind.SERVICE) for port in ports]
    async with AsyncExitStack() as stack:
        heard = [await stack.enter_async_context(responding(ADDRESS, port, [b""])) for port in ports]
        said = [await stack.enter_async_context(answering(ADDRESS, port, b"x")) for port in (3671, 47808)]
        for port in ports:
            # whoever connects can say nothing: the Line keeps it from every probe alike
            stream = await at.connect(ip_address(ADDRESS), port, deadline=1.0)
            with pytest.raises(ProbeError) as caught:
                await stream.send(b"hello")
            assert caught.value.reason is Reason.LEVEL
            await stream.close()
        for port in (3671, 47808):
            with pytest.raises(ProbeError) as caught:
                await at.exchange(b"hello", ip_address(ADDRESS), port, deadline=0.1)
            assert caught.value.reason is Reason.LEVEL
        for probe, asset in services:
            # the engine skips a probe above the level of the scan; nmap runs by itself, and refuses these ports
            if probe.level <= level and probe.wants(asset) and not isinstance(probe, NmapProbe):
                with pytest.raises(ProbeError) as caught:
                    await looked(probe, asset, at)
                assert caught.value.reason is Reason.LEVEL
        (asked,) = await looked(DatagramProbe(DatagramSettings(patience=0.1)), HOST, at)
    assert [h.messages for h in heard] == [[] for _ in ports]
    assert said == [[], []]
    assert isinstance(asked, DatagramsAsked)
    assert not {"bacnet", "knx"} & {protocol for _, protocol, _, _ in asked.asked}


def _of(kind: AssetKind) -> list[type[Probe[Any]]]:
    return [cls for cls in known_probes().values() if kind in cls.looks_at and cls.level >= 2]


def test_nmap_wants_no_device() -> None:
    nmap = NmapProbe(NmapProbe.Settings())
    assert not any(nmap.wants(tcp(port)) for port in fragile_ports())


@pytest.mark.parametrize(
    ("port", "script", "asks", "expected"),
    [
        (502, [b"", MODBUS], MODBUS_ASKS, ("modbus", Talk.SPOKEN, "Schneider Electric BMX P34 2", "v2.6")),
        (502, [b"", MODBUS_EXCEPTION], MODBUS_ASKS, ("modbus", Talk.SPOKEN, "", "")),
        (44818, [b"", ENIP], ENIP_ASKS, ("ethernet-ip", Talk.SPOKEN, "1756-EN2T/B", "20.11")),
        # odd but healthy: another service lives there
        (502, [b"SSH-2.0-x\r\n"], MODBUS_ASKS, ("modbus", Talk.OTHER, "", "")),
        (502, [b"", b"\x48\x79\0\0\0\xff\xff" + b"A" * 300], MODBUS_ASKS, ("modbus", Talk.OTHER, "", "")),
        (44818, [b"", b"\x63\0\xff\xff" + bytes(20)], ENIP_ASKS, ("ethernet-ip", Talk.OTHER, "", "")),
        (44818, [b""], ENIP_ASKS, ("ethernet-ip", Talk.SILENT, "", "")),
        # a processor that keeps its name to itself; the transport without S7: a protection relay's, perhaps
        (102, [b"", S7_CONFIRM, S7_OPENED, S7_KEPT], S7_ASKS, ("s7", Talk.SPOKEN, "", "")),
        (102, [b"", S7_CONFIRM, S7_OPENED, b""], S7_ASKS, ("s7", Talk.SPOKEN, "", "")),
        (102, [b"", S7_CONFIRM, b"\x03\0\0\x09\x02\xf0\x80\x19\0"], S7_ASKS, ("s7", Talk.CUT, "", "")),
        (102, [b"220 ftp.ch.test\r\n"], S7_ASKS, ("s7", Talk.OTHER, "", "")),
        (1911, [b"", FOX], FOX_ASKS, ("fox", Talk.SPOKEN, "Niagara vykon CH_Exemple_GTB", "4.10.0.154")),
        (1911, [b"", b"fox a 0 -1 fox rejected\n{\n};;\n"], FOX_ASKS, ("fox", Talk.SPOKEN, "Niagara", "")),
        (1911, [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], FOX_ASKS, ("fox", Talk.OTHER, "", "")),
        (1911, [b"", b"fox a 0 -1 fox hello\n{\n" + b"x=s:y\n" * 9000], FOX_ASKS, ("fox", Talk.OTHER, "", "")),
        (4840, [b"", OPCUA_REFUSED], OPCUA_ASKS, ("opc-ua", Talk.SPOKEN, "", "")),
        (4840, [b"", OPCUA_GREETED, OPCUA_REFUSED], OPCUA_ASKS, ("opc-ua", Talk.SPOKEN, "", "")),
        (
            4840,
            [b"", OPCUA_GREETED, b"OPNF\x20\0\0\0" + b"\xff" * 24],
            OPCUA_ASKS,
            ("opc-ua", Talk.SPOKEN, "", ""),
        ),
        (4840, [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], OPCUA_ASKS, ("opc-ua", Talk.OTHER, "", "")),
    ],
)
async def test_with_permission_a_device_is_asked_for_its_name_once(
    port: int, script: Script, asks: bytes, expected: tuple[str, Talk, str, str]
) -> None:
    async with responding(ADDRESS, port, script) as heard:
        (fact,) = await looked(INDUSTRIAL, tcp(port), line(identify=True))
    assert isinstance(fact, IndustrialAnswered)
    assert (fact.protocol, fact.talk, fact.product, fact.version) == expected
    assert len(heard.connections) == 1
    assert all(re.fullmatch(asks, message, re.S) for message in heard.messages), heard.messages


@pytest.mark.parametrize("refusal", [[b"", S7_REFUSAL], [b"", b""]], ids=["refused", "hung up on"])
async def test_a_processor_in_the_other_slot_is_asked_there(refusal: Script) -> None:
    async with responding(ADDRESS, 102, refusal, [b"", S7_CONFIRM, S7_OPENED, S7_KEPT], close=True) as heard:
        (fact,) = await looked(INDUSTRIAL, tcp(102), line(identify=True))
    assert isinstance(fact, IndustrialAnswered)
    assert fact.talk is Talk.SPOKEN
    assert [connection[0][17:19] for connection in heard.connections] == [b"\x01\x02", b"\x01\x01"]
    # who refuses both is not said to be something else
    async with responding(ADDRESS, 102, refusal, close=True) as heard:
        (fact,) = await looked(INDUSTRIAL, tcp(102), line(identify=True))
    assert isinstance(fact, IndustrialAnswered)
    assert (fact.talk, len(heard.connections)) == (Talk.CUT, 2)


@pytest.mark.parametrize(
    ("protocol", "port", "answer", "asks", "name"),
    [
        ("bacnet", 47808, BACNET, BACNET_ASKS, "CTA-BLO"),
        # the device has no such object: an error is its answer
        ("bacnet", 47808, b"\x81\x0a\0\x0d\1\0\x50\1\x0c\x91\2\x91\x20", BACNET_ASKS, ""),
        ("knx", 3671, KNX, KNX_ASKS, "Passerelle KNX"),
    ],
)
async def test_with_permission_a_building_is_asked_for_its_name_once(
    protocol: str, port: int, answer: bytes, asks: bytes, name: str
) -> None:
    probe = DatagramProbe(DatagramSettings(patience=0.2))
    async with answering(ADDRESS, port, answer) as heard:
        facts = await looked(probe, HOST, line(identify=True))
    (fact,) = [fact for fact in facts if isinstance(fact, DatagramAnswered)]
    assert (fact.protocol, fact.product) == (protocol, name)
    assert len(heard) == 1
    assert re.fullmatch(asks, heard[0], re.S), heard


async def test_a_building_that_keeps_silent_is_not_asked_again() -> None:
    async with answering(ADDRESS, 47808, b"") as heard:
        (asked,) = await looked(DatagramProbe(DatagramSettings(patience=0.1)), HOST, line(identify=True))
    assert isinstance(asked, DatagramsAsked)
    assert (ADDRESS, "bacnet", 47808, "silent") in asked.asked
    assert len(heard) == 1
