"""A web origin as the rules read it: its products with their support, and what links it to the house."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from probes.facts.web import WebOrigin
from probes.facts.web_products import WebProduct, WebProducts, WebWindowsAuthentication
from probes.interface import AssetKind, Fact, Observation, Status, canonical_name
from rules.interface import Unseen, View, view
from rules.subject import Feed, Record
from rules.support import Support, maintained, software_support, support_feed

#: Products that banners name, by their name in the feed.
_BANNERS = (
    ("apache-http-server", re.compile(r"\bApache/(\d{1,2}\.\d{1,3})\b")),
    ("nginx", re.compile(r"\bnginx/(\d{1,2}\.\d{1,3})\b")),
    ("php", re.compile(r"\bPHP/(\d{1,2}\.\d{1,3})\b")),
    ("openssl", re.compile(r"\bOpenSSL/(\d{1,2}\.\d{1,3}\.\d{1,3})")),
    ("eclipse-jetty", re.compile(r"\bJetty\((\d{1,2}\.\d{1,3})")),
    ("tomcat", re.compile(r"\bTomcat/(\d{1,2}\.\d{1,3})")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Software:
    """A product with the version that an origin told. ``support`` is None when the feed does not know it.

    ``banner`` tells a version read in a header, which a distribution may maintain longer than its author.
    """

    product: str
    version: str
    support: Support | None
    banner: bool
    maintained: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WebView(View):
    """One origin. ``feed`` is False when no end-of-support data fresh enough is at hand.

    ``declared`` tells whether a person declared this host; ``audited`` are the DNS names of the audited directories.
    """

    products: tuple[WebProduct, ...]
    reliable: bool
    unanswered: tuple[str, ...]
    software: tuple[Software, ...]
    feed: bool
    windows: WebWindowsAuthentication | None
    declared: bool
    audited: frozenset[str]


@view(WebView)
def web_origins(record: Record) -> Iterable[WebView | Unseen]:
    """One view an origin that answered; one that did not is unseen."""
    by_asset: dict[str, list[Observation[Fact]]] = {}
    for observation in record.observations:
        if observation.fact.seen_by == WebProducts.seen_by:
            by_asset.setdefault(observation.asset.id, []).append(observation)
    declared = _declared(record)
    audited = frozenset(a.name.lower() for a in record.assets if a.kind in {AssetKind.AD_DOMAIN, AssetKind.FOREST})
    for id in sorted(by_asset):
        seen = by_asset[id]
        products = next((o.fact for o in seen if isinstance(o.fact, WebProducts)), None)
        if products is not None:
            yield _built(record, seen, products, declared, audited)
    assets = {a.id: a for a in record.assets}
    for attempt in record.attempts:
        probe = attempt.probe.partition("@")[0]
        if probe == WebProducts.seen_by and attempt.status is not Status.COMPLETED and attempt.asset not in by_asset:
            asset = assets.get(attempt.asset)
            if asset is not None:
                vantage = record.scan.parts[0].vantage
                yield Unseen(asset=asset, seen_at=attempt.ended_at, vantage=vantage, reason=attempt.reason.value)


def _declared(record: Record) -> frozenset[str]:
    scope = record.scan.mandate.scope
    names = (*record.scan.perimeter.hosts, *(h.name for h in scope.hosted), *scope.domains)
    return frozenset(map(canonical_name, names))


def _built(
    record: Record,
    seen: list[Observation[Fact]],
    products: WebProducts,
    declared: frozenset[str],
    audited: frozenset[str],
) -> WebView:
    at = max(o.seen_at for o in seen)
    feed = support_feed(record, at)
    origin = next((o.fact for o in seen if isinstance(o.fact, WebOrigin)), None)
    return WebView(
        asset=seen[0].asset,
        seen_at=at,
        vantage=seen[0].vantage,
        evidence=tuple(sorted(o.id for o in seen)),
        products=products.products,
        reliable=products.reliable,
        unanswered=products.unanswered,
        software=tuple(_software(feed, products, origin, at)),
        feed=feed is not None,
        windows=next((o.fact for o in seen if isinstance(o.fact, WebWindowsAuthentication)), None),
        declared=canonical_name(seen[0].asset.host) in declared,
        audited=audited,
    )


def _software(feed: Feed | None, products: WebProducts, origin: WebOrigin | None, at: datetime) -> Iterator[Software]:
    for product in products.products:
        if product.version and product.support:
            version = _exchange(product.version) if product.support == "msexchange" else product.version
            support = software_support(feed, product.support, version) if feed else None
            yield Software(product=product.name, version=product.version, support=support, banner=False)
    for product_name, version, corrected in _banners(origin) if origin else ():
        support = software_support(feed, product_name, version) if feed else None
        yield Software(product=product_name, version=version, support=support, banner=True, maintained=corrected)


def _banners(origin: WebOrigin) -> Iterator[tuple[str, str, bool]]:
    told: dict[tuple[str, str], bool] = {}
    for name, value in (*origin.own_headers, *origin.headers):
        if name in {"server", "x-powered-by"}:
            for product, pattern in _BANNERS:
                if found := pattern.search(value):
                    told.setdefault((product, found[1]), maintained(value))
    for (product, version), corrected in sorted(told.items()):
        yield product, version, corrected


def _exchange(build: str) -> str:
    """The generation of an Exchange by its build; 15.2 is 2019, and from 15.2.2562 on Subscription Edition."""
    major, minor, number = (*(int(n) for n in build.split(".")), 0, 0)[:3]
    if (major, minor) == (15, 2):
        return "subscription" if number >= 2562 else "2019"
    by_build = {(15, 1): "2016", (15, 0): "2013", (14, 0): "2010", (14, 3): "2010", (8, 3): "2007"}
    return by_build.get((major, minor), {14: "2010", 8: "2007", 6: "2003"}.get(major, build))
