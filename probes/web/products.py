"""The fingerprint table read, and the products recognised in answers."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from probes.facts.web_products import ProductKind, WebProduct
from probes.web import pages
from probes.web.fetch import Answer

#: Characters of one place that a pattern reads.
_READ = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A pattern that must be found in one place of an answer."""

    place: str
    pattern: re.Pattern[str]

    def search(self, places: Mapping[str, str]) -> re.Match[str] | None:
        """Return the match, or None."""
        return next(
            (m for text in places.get(self.place, "").split("\n\n\n") if (m := self.pattern.search(text))), None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """One entry of the table."""

    id: str
    name: str
    kind: ProductKind
    paths: tuple[str, ...]
    signs: tuple[Sign, ...]
    version: Sign | None = None
    support: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The whole table with its date."""

    dated: str
    fingerprints: tuple[Fingerprint, ...]

    @property
    def paths(self) -> tuple[str, ...]:
        """Every path asked beside the first page, once."""
        return tuple(dict.fromkeys(path for f in self.fingerprints for path in f.paths))


@cache
def table() -> Table:
    """Return the table shipped with Hygie."""
    raw = tomllib.loads((files("probes.web") / "products.toml").read_text(encoding="utf-8"))
    entries = tuple(
        Fingerprint(
            id=e["id"],
            name=e["name"],
            kind=ProductKind(e["kind"]),
            paths=tuple(e["paths"]),
            signs=tuple(map(_sign, e["signs"])),
            version=_sign(e["version"]) if "version" in e else None,
            support=e.get("support", ""),
        )
        for e in raw["product"]
    )
    return Table(dated=str(raw["dated"]), fingerprints=entries)


def _sign(text: str) -> Sign:
    place, _, pattern = text.partition(": ")
    return Sign(place=place, pattern=re.compile(pattern))


def recognised(path: str, answer: Answer, entries: Iterable[Fingerprint]) -> list[WebProduct]:
    """Return the products that an answer to ``path`` proves, one an id."""
    places = _places(answer)
    found: dict[str, WebProduct] = {}
    for entry in entries:
        if path != "/" and path not in entry.paths:
            continue
        matches = [sign.search(places) for sign in entry.signs]
        if entry.id in found or not all(matches):
            continue
        version = entry.version.search(places) if entry.version else None
        proof = next((m[0] for m in matches if m), "")
        found[entry.id] = WebProduct(
            id=entry.id,
            name=entry.name,
            kind=entry.kind,
            path=path,
            version=version[1] if version else "",
            support=entry.support,
            proof=" ".join(proof.split())[:120],
        )
    return list(found.values())


def _places(answer: Answer) -> dict[str, str]:
    text = answer.without_echo(answer.text[:_READ])
    places = {
        "title": pages.title(text),
        "body": text,
        "location": answer.header("location"),
        # Each name on its own: patterns are anchored.
        "cookie": "\n\n\n".join(cookie.name for cookie in pages.cookies(answer)),
    }
    for name, value in answer.headers:
        places.setdefault(f"header {name}", value)
    return places
