"""Peers that lie, drip, flood and hang up cost a typed attempt each; everything else of the scan is still there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.lab.hostile import ON_DNS, ON_HTTP, ON_TLS

HONEST = "www.lab.test"
_DATED = {"evidence", "first_seen", "last_seen", "seen_at"}
#: What each liar is told to have done, by the probe that met it.
TLS_REASONS = {
    "silent": {"timed-out"},
    "garbage": {"malformed-answer", "not-spoken", "protocol-not-spoken", "unreachable"},
    "reset": {"connection-lost", "refused", "unreachable", "protocol-not-spoken"},
    "drip": {"timed-out"},
    "records": {"too-large", "unreachable"},
}
DNS_REASONS = {
    "dns-silent": "timed-out",
    "dns-servfail": "server-failure",
    "dns-garbage": "malformed-answer",
    "dns-loop": "malformed-answer",
    "dns-other-id": "timed-out",
}


def scanned(folder: Path, *more: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.lab.hostile", str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr[-4000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scanned(tmp_path_factory.mktemp("hostile"))


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return scanned(tmp_path_factory.mktemp("quiet"), "quiet")


def of_the_honest(told: dict[str, Any]) -> list[dict[str, Any]]:
    found = [
        f for f in told["report"]["findings"] if f["asset"].endswith(f"@{HONEST}") or f["asset"] == f"host:{HONEST}"
    ]
    assert any(f["outcome"] == "not-met" for f in found)
    return [{k: v for k, v in f.items() if k not in _DATED} for f in found]


def missed(told: dict[str, Any], host: str) -> set[str]:
    """The reasons of what was tried on a host and did not complete; what asks for a higher level was not tried."""
    return {
        a["reason"]
        for a in told["report"]["attempts"]["not_completed"]
        if a["asset"].endswith((f"@{host}.lab.test", f"domain:{host}.test")) and a["reason"] != "level"
    }


def test_the_honest_site_is_judged_as_if_it_were_alone(hostile: dict[str, Any], quiet: dict[str, Any]) -> None:
    assert of_the_honest(hostile) == of_the_honest(quiet)


@pytest.mark.parametrize("host", ON_TLS)
def test_a_liar_on_tls_is_a_typed_attempt(hostile: dict[str, Any], host: str) -> None:
    assert missed(hostile, host)
    assert missed(hostile, host) <= TLS_REASONS[host]


@pytest.mark.parametrize("host", sorted(set(ON_HTTP) - {"loop"}))
def test_a_liar_on_http_is_a_typed_attempt_or_was_read_to_the_cap(hostile: dict[str, Any], host: str) -> None:
    assert missed(hostile, host) <= {"timed-out", "too-large", "truncated-answer", "malformed-answer"}


@pytest.mark.parametrize("zone", ON_DNS)
def test_a_lying_name_server_makes_nothing_absent(hostile: dict[str, Any], zone: str) -> None:
    assert DNS_REASONS[zone] in missed(hostile, zone)
    about = [f for f in hostile["report"]["findings"] if f["asset"] == f"domain:{zone}.test"]
    met = {f["rule"] for f in about if f["outcome"] == "met"}
    assert not {rule for rule in met if "spf" in rule or "dmarc" in rule or "signed" in rule}
    # what nobody could say is neither there nor missing
    policies = {f["rule"]: f["outcome"] for f in about if f["rule"] in {"mail-spf-published", "mail-dmarc-published"}}
    assert set(policies.values()) <= {"undetermined"}


def test_it_costs_bounded_time_and_memory(hostile: dict[str, Any], quiet: dict[str, Any]) -> None:
    assert hostile["seconds"] < 120
    assert hostile["peak"] < quiet["peak"] + (150 << 20)
