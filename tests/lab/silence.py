"""A network namespace behind a veth pair, where nftables drops what no server answers: silence is real there."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

#: The network between this namespace and the far one: documentation addresses (RFC 5737, RFC 3849).
NETWORK, NETWORK6 = "198.51.100.0/24", "2001:db8:51::/64"


@dataclass(frozen=True, slots=True, kw_only=True)
class FarSide:
    """The far namespace: its name, and the command that runs something there."""

    name: str

    def command(self, *words: str) -> list[str]:
        return ["ip", "netns", "exec", self.name, *words]

    def run(self, *words: str) -> None:
        _run(*self.command(*words))

    def rule(self, text: str) -> None:
        """Add an nftables rule to the input chain, before the last word."""
        self.run("nft", f"insert rule inet silence input {text}")


@contextmanager
def far_side(addresses: int = 16) -> Iterator[FarSide]:
    """Open a namespace with ``addresses`` IPv4 addresses from .1 on and as many IPv6 ones, all silent."""
    tag = uuid4().hex[:6]
    side = FarSide(name=f"hygie-{tag}")
    near, far = f"hn{tag}", f"hf{tag}"
    _run("ip", "netns", "add", side.name)
    try:
        _run("ip", "link", "add", near, "type", "veth", "peer", "name", far)
        _run("ip", "link", "set", far, "netns", side.name)
        _run("ip", "address", "add", "198.51.100.254/24", "dev", near)
        _run("ip", "-6", "address", "add", "2001:db8:51::fe/64", "dev", near, "nodad")
        _run("ip", "link", "set", near, "up")
        batch = "".join(
            f"address add 198.51.100.{n}/24 dev {far}\naddress add 2001:db8:51::{n:x}/64 dev {far} nodad\n"
            for n in range(1, addresses + 1)
        )
        subprocess.run(side.command("ip", "-batch", "-"), input=batch, text=True, check=True, capture_output=True)
        side.run("ip", "link", "set", far, "up")
        side.run("ip", "link", "set", "lo", "up")
        side.run("nft", "add table inet silence")
        side.run("nft", "add chain inet silence input { type filter hook input priority 0; policy accept; }")
        side.run("nft", f"add rule inet silence input iifname {far} tcp flags syn / syn,ack counter drop")
        yield side
    finally:
        subprocess.run(["ip", "netns", "delete", side.name], check=False, capture_output=True)


def _run(*words: str) -> None:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.stderr.strip()}")
