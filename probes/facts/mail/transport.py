"""MTA-STS records and policies (RFC 8461), and TLS-RPT records (RFC 8460)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from probes.facts.mail.tags import TagSyntaxError, tags

#: Longest policy that senders read, in bytes (RFC 8461 3.3 suggests 64 KiB), and the longest max_age, in seconds.
LONGEST_POLICY, LONGEST_AGE = 65_536, 31_557_600


class Mode(StrEnum):
    """What senders do when a policy does not match."""

    ENFORCE = "enforce"
    TESTING = "testing"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class MtaStsPolicy:
    """The policy file: ``mx`` patterns may start with ``*.``; ``max_age`` is in seconds."""

    mode: Mode
    max_age: int
    mx: tuple[str, ...]

    def matches(self, host: str) -> bool:
        """Tell whether a MX host is allowed; a wildcard stands for exactly one label (RFC 8461 4.1)."""
        name = host.rstrip(".").lower()
        return any(name == p or (p.startswith("*.") and name.partition(".")[2] == p[2:]) for p in self.mx)


def parse_record(text: str) -> str:
    """Return the id of a ``_mta-sts`` TXT record."""
    found = tags(text)
    if found.get("v") != "STSv1" or not text.lstrip().startswith("v"):
        raise TagSyntaxError("not a MTA-STS record")
    if not re.fullmatch(r"[A-Za-z0-9]{1,32}", found.get("id", "")):
        raise TagSyntaxError("the id is missing or is not 1 to 32 letters and digits")
    return found["id"]


def parse_policy(text: str) -> MtaStsPolicy:
    """Return the policy; raise ``TagSyntaxError`` when senders would ignore it."""
    single: dict[str, str] = {}
    mx: list[str] = []
    for line in text[:LONGEST_POLICY].replace("\r\n", "\n").split("\n"):
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        key, value = key.strip(), value.strip()
        if not colon:
            raise TagSyntaxError(f"unreadable line {line[:40]!r}")
        if key == "mx":
            mx.append(value.rstrip(".").lower())
        else:
            single.setdefault(key, value)
    if single.get("version") != "STSv1":
        raise TagSyntaxError("the version is not STSv1")
    if not re.fullmatch(r"\d{1,10}", single.get("max_age", "")) or int(single["max_age"]) > LONGEST_AGE:
        raise TagSyntaxError("max_age is missing or out of range")
    try:
        mode = Mode(single.get("mode", ""))
    except ValueError:
        raise TagSyntaxError("the mode is not enforce, testing or none") from None
    if mode is not Mode.NONE and not mx:
        raise TagSyntaxError("no mx line")
    return MtaStsPolicy(mode=mode, max_age=int(single["max_age"]), mx=tuple(mx))


def parse_tls_rpt(text: str) -> tuple[str, ...]:
    """Return the report addresses of a ``_smtp._tls`` TXT record."""
    found = tags(text)
    if found.get("v") != "TLSRPTv1":
        raise TagSyntaxError("not a TLS-RPT record")
    addresses = tuple(a.strip() for a in found.get("rua", "").split(",") if a.strip())
    if not addresses or not all(a.lower().startswith(("mailto:", "https:")) for a in addresses):
        raise TagSyntaxError("rua holds no mailto: or https: address")
    return addresses
