"""Sixty-four addresses of four sites behind a veth pair: half of them drop what they do not serve, half refuse it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from uuid import uuid4

from tests.lab.silence import FarSide

SITES, PER_SITE = 4, 16
NETWORKS = tuple(f"198.18.{site}.0/28" for site in range(SITES))
#: The box's own resolver and the root of its little Internet, which has the real one's address: no targets.
RESOLVER, ROOT = "198.18.200.53", "198.41.0.4"
_NEAR = "198.18.255.254"


def address(site: int, number: int) -> str:
    """The address of a host."""
    return f"198.18.{site}.{number}"


def addresses() -> list[str]:
    """Every target."""
    return [address(site, number) for site in range(SITES) for number in range(PER_SITE)]


@contextlib.contextmanager
def far_side(served: dict[str, set[int]]) -> Iterator[FarSide]:
    """Open the namespace; every other address silently drops TCP to what is not ``served`` there, and UDP."""
    tag = uuid4().hex[:6]
    side, near, far = FarSide(name=f"hygie-{tag}"), f"hn{tag}", f"hf{tag}"
    _run("ip", "netns", "add", side.name)
    try:
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        _run("ip", "link", "set", far, "netns", side.name)
        _run("ip", "address", "add", f"{_NEAR}/16", "dev", near)
        _run("ip", "link", "set", near, "up")
        _run("ip", "route", "add", f"{ROOT}/32", "dev", near)
        batch = "".join(f"address add {one}/16 dev {far}\n" for one in (*addresses(), RESOLVER))
        batch += f"address add {ROOT}/32 dev {far}\n"
        subprocess.run(side.command("ip", "-batch", "-"), input=batch, text=True, check=True, capture_output=True)
        side.run("ip", "link", "set", far, "up")
        side.run("ip", "link", "set", "lo", "up")
        subprocess.run(side.command("nft", "-f", "-"), input=_rules(far, served), text=True, check=True)
        yield side
    finally:
        subprocess.run(["ip", "netns", "delete", side.name], check=False, capture_output=True)


def silent() -> list[str]:
    """The addresses that drop."""
    return [one for one in addresses() if int(one.rpartition(".")[2]) % 2]


def _rules(far: str, served: dict[str, set[int]]) -> str:
    doors = ", ".join(f"{one} . {port}" for one in addresses() for port in sorted(served.get(one, ())))
    own, dropping = ", ".join(addresses()), ", ".join(silent())
    return (
        f"table inet silence {{ chain input {{ type filter hook input priority 0; policy accept;\n"
        f"iifname {far} ip daddr . tcp dport {{ {doors} }} accept\n"
        f"iifname {far} ip daddr {{ {dropping} }} udp dport != 53 drop\n"
        f"iifname {far} ip daddr {{ {dropping} }} tcp flags syn / syn,ack drop\n"
        f"iifname {far} ip daddr {{ {own} }} tcp flags syn / syn,ack reject with tcp reset\n}}\n}}\n"
    )


def _run(*words: str) -> None:
    subprocess.run(words, check=True, capture_output=True, text=True)
