"""DMARC records (RFC 7489 6.3; RFC 9989 for what its successor removed or added)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from probes.facts.mail.tags import TagSyntaxError, tags


class Policy(StrEnum):
    """What receivers are asked to do with mail that fails."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class DmarcRecord:
    """The tags read; ``policy`` is None when ``p`` is missing or unknown, then receivers act as for none.

    ``subdomain`` and ``nonexistent`` fall back on ``policy`` when absent; ``removed`` lists tags that RFC 9989 dropped.
    """

    policy: Policy | None
    subdomain: Policy | None
    nonexistent: Policy | None
    percent: int
    strict_dkim: bool
    strict_spf: bool
    aggregate: tuple[str, ...]
    failure: tuple[str, ...]
    testing: bool
    removed: tuple[str, ...]


def is_dmarc(text: str) -> bool:
    """Tell whether a TXT record is a DMARC record: the version tag first, letter for letter (RFC 7489 6.4)."""
    return re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text) is not None


def parse(text: str) -> DmarcRecord:
    """Return the record; raise ``TagSyntaxError`` when receivers would ignore it."""
    if not is_dmarc(text):
        raise TagSyntaxError("not a DMARC record")
    found = tags(text)
    aggregate = _addresses(found.get("rua", ""))
    policy = _policy(found.get("p"))
    if policy is None and not aggregate:
        raise TagSyntaxError("neither a known policy nor a report address")
    percent = found.get("pct", "100")
    return DmarcRecord(
        policy=policy,
        subdomain=_policy(found.get("sp")),
        nonexistent=_policy(found.get("np")),
        percent=int(percent) if re.fullmatch(r"\d{1,3}", percent) and int(percent) <= 100 else 100,
        strict_dkim=found.get("adkim", "r").lower() == "s",
        strict_spf=found.get("aspf", "r").lower() == "s",
        aggregate=aggregate,
        failure=_addresses(found.get("ruf", "")),
        testing=found.get("t", "n").lower() == "y",
        removed=tuple(sorted({"pct", "rf", "ri"} & found.keys())),
    )


def _policy(text: str | None) -> Policy | None:
    try:
        return Policy(text.lower()) if text is not None else None
    except ValueError:
        return None


def _addresses(text: str) -> tuple[str, ...]:
    """Report addresses without their size limit (``mailto:a@b!10m``)."""
    return tuple(uri.strip().partition("!")[0] for uri in text.split(",") if uri.strip())
