"""Certificate Transparency: the JSON that crt.sh (``?output=json``) and certspotter give, saved to a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from probes.facts.imported import ListedName, NamesListed
from probes.imports import Importer
from probes.interface import Asset, FoundIn, Lead, ProbeError, Reason, Shortfall, Sight, Vantage, Yield, asset_of
from probes.interface.files import FileLine

#: Most bytes of one file, and most names kept.
_LARGEST, _NAMES = 128 << 20, 50_000


class CertificateTransparencyImport(Importer):
    """Names in logged certificates; those of the mandate are looked for by discovery, the others are candidates."""

    kind = "ct"
    name = "import-ct"
    version = "1"
    vantage = Vantage.INTERNET

    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield the names of every file inside."""
        found: dict[str, ListedName] = {}
        refused = 0
        for member in line.members():
            try:
                for entry in _entries(line.read(member, most=_LARGEST)):
                    refused += _take(entry, found)
            except (ValueError, RecursionError) as error:
                yield Shortfall(reason=Reason.MALFORMED, detail=f"{member.name[:200]}: {type(error).__name__}")
        if not found:
            raise ProbeError(Reason.MALFORMED, "no certificate of a log: crt.sh or certspotter JSON is expected")
        if len(found) > _NAMES:
            yield Shortfall(reason=Reason.SIZE_LIMIT, detail=f"{_NAMES} of {len(found)} names kept")
        names = tuple(found[text] for text in sorted(found)[:_NAMES])
        yield Sight(fact=NamesListed(found_in=FoundIn.CT, names=names, refused=refused))


def _entries(data: bytes) -> Iterator[dict[str, Any]]:
    """The objects of a JSON array, or of one JSON object a line."""
    text = data.decode("utf-8", "replace").strip()
    values = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines() if line]
    yield from (value for value in values if isinstance(value, dict))


def _take(entry: dict[str, Any], found: dict[str, ListedName]) -> int:
    """Note the names of one certificate, the one that lasts longest for each; return how many were none."""
    texts = entry.get("dns_names") if isinstance(entry.get("dns_names"), list) else []
    texts = [*(texts or ()), *str(entry.get("name_value", "")).split("\n"), str(entry.get("common_name") or "")]
    issuer = entry.get("issuer_name") or entry.get("issuer") or ""
    issuer = str(issuer.get("friendly_name") or issuer.get("name") or "") if isinstance(issuer, dict) else str(issuer)
    ends = _instant(entry.get("not_after"))
    refused = 0
    for text in filter(None, (t.strip() for t in texts if isinstance(t, str))):
        # A common name is often an organisation's, and an address may be an e-mail's: neither is a host.
        led = asset_of(Lead(text=text, found_in=FoundIn.CT), "")
        if led is None:
            refused += 1
            continue
        known = found.get(led.name)
        if known is None or (ends and (known.not_after is None or known.not_after < ends)):
            found[led.name] = ListedName(text=led.name, issuer=issuer[:200], not_after=ends)
    return refused


def _instant(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
