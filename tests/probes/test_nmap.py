"""The nmap probe: what it is handed and what it is never handed, a real nmap, and nmaps that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import time
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.services.version import ServiceVersion
from probes.interface import Asset, AssetKind, Attempt, Part, ProbeError, Reason, Sight, Status, Vantage, service
from probes.interface.fragile import fragile_ports
from probes.nmap import NmapProbe, NmapSettings, command, version_of
from probes.ports import PortsProbe, PortsSettings
from probes.services.ssh import SshProbe
from scanner.catalogue import build_probes
from scanner.demo.listening import listening
from scanner.engine import Engine, EngineSettings, Run
from tests.lab.daemon import running
from tests.lab.journal import MemoryJournal
from tests.lab.line import mandate, open_line

ADDRESS = "127.96.0.1"
PORT = 28022
BARE = b"<?xml version='1.0'?><!DOCTYPE nmaprun><nmaprun>%s<runstats><finished/><hosts/></runstats></nmaprun>"


def fake(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """Put a script called nmap first on the PATH; it notes its arguments and its process id."""
    script = folder / "nmap"
    script.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >> {folder}/heard\necho $$ > {folder}/pid\n{body}\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder / "heard"


async def look(patience: float = 30.0, port: int = PORT, level: int = 3) -> ServiceVersion:
    probe = NmapProbe(NmapSettings(patience=patience))
    where = service("tcp", port, ADDRESS, addresses=[ADDRESS])
    (fact,) = [y.fact async for y in probe.look(where, open_line(level=level)) if isinstance(y, Sight)]
    assert isinstance(fact, ServiceVersion)
    return fact


async def refusal(patience: float = 30.0, port: int = PORT, level: int = 3) -> ProbeError:
    with pytest.raises(ProbeError) as caught:
        await look(patience, port, level)
    return caught.value


def gone(folder: Path) -> bool:
    return not Path("/proc", (folder / "pid").read_text().strip()).exists()


ANY_ADDRESS = st.one_of(
    st.text(),
    st.ip_addresses().map(str),
    st.builds(lambda a, z: f"{a}%{z}", st.ip_addresses(v=6), st.text()),
    st.sampled_from(["-oN", "--script=x", "127.0.0.1 -iL /etc/passwd", "127.0.0.0/8", "127.0.0.1-9", "::1%-oN"]),
)


@given(ANY_ADDRESS, st.one_of(st.text(), st.integers(-9, 70_000).map(str), st.sampled_from(["1-9", "-", "22,23"])))
def test_any_text_is_refused_or_becomes_a_number_and_an_address(address: str, port: str) -> None:
    try:
        arguments = command(address, port, 30)
    except ProbeError:
        return
    *fixed, before, number, where = arguments
    assert before == "-p"
    assert set(number) <= set("0123456789")
    assert int(number) not in fragile_ports()
    assert str(ip_address(where)) == where
    assert set(where) <= set("0123456789abcdef.:")
    family = ["-6"] if ":" in where else []
    assert [*fixed] == [*command("192.0.2.1", "22", 30)[:-3], *family]


async def test_nmap_hears_these_arguments_and_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = fake(tmp_path, monkeypatch, "exit 1")
    assert (await refusal()).reason is Reason.MISSING_TOOL
    assert heard.read_text().split("\0")[:-1] == command(ADDRESS, str(PORT), 30)


async def test_the_line_is_asked_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard = fake(tmp_path, monkeypatch, "exit 1")
    assert (await refusal(level=2)).reason is Reason.LEVEL
    assert (await refusal(port=9100)).reason is Reason.OUT_OF_SCOPE
    assert not heard.exists()


async def test_a_hung_nmap_is_killed_with_its_children_and_the_loop_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(tmp_path, monkeypatch, f"sleep 300 & echo $! > {tmp_path}/child; wait")
    lags, looking = [], asyncio.create_task(refusal(patience=1.0))
    while not looking.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        lags.append(time.monotonic() - before - 0.01)
    assert (await looking).reason is Reason.TIMED_OUT
    assert max(lags) < 0.1
    assert gone(tmp_path)
    child = Path("/proc", (tmp_path / "child").read_text().strip(), "stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"


async def test_a_stopped_scan_leaves_no_nmap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "exec sleep 300")
    looking = asyncio.create_task(look())
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        await asyncio.sleep(0.02)
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking
    assert gone(tmp_path)


async def test_endless_output_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake(tmp_path, monkeypatch, "exec yes '<host>'")
    assert (await refusal()).reason is Reason.TOO_LARGE
    assert gone(tmp_path)


@pytest.mark.parametrize(
    "report",
    [
        b"",
        b"nmap: Segmentation fault",
        b"<nmaprun/>",
        BARE % b"<host/>",
        BARE % b"<host><address addrtype='ipv4' addr='x'/><ports><port protocol='tcp' portid='y'/></ports></host>",
        b"<!DOCTYPE nmaprun [<!ENTITY a 'aaaaaaaa'><!ENTITY b '&a;&a;&a;&a;'>]><nmaprun>&b;</nmaprun>",
        b"<!DOCTYPE nmaprun [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><nmaprun>&a;</nmaprun>",
        b"<!DOCTYPE nmaprun SYSTEM 'http://127.0.0.1/x.dtd'><nmaprun/>",
        b"<!DOCTYPE other><nmaprun/>",
    ],
)
def test_a_report_that_is_none_and_a_bomb_are_malformed_in_few_words(report: bytes) -> None:
    with pytest.raises(ProbeError) as caught:
        version_of(report, ADDRESS, PORT)
    assert caught.value.reason is Reason.MALFORMED
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    ("ports", "reason"),
    [
        (b"", Reason.TIMED_OUT),
        (b"<port protocol='tcp' portid='28022'><state state='closed'/></port>", Reason.REFUSED),
        (b"<port protocol='tcp' portid='28022'><state state='filtered'/></port>", Reason.TIMED_OUT),
    ],
)
def test_a_port_that_nmap_gave_up_or_found_shut_is_missed(ports: bytes, reason: Reason) -> None:
    host = b"<host><address addrtype='ipv4' addr='127.96.0.1'/><ports>%s</ports></host>" % ports
    with pytest.raises(ProbeError) as caught:
        version_of(BARE % host, ADDRESS, PORT)
    assert caught.value.reason is reason


def test_a_name_by_the_number_alone_is_none() -> None:
    port = b"<port protocol='tcp' portid='28022'><state state='open'/><service name='guess' conf='3'/></port>"
    host = b"<host><address addrtype='ipv4' addr='127.96.0.1'/><ports>%s</ports></host>" % port
    assert version_of(BARE % host, ADDRESS, PORT) == ServiceVersion(address=ADDRESS, confidence=3)


@pytest.mark.daemon
async def test_a_real_nmap_names_a_real_openssh_on_an_odd_port(tmp_path: Path) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    configuration = tmp_path / "sshd_config"
    configuration.write_text(f"ListenAddress {ADDRESS}:{PORT}\nHostKey {key}\nPidFile {tmp_path}/pid\nUsePAM no\n")
    os.makedirs("/run/sshd", exist_ok=True)
    sshd = ["/usr/sbin/sshd", "-D", "-e", "-f", str(configuration)]
    with running(sshd, [(ADDRESS, PORT)], log=tmp_path / "log"):
        fact = await look()
    assert (fact.service, fact.product, fact.confidence) == ("ssh", "OpenSSH", 10)
    assert fact.version[0].isdigit()


async def scanned(ports: tuple[int, ...], level: int = 3) -> Run:
    line = open_line(level=level)
    swept = PortsProbe(PortsSettings(short=ports, patience=0.3))
    engine = Engine(
        (swept, NmapProbe(NmapSettings(patience=30.0)), SshProbe(SshProbe.Settings(ports=(2222,)))),
        line,
        MemoryJournal(),
        scope=mandate().scope,
        vantage={Part.EXPOSURE: Vantage.INTERNET},
        clock=lambda: datetime.now(UTC),
        settings=EngineSettings(workers=4, step_deadline=60.0, second_look_delay=0.0),
    )
    return await engine.run([Asset(kind=AssetKind.ADDRESS, name=ADDRESS)])


def nmap_attempts(run: Run) -> dict[str, Attempt]:
    return {a.asset.partition(":")[2].partition("@")[0]: a for a in run.attempts if a.probe == "nmap@1"}


async def test_no_fragile_port_and_no_port_of_another_probe_hears_nmap() -> None:
    heard: dict[int, bytes] = {}
    quiet = (102, 104, 502, 2575, 9100, 11112, 44818)

    async def records(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        port = writer.get_extra_info("sockname")[1]
        with contextlib.suppress(ConnectionError):
            heard[port] = heard.get(port, b"") + await reader.read(4096)

    async with contextlib.AsyncExitStack() as stack:
        for port in (*quiet, 2222, PORT):
            await stack.enter_async_context(listening(records, ADDRESS, port))
        run = await scanned((*quiet, 2222, PORT))
    assert list(nmap_attempts(run)) == [f"tcp/{PORT}"]
    assert heard[PORT]
    assert not any(heard.get(port) for port in quiet)


async def test_without_nmap_the_attempt_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(silent, ADDRESS, PORT):
        missed = nmap_attempts(await scanned((PORT,)))[f"tcp/{PORT}"]
        skipped = nmap_attempts(await scanned((PORT,), level=2))[f"tcp/{PORT}"]
    assert (missed.status, missed.reason) == (Status.FAILED, Reason.MISSING_TOOL)
    assert "nmap is not installed" in missed.detail
    assert (skipped.status, skipped.reason) == (Status.SKIPPED, Reason.LEVEL)


@pytest.mark.parametrize("port", sorted(fragile_ports()))
def test_no_fragile_port_is_wanted_or_written(port: int) -> None:
    probe = next(p for p in build_probes({}) if isinstance(p, NmapProbe))
    assert not probe.wants(service("tcp", port, ADDRESS, addresses=[ADDRESS]))
    with pytest.raises(ProbeError):
        command(ADDRESS, str(port), 30)
