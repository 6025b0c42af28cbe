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
