"""The web probe: the first page of an origin and how it is reached, products, Windows authentication, open files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from probes.facts.web import Cookie, Hop, WebOrigin
from probes.facts.web_products import WebProducts
from probes.interface import Asset, AssetKind, Fact, Line, Part, Probe, ProbeError, Reason, Shortfall, Sight, Yield
from probes.web import again, pages
from probes.web.again import Paths
from probes.web.fetch import Answer, fetch
from probes.web.files import open_files, security_text
from probes.web.methods import asked
from probes.web.missing import Missing, missing
from probes.web.origin import Origin
from probes.web.products import recognised, table
from probes.web.proofs import PATHS
from probes.web.windows import PATHS as WINDOWS_PATHS
from probes.web.windows import windows_authentication

_REDIRECTS = {301, 302, 303, 307, 308}
_TOO_MANY = 429


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Ports spoken to, in clear and over TLS; paths asked for open files and Windows authentication; whether products
    are looked for beyond the first page; seconds between two requests, at least and at the most; redirects followed."""

    clear_ports: tuple[int, ...] = (80, 8000, 8008, 8080, 8081, 8088, 8888, 5000, 3000, 9090)
    tls_ports: tuple[int, ...] = (443, 8443, 9443, 10443, 4443, 8006, 10000, 5001)
    paths: tuple[str, ...] = PATHS
    windows_paths: tuple[str, ...] = WINDOWS_PATHS
    products: bool = True
    pause: float = 0.05
    longest_pause: float = 1.0
    hops: int = 6
    most_addresses: int = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """A chain of redirects followed: what is told of each hop, and the answers themselves, the origin's own first."""

    hops: tuple[Hop, ...]
    answers: tuple[Answer, ...]

    def own_cookies(self) -> tuple[Cookie, ...]:
        """The cookies that the origin's own name set on the way; those of another site are its own business."""
        host = urlsplit(self.answers[0].url).hostname
        own = (answer for answer in self.answers if urlsplit(answer.url).hostname == host)
        return tuple(dict.fromkeys(cookie for answer in own for cookie in pages.cookies(answer)))


