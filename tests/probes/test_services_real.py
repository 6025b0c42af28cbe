"""Services by real servers: redis with and without a password, and a DICOM server that knows its callers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from socket import create_connection

import pytest
from pynetdicom import AE, evt

from probes.facts.services.answered import Access, DatabaseAnswered, Talk
from probes.facts.services.health import DicomAnswered
from probes.interface import Sight, service
from probes.services.database import DatabaseProbe
from probes.services.dicom import DicomProbe, DicomSettings
from probes.services.family import FamilySettings
from tests.lab.line import open_line

ADDRESS = "127.98.0.1"


@contextmanager
def redis(folder: Path, *words: str) -> Iterator[None]:
    command = ["redis-server", "--bind", ADDRESS, "--port", "6379", "--save", "", "--dir", str(folder), *words]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                create_connection((ADDRESS, 6379), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield
    finally:
        child.terminate()
        child.wait()


@pytest.mark.parametrize(
    ("words", "expected"),
    [(("--protected-mode", "no"), Access.OPEN), (("--requirepass", "lab"), Access.REQUIRED)],
)
async def test_redis_serves_anybody_or_asks_for_a_password(
    tmp_path: Path, words: tuple[str, ...], expected: Access
) -> None:
    probe = DatabaseProbe(FamilySettings())
    with redis(tmp_path, *words):
        where = service("tcp", 6379, ADDRESS, addresses=[ADDRESS])
        (fact,) = [y.fact async for y in probe.look(where, open_line()) if isinstance(y, Sight)]
    assert isinstance(fact, DatabaseAnswered)
    assert (fact.talk, fact.access) == (Talk.SPOKEN, expected)


@pytest.mark.parametrize(("known", "expected"), [([], Access.OPEN), (["MODALITY1"], Access.REQUIRED)])
async def test_a_dicom_server_accepts_anybody_or_its_callers_and_hears_no_request(
    known: list[str], expected: Access
) -> None:
    heard: list[str] = []
    entity = AE(ae_title="PACS")
    entity.add_supported_context("1.2.840.10008.1.1")
    entity.require_calling_aet = known
    server = entity.start_server(
        (str(ip_address(ADDRESS)), 11112), block=False, evt_handlers=[(evt.EVT_C_ECHO, lambda e: heard.append("echo"))]
    )
    assert server
    try:
        where = service("tcp", 11112, ADDRESS, addresses=[ADDRESS])
        looked = DicomProbe(DicomSettings()).look(where, open_line())
        (fact,) = [y.fact async for y in looked if isinstance(y, Sight)]
    finally:
        server.shutdown()
    assert isinstance(fact, DicomAnswered)
    assert (fact.talk, fact.access) == (Talk.SPOKEN, expected)
    assert heard == []
