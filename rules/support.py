"""Until when a product is supported, read from the feed of ends of support; what the feed does not tell is None."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from rules.subject import Feed, Record

FEED = "end-of-support"
_SERVER_YEAR = re.compile(r"\bserver\W*\s(20\d\d)( r2)?\b|\b(2000) server\b")
_CLIENT = re.compile(r"\bwindows\W*\s(11|10|8\.1|8|7|vista|xp)\b")
_BUILD = re.compile(r"\((\d{3,6})\)|\.(\d{4,6})$")
#: Cycles of old systems in the feed, by the word that Windows writes.
_CLIENT_CYCLE = {"8.1": "8.1", "8": "8", "7": "7-sp1", "vista": "6-sp2", "xp": "5-sp3"}
_SERVER_CYCLE = {"2008 r2": "2008-r2-sp1", "2008": "2008-sp2", "2003": "2003-sp2", "2003 r2": "2003-sp2"}
#: What a distribution writes beside a version that it corrects by itself.
_DISTRIBUTION = re.compile(
    r"\b(?:Debian|CentOS|Red Hat|Rocky|AlmaLinux|Fedora|SUSE)\b|\(Unix\)|Ubuntu|deb\d|\.el\d", re.I
)
#: Words of the editions with the longer support, in French and in English.
_LONG_EDITIONS = ("enterprise", "education", "entreprise", "éducation")


@dataclass(frozen=True, slots=True, kw_only=True)
class Support:
    """The support of one cycle of a product.

    ``end`` is the last day, None when no end is announced; ``extended`` the last day of a paid extension;
    ``ended`` is True when the feed says that support is over without telling the day.
    """

    product: str
    cycle: str
    end: date | None
    extended: date | None = None
    ended: bool = False

    def over(self, at: datetime) -> bool:
        """Tell whether ordinary support had ended at an instant; a paid extension is not known to be bought."""
        return self.ended or (self.end is not None and self.end < at.date())


def support_feed(record: Record, at: datetime) -> Feed | None:
    """Return the feed when the record holds one that is fresh enough at an instant."""
    feed = record.feeds.get(FEED)
    if feed is None or (at.date() - feed.dated).days > feed.maximum_age_days:
        return None
    return feed


def windows_support(feed: Feed, system: str, version: str) -> Support | None:
    """Return the support of a Windows by ``operatingSystem`` and ``operatingSystemVersion``, as AD holds them."""
    text = system.lower().replace("\u00a0", " ").replace("®", "").replace("™", "")
    if "windows" not in text:
        return None
    server = "server" in text or "serveur" in text
    product = "windows-server" if server else "windows"
    cycles: Mapping[str, Any] = feed.data.get("products", {}).get(product, {})
    cycle = _server_cycle(text, version, cycles) if server else _client_cycle(text, version, cycles)
    return _support(product, cycle, cycles) if cycle else None


def software_support(feed: Feed, product: str, version: str) -> Support | None:
    """Return the support of a product's version by the longest cycle that it begins with."""
    cycles: Mapping[str, Any] = feed.data.get("products", {}).get(product, {})
    text = version.lower().strip()
    for end in range(len(text), 0, -1):
        inside_a_number = text[end - 1].isdigit() and text[end : end + 1].isdigit()
        if not inside_a_number and text[:end] in cycles:
            return _support(product, text[:end], cycles)
    return None


def newest_support(feed: Feed, product: str, version: str) -> Support | None:
    """Return the support of a version whose service packs are told apart: of the pack supported the longest."""
    plain = software_support(feed, product, version)
    if plain is None:
        return None
    cycles: Mapping[str, Any] = feed.data.get("products", {}).get(product, {})
    packs = (_support(product, cycle, cycles) for cycle in cycles if cycle.startswith(f"{plain.cycle}-"))
    return max((plain, *(pack for pack in packs if pack)), key=lambda s: date.min if s.ended else s.end or date.max)


def maintained(text: str) -> bool:
    """Tell whether what was said beside a version names a distribution, which may correct it longer than its author."""
    return _DISTRIBUTION.search(text) is not None


def _support(product: str, cycle: str, cycles: Mapping[str, Any]) -> Support | None:
    told = cycles.get(cycle)
    if told is None:
        return None
    end, extended = told.get("end"), told.get("extended")
    return Support(
        product=product,
        cycle=cycle,
        end=date.fromisoformat(end) if end else None,
        extended=date.fromisoformat(extended) if extended else None,
        ended=bool(told.get("ended", False)),
    )


def _build(version: str) -> int | None:
    found = _BUILD.search(version.strip())
    return int(found.group(1) or found.group(2)) if found else None


def _server_cycle(text: str, version: str, cycles: Mapping[str, Any]) -> str:
    found = _SERVER_YEAR.search(text)
    if found:
        year = f"{found.group(1)}{found.group(2) or ''}" if found.group(1) else found.group(3)
        return _SERVER_CYCLE.get(year, year.replace(" ", "-"))
    # Semi-annual and annual channels write no year: their build tells.
    build = _build(version)
    return next((c for c, told in cycles.items() if told.get("build") == build and c.endswith(("-sac", "-ac"))), "")


def _client_cycle(text: str, version: str, cycles: Mapping[str, Any]) -> str:
    found = _CLIENT.search(text)
    if not found:
        return ""
    name = found.group(1)
    if name in _CLIENT_CYCLE:
        return _CLIENT_CYCLE[name]
    # Windows 11 calls itself 10 in some directories: the build decides.
    build = _build(version)
    same = [cycle for cycle, told in cycles.items() if told.get("build") == build]
    return next((cycle for wanted in _editions(text) for cycle in same if _is_edition(cycle, wanted)), "")


def _editions(text: str) -> tuple[str, ...]:
    """The suffixes of the feed's cycles that an edition may be told under, best first."""
    if "ltsc" in text or "ltsb" in text:
        return ("-iot-lts", "-e-lts") if "iot" in text else ("-e-lts",)
    long = any(word in text for word in _LONG_EDITIONS)
    return ("-e", "") if long else ("-w", "")


def _is_edition(cycle: str, suffix: str) -> bool:
    if suffix:
        return cycle.endswith(suffix)
    return not cycle.endswith(("-e", "-w", "-lts", "-iot"))
