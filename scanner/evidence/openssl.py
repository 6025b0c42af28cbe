"""A second opinion: what the openssl program says of signatures and time-stamps, when it is installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

_PATIENCE = 30.0


def verify_cms(signature: bytes, content: bytes, certificates: bytes) -> str:
    """Return what openssl holds against a detached CMS signature for these certificates (PEM), or ""."""
    command = ["cms", "-verify", "-binary", "-inform", "DER", "-in", "signature", "-content", "content"]
    command += ["-CAfile", "certificates", "-purpose", "any", "-out", "out"]
    return _refusal(command, {"signature": signature, "content": content, "certificates": certificates})


def verify_stamp(response: bytes, data: bytes, anchors: bytes, at: datetime) -> str:
    """Return what openssl holds against a time-stamp response over data at an instant, or ""."""
    command = ["ts", "-verify", "-in", "response", "-data", "data", "-CAfile", "anchors"]
    command += ["-attime", str(int(at.timestamp()))]
    return _refusal(command, {"response": response, "data": data, "anchors": anchors})


def _refusal(command: Sequence[str], files: Mapping[str, bytes]) -> str:
    program = shutil.which("openssl")
    if program is None:
        return "not installed"
    with tempfile.TemporaryDirectory(prefix="hygie-") as folder:
        for name, data in files.items():
            (Path(folder) / name).write_bytes(data)
        try:
            done = subprocess.run([program, *command], cwd=folder, capture_output=True, timeout=_PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            return type(error).__name__
    said = (done.stderr or done.stdout).decode("utf-8", "replace").strip().splitlines()
    return "" if done.returncode == 0 else (said[-1][:200] if said else "refused")
