"""Scans a lab's domain controller through the product's own road, as one account or another."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest

from probes.interface import Part
from reports.dossier import Dossier
from scanner import run
from scanner.config.load import parse
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.lab import samba

CONFIG = """
[box]
vantage = "inside"
[pace]
connections_per_address = 100.0
[[mandates]]
reference = "M1"
signatory = "Directrice"
valid_from = 2026-01-01
valid_until = 2099-12-31
networks = ["{address}/32"]
directories = ["ldaps://{host}"]
[[perimeters]]
id = "chu"
name = "CHU du laboratoire"
mandate = "M1"
directories = ["ad"]
[[directories]]
name = "ad"
url = "ldaps://{host}"
address = "{address}"
user = "{user}"
password = "env:HYGIE_LAB_PASSWORD"
bind = "simple"
ca_file = "{ca}"
# what is planted was made a minute ago
[rules.owners-standard]
days = 0
"""


def scanned(lab: samba.Domain, user: str = "", password: str = samba.ADMIN_PASSWORD) -> Dossier:
    """Scan and judge a lab's domain, as its administrator if nobody is named."""
    text = CONFIG.format(address=lab.address, host=lab.host, user=user or lab.admin, ca=lab.ca_file)
    with (
        tempfile.TemporaryDirectory(prefix="hygie-scan-") as folder,
        pytest.MonkeyPatch.context() as patch,
        open_store(Path(folder) / "hygie.sqlite") as store,
    ):
        patch.setenv("HYGIE_LAB_PASSWORD", password)
        settings = parse(Path(folder) / "hygie.toml", text)
        scan, _ = asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
        return judge_scan(settings, store, scan.id)
