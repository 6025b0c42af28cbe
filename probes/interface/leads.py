"""Leads: names and addresses that a fact cites, and the assets they become."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from probes.interface.assets import Asset, AssetKind, FoundIn
from probes.interface.mandate import canonical_name

#: Labels of letters, digits, hyphens and underscores; the last one is never all digits (RFC 1123 2.1).
_NAME = re.compile(r"(?!.{254})(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+(?!\d+$)[a-z0-9-]{2,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A name, an address or a network in a place where somebody wrote it; the text is hostile."""

    text: str
    found_in: FoundIn


def asset_of(lead: Lead, found_by: str) -> Asset | None:
    """Return the asset that a lead stands for: a host, an address or a network; None when it is none.

    The star of a wildcard is left out; a name with accents becomes its A-labels.
    """
    text = lead.text.strip()[:300]
    for kind, read in ((AssetKind.ADDRESS, ip_address), (AssetKind.NETWORK, ip_network)):
        try:
            return Asset(kind=kind, name=str(read(text)), found_by=found_by, found_in=lead.found_in)
        except ValueError:
            continue
    name = host_name(text)
    return Asset(kind=AssetKind.HOST, name=name, found_by=found_by, found_in=lead.found_in) if name else None


def host_name(text: str) -> str:
    """Return a host name in its canonical form, or "" when the text is none."""
    name = canonical_name(text.strip()[:300]).removeprefix("*.")
    if not name.isascii():
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return ""
    return name if _NAME.fullmatch(name) else ""
