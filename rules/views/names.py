"""Names as the rules read them: aliases with the provider behind, and the names of a domain that nobody declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from probes.facts.discovery import NamesFound
from probes.facts.dns import AliasTarget
from probes.facts.web import WebOrigin
from probes.interface import Asset, AssetKind, FoundIn, canonical_name
from rules.interface import Unseen, View, view
from rules.subject import Feed, Record

FEED = "alias-providers"
#: A name that the domain's own working needs is no surprise: its name servers and mail exchangers.
_WORKING = {FoundIn.NS, FoundIn.SOA, FoundIn.MX}


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider behind a target's suffix. ``claimable`` tells whether a name given up can be had by anybody.

    ``page`` is the title of its page for a site that nobody has, where its names always exist.
    """

    service: str
    claimable: bool
    page: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasView(View):
    """An alias and its end; ``provider`` is None when the table does not know it, ``table`` whether there is one.

    ``titles`` are those of the pages that the alias was seen to answer by itself.
    """

    target: AliasTarget
    provider: Provider | None
    table: bool
    titles: tuple[str, ...] = ()


@view(AliasView)
def aliases(record: Record) -> Iterable[AliasView | Unseen]:
    """One view an alias seen."""
    pages = [(o.asset.host, o.fact) for o in record.observations if isinstance(o.fact, WebOrigin)]
    for seen in record.observations:
        if isinstance(seen.fact, AliasTarget):
            own = {page.title for host, page in pages if host == seen.asset.name and len(page.chain) == 1}
            feed = _fresh(record, seen.seen_at)
            yield AliasView(
                asset=seen.asset,
                seen_at=seen.seen_at,
                vantage=seen.vantage,
                evidence=(seen.id,),
                target=seen.fact,
                provider=_provider(feed, seen.fact.target) if feed else None,
                table=feed is not None,
                titles=tuple(sorted(own)),
            )


def _fresh(record: Record, at: datetime) -> Feed | None:
    feed = record.feeds.get(FEED)
    return feed if feed and (at.date() - feed.dated).days <= feed.maximum_age_days else None


def _provider(feed: Feed, target: str) -> Provider | None:
    """The provider of the longest suffix that the target ends with."""
    name = "." + canonical_name(target)
    known = [p for p in feed.data.get("providers", ()) if name.endswith("." + p["suffix"])]
    best = max(known, key=lambda p: len(p["suffix"]), default=None)
    if best is None:
        return None
    return Provider(service=str(best["service"]), claimable=best["claimable"] is True, page=str(best.get("page", "")))


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryView(View):
    """The hosts with addresses under a declared domain that no one declared, with where each was found.

    ``whole`` is False when the search left names that could not be told.
    """

    undeclared: tuple[Asset, ...]
    whole: bool


@view(InventoryView)
def inventories(record: Record) -> Iterable[InventoryView | Unseen]:
    """One view a domain that was searched."""
    scope = record.scan.mandate.scope
    declared = {*record.scan.perimeter.hosts, *(h.name for h in scope.hosted), *scope.domains}
    declared = set(map(canonical_name, declared))
    hosts = [a for a in record.assets if a.kind is AssetKind.HOST and a.addresses and a.name not in declared]
    for seen in record.observations:
        if isinstance(seen.fact, NamesFound) and seen.asset.name in declared:
            below = [a for a in hosts if a.name.endswith("." + seen.asset.name) and a.found_in not in _WORKING]
            yield InventoryView(
                asset=seen.asset,
                seen_at=seen.seen_at,
                vantage=seen.vantage,
                evidence=(seen.id,),
                undeclared=tuple(sorted(below, key=lambda a: a.name)),
                whole=not seen.fact.unanswered,
            )
