"""An address that no grant covers hears nothing, whatever points to it: counted by nftables in a namespace."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.lab.decoy import DECOY, PLACES, SITE

NAME = "hygie-decoy"
#: What each counter counts; a place's name may be a word of nftables.
_NAMED = {"decoy": "198.51.100.0/24", "site": SITE, **{f"p_{place}": address for place, address in PLACES.items()}}
_COUNTERS = "\n".join(
    [
        "table inet t {",
        *(f"counter {name} {{ }}" for name in _NAMED),
        "chain out { type filter hook output priority 0;",
        *(f"ip daddr {address} counter name {name}" for name, address in _NAMED.items()),
        "}",
        "}",
        "",
    ]
)


def inside(*words: str, **more: str) -> str:
    done = subprocess.run(
        ["ip", "netns", "exec", NAME, *words], capture_output=True, text=True, timeout=120, input=more.get("text")
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def packets(counter: str) -> int:
    told = json.loads(inside("nft", "-j", "list", "counter", "inet", "t", counter))
    return next(int(entry["counter"]["packets"]) for entry in told["nftables"] if "counter" in entry)


@pytest.fixture
def namespace() -> Iterator[None]:
    subprocess.run(["ip", "netns", "add", NAME], check=True)
    try:
        inside("ip", "link", "set", "lo", "up")
        inside("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
        inside("ip", "address", "add", f"{DECOY}/24", "dev", "v0")
        inside("ip", "link", "set", "v0", "up")
        inside("ip", "link", "set", "v1", "up")
        inside("nft", "-f", "-", text=_COUNTERS)
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", NAME], check=True)


@pytest.mark.netns
@pytest.mark.usefixtures("namespace")
def test_the_decoy_hears_nothing(tmp_path: Path) -> None:
    report = json.loads(inside(sys.executable, "-m", "tests.lab.decoy", str(tmp_path)))
    assert packets("decoy") == 0
    assert packets("site") > 20
    found = {a["name"]: (a["found_in"], a["in_scope"]) for a in report["assets"] if a["kind"] == "host"}
    for place in PLACES:
        # a name outside the mandate's domains is a candidate; one beneath them is looked up, and its address left alone
        assert found[f"{place}.ailleurs.test"] == (place, False)
        assert found[f"{place}.leurre.test"] == (place, True)
        assert packets(f"p_{place}") == 0
    outside = {a["name"] for a in report["assets"] if not a["in_scope"]}
    assert {"decoy.ailleurs.test", "mail.ailleurs.test"} <= outside
    refused = {a["asset"] for a in report["attempts"]["not_completed"] if a["reason"] == "out-of-scope"}
    assert "host:piege.leurre.test" in refused
    # The counter counts: one knock of our own is heard (and its refusal).
    inside(sys.executable, "-c", f"import socket; socket.socket(2, 2).sendto(b'x', ('{DECOY}', 9))")
    assert packets("decoy") >= 1
    inside(sys.executable, "-c", f"import socket; socket.socket(2, 2).sendto(b'x', ('{PLACES['csp']}', 9))")
    assert packets("p_csp") >= 1
