"""A whole audit as administrator leaves no secret behind: not in store, captures, output, reports or files."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scanner.store.store import open_store
from tests.acceptance.directory_lab import CONFIG
from tests.lab import samba

pytestmark = pytest.mark.samba
FORMATS = ("json", "html", "pdf", "xlsx", "csv", "sarif", "oscal", "text")
#: Kept by the controller, in attributes that are on no list of ours.
HELD = (
    "unicodePwd",
    "ntPwdHistory",
    "supplementalCredentials",
    "trustAuthOutgoing",
    "currentValue",
    "msKds-RootKeyData",
)


@pytest.fixture(scope="module")
def lab() -> Iterator[samba.Domain]:
    faults = ("vuln_trusts_domain_notfiltered", "vuln_permissions_gmsa_keys", "vuln_permissions_dpapi")
    with samba.domain(faults=faults) as running:
        yield running


def held(lab: samba.Domain) -> set[bytes]:
    """The values of the secret attributes, as the controller's own database has them."""
    words = ["ldbsearch", "-H", str(lab.database), "-b", lab.base, "(objectClass=*)", *HELD]
    text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    unfolded = text.replace("\n ", "")
    values = [line.partition(":: ")[2] for line in unfolded.splitlines() if line.partition("::")[0] in HELD]
    return {base64.b64decode(value) for value in values if len(value) > 15}


def test_no_secret_is_left_behind(lab: samba.Domain, tmp_path: Path) -> None:
    work, temporary = tmp_path / "work", tmp_path / "tmp"
    work.mkdir()
    temporary.mkdir()
    config = work / "config.toml"
    config.write_text(CONFIG.format(address=lab.address, host=lab.host, user=lab.admin, ca=lab.ca_file))
    environment = {**os.environ, "TMPDIR": str(temporary), "HYGIE_LAB_PASSWORD": samba.ADMIN_PASSWORD}
    said = b""
    commands = [("scan", "--only", "directory"), *(("report", "--format", f, "-o", f"r.{f}") for f in FORMATS)]
    for words in (*commands, ("evidence", "-o", "preuve.zip")):
        command = [sys.executable, "-m", "scanner", *words, "-c", str(config)]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, timeout=180)
        assert done.returncode in {0, 1}, done.stderr
        said += done.stdout + done.stderr
    secrets = {*held(lab), samba.ADMIN_PASSWORD.encode(), samba.ADMIN_PASSWORD.encode("utf-16-le")}
    assert len(secrets) > 10
    with open_store(work / "hygie.sqlite") as store:
        record = store.record("latest")
        kept = [store.captures.read(digest) for o in record.observations for digest in o.captures]
    assert sum(map(len, kept)) > 1_000_000
    left = [said, *kept, *(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())]
    assert not [secret for secret in secrets if any(secret in data for data in left)]