class WebProbe(Probe[WebSettings]):
    """Sees what a browser would, without following anything the mandate does not cover."""

    name: ClassVar[str] = "web"
    version: ClassVar[str] = "3"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[WebSettings]] = WebSettings

    def wants(self, asset: Asset) -> bool:
        """Web ports, at an address that answered."""
        ports = (*self.settings.clear_ports, *self.settings.tls_ports)
        return asset.transport == "tcp" and asset.port in ports and bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the origin, its products, Windows authentication, the files that lie open, and security.txt.

        Behind a name with several addresses stand several servers: the page of each is seen, the files of one.
        """
        async for sight in self._sights(asset, line, self._paths()):
            yield sight

    async def look_again(self, asset: Asset, line: Line, seen: Sequence[Fact]) -> AsyncIterator[Yield]:
        """Look at the first page again, and ask only the paths at which something was found."""
        async for sight in self._sights(asset, line, again.paths(self._paths(), seen)):
            yield again.whole(sight, seen) if isinstance(sight, Sight) else sight

    def _paths(self) -> Paths:
        products = table().paths if self.settings.products else ()
        return Paths(products=products, windows=self.settings.windows_paths, files=self.settings.paths)

    async def _sights(self, asset: Asset, line: Line, paths: Paths) -> AsyncIterator[Sight | Shortfall]:
        origins, failures = await self._origins(asset, line)
        if not origins:
            raise failures[0] if failures else ProbeError(Reason.UNREACHABLE, asset.name)
        for failure in failures:
            yield Shortfall(reason=failure.reason, detail=failure.detail)
        for origin, first in origins[1:]:
            chain, nowhere = await self._follow(origin, first), await missing(origin)
            yield Sight(fact=await _page(origin, chain, nowhere))
        origin, first = origins[0]
        chain, nowhere = await self._follow(origin, first), await missing(origin)
        yield Sight(fact=await _page(origin, chain, nowhere))
        yield Sight(fact=await _products(origin, first, chain.answers[-1], nowhere, paths.products))
        yield Sight(fact=await windows_authentication(origin, first, paths.windows))
        yield Sight(fact=await open_files(origin, first, paths.files, nowhere, of=len(self.settings.paths)))
        if origin.scheme == "https":
            yield Sight(fact=await security_text(origin, self._end))
        if (cut := origin.given_up) is not None:
            yield Shortfall(reason=cut.reason, detail=cut.detail)

    async def _origins(self, asset: Asset, line: Line) -> tuple[list[tuple[Origin, Answer]], list[ProbeError]]:
        """The addresses that answer, each with its first page, and why the others do not."""
        found, failures = [], []
        for address in asset.addresses[: self.settings.most_addresses]:
            origin = Origin(
                line=line,
                asset=asset,
                address=address,
                scheme="https" if asset.port in self.settings.tls_ports else "http",
                pause=self.settings.pause,
                longest_pause=self.settings.longest_pause,
            )
            try:
                first = await origin.ask("/")
                if first.status == _TOO_MANY:
                    raise ProbeError(Reason.RATE_LIMITED, f"{address} {first.url[:200]}")
                found.append((origin, first))
            except ProbeError as error:
                if error.reason is Reason.INTERRUPTED:
                    raise
                failures.append(error)
        return found, failures

    async def _end(self, origin: Origin, first: Answer) -> Answer:
        """The answer at the end of a chain of redirects."""
        return (await self._follow(origin, first)).answers[-1]

    async def _follow(self, origin: Origin, first: Answer) -> Chain:
        """Follow redirects hop by hop, each through the Line; stop where it refuses, or where a loop closes."""
        hops: list[Hop] = []
        answers, seen, answer = [first], {first.url}, first
        while True:
            location = answer.header("location") if answer.status in _REDIRECTS else ""
            target = _joined(answer.url, location) if location else ""
            more = bool(target) and target not in seen and len(hops) < self.settings.hops
            following = await self._next(origin, target) if more else None
            hops.append(Hop(url=answer.url, status=answer.status, location=location, followed=following is not None))
            if following is None:
                return Chain(hops=tuple(hops), answers=tuple(answers))
            seen.add(target)
            answers.append(following)
            answer = following

    async def _next(self, origin: Origin, target: str) -> Answer | None:
        """The answer at the end of one redirect, or None when it may not or cannot be had."""
        parts = urlsplit(target)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return None
        try:
            addresses = await _addresses(origin, parts.hostname)
            if not addresses:
                return None
            return await fetch(origin.line, addresses[0], target)
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return None


def _joined(base: str, location: str) -> str:
    try:
        target = urljoin(base, location)
        return target if urlsplit(target).port != 0 else ""
    except ValueError:
        return ""


async def _addresses(origin: Origin, host: str) -> tuple[str, ...]:
    if host.lower() == origin.asset.host.lower():
        return (origin.address,)
    try:
        return (str(ip_address(host)),)
    except ValueError:
        return tuple(map(str, await origin.line.resolve(host)))


async def _page(origin: Origin, chain: Chain, nowhere: Missing) -> WebOrigin:
    first, last = chain.answers[0], chain.answers[-1]
    whole = last.text if pages.is_html(last) else ""
    text = pages.without_comments(whole)
    secure = urlsplit(last.url).scheme == "https"
    beside = await asked(origin)
    return WebOrigin(
        scheme=origin.scheme,
        host=origin.asset.host,
        port=origin.asset.port or 0,
        address=origin.address,
        chain=chain.hops,
        own_headers=pages.without_secrets(first.headers),
        headers=pages.without_secrets(last.headers),
        cookies=chain.own_cookies(),
        html=pages.is_html(last),
        title=pages.title(text),
        reliable=not nowhere.soft,
        login_form=pages.asks_password(text),
        login_to_clear=pages.password_sent_to_clear(text, last.url),
        mixed_content=pages.mixed_content(text) if secure else (),
        authentication=pages.schemes(first),
        methods=beside.methods,
        trace_echoed=beside.traced,
        cors_origin=beside.cors_origin,
        cors_credentials=beside.cors_credentials,
        linked_hosts=pages.linked_hosts(whole, last.url),
        debug=next(filter(None, (pages.debug(answer.text) for answer in nowhere.answers)), ""),
        unpinned_scripts=pages.unpinned_scripts(text, last.url),
        unanswered=(*beside.unanswered, *(() if nowhere.answers else ("nowhere",))),
        own_policies=pages.policies(text),
        own_text=pages.short_text(first),
    )


async def _products(
    origin: Origin, first: Answer, last: Answer, nowhere: Missing, paths: tuple[str, ...]
) -> WebProducts:
    """The products that the first pages prove, then those of the table's own paths."""
    known, unanswered = table(), []
    # What a redirect led to elsewhere is not this origin's.
    own = [last, first] if urlsplit(last.url).hostname == urlsplit(first.url).hostname else [first]
    found = {p.id: p for answer in own for p in recognised("/", answer, known.fingerprints)}
    for path in paths:
        answer = await origin.attempt(path)
        if answer is None:
            unanswered.append(path)
            continue
        if nowhere.like(answer):
            continue
        for product in recognised(path, answer, known.fingerprints):
            kept = found.get(product.id)
            if kept is None or (product.version and not kept.version):
                found[product.id] = product
    return WebProducts(
        products=tuple(sorted(found.values(), key=lambda p: p.id)),
        unanswered=tuple(unanswered),
        reliable=True,
        table=known.dated,
    )
