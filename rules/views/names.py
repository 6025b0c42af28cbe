"""Names as the rules read them: aliases with the provider behind, and the names of a domain that nobody declared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

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
class Unclaimed:
    """How a provider answers for a site that nobody has, where its names always exist; what is empty is not told.

    ``title`` is the page's, ``text`` what it says, ``status`` the answer's, ``location`` where it sends.
    """

    title: str = ""
    text: tuple[str, ...] = ()
    status: int = 0
    location: str = ""

    def __bool__(self) -> bool:
        return bool(self.title or self.text or self.location)


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A provider behind a target's suffix. ``claimable`` tells whether a name given up can be had by anybody.

    ``edge`` tells that a name which nobody has cannot always be had, so that its page is no more than a sign.
    """

    service: str
    claimable: bool
    unclaimed: Unclaimed = Unclaimed()
    edge: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the alias itself answered: the title is "" where it sent on to another page."""

    status: int
    title: str
    text: str
    location: str

    def says(self, unclaimed: Unclaimed) -> bool:
        """Tell whether it says what the provider's page does, whatever its status."""
        told = [
            not unclaimed.title or unclaimed.title == self.title,
            all(part.lower() in self.text.lower() for part in unclaimed.text),
            unclaimed.location in self.location,
        ]
        return all(told)


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasView(View):
    """An alias and its end; ``table`` tells whether there is a table of providers.

    ``provider`` is that of the end, or the first on the way that answers for sites nobody has; None when the table
    knows none. ``pages`` are what the alias was seen to answer by itself.
    """

    target: AliasTarget
    provider: Provider | None
    table: bool
    pages: tuple[Page, ...] = ()


@view(AliasView)
def aliases(record: Record) -> Iterable[AliasView | Unseen]:
    """One view an alias seen."""
    origins = [(o.asset.host, o.fact) for o in record.observations if isinstance(o.fact, WebOrigin)]
    for seen in record.observations:
        if isinstance(seen.fact, AliasTarget):
            feed = _fresh(record, seen.seen_at)
            yield AliasView(
                asset=seen.asset,
                seen_at=seen.seen_at,
                vantage=seen.vantage,
                evidence=(seen.id,),
                target=seen.fact,
                provider=_of_chain(feed, seen.fact) if feed else None,
                table=feed is not None,
                pages=tuple(_page(origin) for host, origin in origins if host == seen.asset.name),
            )


def _page(origin: WebOrigin) -> Page:
    own = origin.chain[0]
    title = origin.title if len(origin.chain) == 1 else ""
    return Page(status=own.status, title=title, text=origin.own_text, location=own.location)


def _fresh(record: Record, at: datetime) -> Feed | None:
    feed = record.feeds.get(FEED)
    return feed if feed and (at.date() - feed.dated).days <= feed.maximum_age_days else None


def _of_chain(feed: Feed, alias: AliasTarget) -> Provider | None:
    """The provider of a chain: a name that does not exist has that of its end, whatever led there."""
    end = _provider(feed, alias.target)
    if alias.nonexistent:
        return end
    passed = (_provider(feed, name) for name in alias.chain)
    return next((p for p in passed if p is not None and p.unclaimed), end)


def _provider(feed: Feed, target: str) -> Provider | None:
    """The provider of the longest suffix that the target ends with."""
    labels = canonical_name(target).split(".")
    known = [p for p in feed.data.get("providers", ()) if _ends(labels, p["suffix"].split("."))]
    best = max(known, key=lambda p: (p["suffix"].count("."), len(p["suffix"])), default=None)
    if best is None:
        return None
    text = best.get("text", ())
    return Provider(
        service=str(best["service"]),
        claimable=best["claimable"] is True,
        unclaimed=Unclaimed(
            title=str(best.get("page", "")),
            text=(text,) if isinstance(text, str) else tuple(map(str, text)),
            status=int(best.get("status", 0)),
            location=str(best.get("location", "")),
        ),
        edge=best.get("edge") is True,
    )


def _ends(labels: list[str], suffix: list[str]) -> bool:
    """Whether a name lies beneath a suffix, each of whose labels is a pattern as file names have them."""
    own = labels[-len(suffix) :]
    return len(labels) > len(suffix) and all(fnmatchcase(label, part) for label, part in zip(own, suffix, strict=True))


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
