"""What runs behind a service, as it says itself or as nmap matched it, with the support of its version."""

from __future__ import annotations

import re
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from probes.facts.services.answered import ServiceAnswered, Talk
from probes.facts.services.remote import FtpAnswered
from probes.facts.services.version import ServiceVersion
from probes.interface import Fact, Observation
from rules.interface import Unseen, View, view
from rules.subject import Feed, Record
from rules.support import Support, maintained, newest_support, support_feed

_CPE = re.compile(r"cpe:/a:([^:]{1,80}):([^:]{1,80})(?::([^:]{1,80}))?")
#: A version, without the replication prefix of MariaDB or the "v" of Kubernetes; a range or a guess is none.
_VERSION = re.compile(r"(?:5\.5\.5-|v)?(\d{1,4}(?:\.\d{1,5}){1,3})(?![\d.]*x)")
_GUESS = re.compile(r" - | or |or later|or earlier|\bto\b", re.I)
_PROFTPD = re.compile(r"\bProFTPD (\d\.\d\.\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A product with its version; ``support`` is None when the feed does not know that version.

    ``guessed`` tells a match of nmap; ``maintained`` that a distribution, which names itself, may still correct it.
    """

    product: str
    version: str
    support: Support | None
    guessed: bool
    maintained: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareView(View):
    """The products of one service; ``feed`` is False when no end-of-support data fresh enough is at hand."""

    running: tuple[Running, ...]
    feed: bool


@view(SoftwareView)
def software(record: Record) -> Iterable[SoftwareView | Unseen]:
    """One view a service that told, or of which nmap made out, a product whose support the feed could tell."""
    by_asset: dict[str, list[Observation[Fact]]] = defaultdict(list)
    for observation in record.observations:
        if isinstance(observation.fact, (ServiceAnswered, ServiceVersion)):
            by_asset[observation.asset.id].append(observation)
    for id in sorted(by_asset):
        seen = by_asset[id]
        at = max(o.seen_at for o in seen)
        feed = support_feed(record, at)
        told = {(o.id, running) for o in seen for running in _running(o.fact, feed)}
        if told:
            yield SoftwareView(
                asset=seen[0].asset,
                seen_at=at,
                vantage=seen[0].vantage,
                evidence=tuple(sorted({observation for observation, _ in told})),
                running=tuple(sorted({running for _, running in told}, key=lambda r: (r.product, r.version))),
                feed=feed is not None,
            )


def _running(fact: Fact, feed: Feed | None) -> Iterator[Running]:
    for name, version, words, guessed in _named(fact):
        number = _VERSION.match(version)
        if number is None or _GUESS.search(version):
            continue
        yield Running(
            product=name,
            version=number[1],
            support=newest_support(feed, name, number[1]) if feed else None,
            guessed=guessed,
            maintained=maintained(words),
        )


def _named(fact: Fact) -> Iterator[tuple[str, str, str, bool]]:
    """The feed's product, the version, all that was said, and whether nmap said it."""
    if isinstance(fact, ServiceVersion):
        cpe = _CPE.match(fact.cpe)
        name = _names()["cpe"].get(f"{cpe[1]}:{cpe[2]}") if cpe else None
        if cpe and name:
            words = f"{fact.product} {fact.version} {fact.extra}"
            yield name, fact.version or cpe[3] or "", words, True
    elif isinstance(fact, ServiceAnswered) and fact.talk is Talk.SPOKEN:
        if name := _names()["own"].get(fact.product):
            yield name, fact.version, fact.version, False
        if isinstance(fact, FtpAnswered) and (found := _PROFTPD.search(fact.product)):
            yield "proftpd", found[1], fact.product, False


@cache
def _names() -> Mapping[str, Mapping[str, str]]:
    names: Mapping[str, Mapping[str, str]] = tomllib.loads(
        (files("rules.profiles") / "product-names.toml").read_text("utf-8")
    )
    return names
