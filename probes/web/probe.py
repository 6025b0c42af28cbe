"""The web probe: the first page of an origin and how it is reached, then paths that should not answer."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from ipaddress import ip_address
from typing import ClassVar
from urllib.parse import urljoin, urlsplit

from probes.facts.web import Hop, Proof, SecurityText, WebFiles, WebOrigin
from probes.interface import (
    MANDATED,
    Asset,
    AssetKind,
    Line,
    Part,
    Probe,
    ProbeError,
    Reason,
    Sight,
    Yield,
)
from probes.web import pages
from probes.web.fetch import Answer, fetch

_REDIRECTS = {301, 302, 303, 307, 308}
#: Paths whose content alone can prove something; each is asked once.
PATHS = (
    "/.git/HEAD", "/.svn/wc.db", "/.env", "/backup.zip", "/backup.sql", "/dump.sql", "/index.php.bak",
    "/phpinfo.php", "/info.php", "/server-status", "/actuator", "/.DS_Store", "/swagger.json", "/openapi.json",
    "/v2/api-docs", "/uploads/", "/backup/", "/images/",
)  # fmt: skip
#: Share of the paths that "exist" from which on an origin is no longer believed, and the fewest for it.
_TOO_MANY, _AT_LEAST = 0.3, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """Ports spoken to, in clear and over TLS; paths asked; the name Hygie gives; seconds between two requests."""

    clear_ports: tuple[int, ...] = (80, 8000, 8008, 8080, 8081, 8088, 8888, 5000, 3000, 9090)
    tls_ports: tuple[int, ...] = (443, 8443, 9443, 10443, 4443, 8006, 10000, 5001)
    paths: tuple[str, ...] = PATHS
    user_agent: str = "Hygie/0.1 (audit mandaté par l'établissement)"
    pause: float = 1.0
    hops: int = 6


class WebProbe(Probe[WebSettings]):
    """Sees what a browser would, without following anything the mandate does not cover."""

    name: ClassVar[str] = "web"
    version: ClassVar[str] = "1"
    level: ClassVar[int] = 2
    part: ClassVar[Part] = Part.EXPOSURE
    looks_at: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})
    Settings: ClassVar[type[WebSettings]] = WebSettings

    def wants(self, asset: Asset) -> bool:
        """Web ports, at an address that answered."""
        ports = (*self.settings.clear_ports, *self.settings.tls_ports)
        return asset.transport == "tcp" and asset.port in ports and bool(asset.addresses)

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the origin, the files that lie open, and security.txt."""
        scheme = "https" if asset.port in self.settings.tls_ports else "http"
        base = f"{scheme}://{_bracketed(asset.host)}:{asset.port}"
        address = asset.addresses[0]
        first = await self._fetch(line, address, f"{base}/")
        chain, last = await self._follow(line, asset, first)
        missing = await self._missing(line, address, base)
        yield Sight(fact=await self._origin(line, asset, chain, first, last, missing))
        files = await self._files(line, address, base, missing)
        yield Sight(fact=files)
        yield Sight(fact=await self._security_text(line, address, base))

    async def _fetch(
        self, line: Line, address: str, url: str, method: str = "GET", headers: tuple[tuple[str, str], ...] = ()
    ) -> Answer:
        return await fetch(line, address, url, agent=self.settings.user_agent, method=method, headers=headers)

    async def _follow(self, line: Line, asset: Asset, first: Answer) -> tuple[tuple[Hop, ...], Answer]:
        """Follow redirects hop by hop, each through the Line; stop where it refuses, or where a loop closes."""
        hops: list[Hop] = []
        seen, answer = {first.url}, first
        while True:
            location = answer.header("location") if answer.status in _REDIRECTS else ""
            target = urljoin(answer.url, location) if location else ""
            more = bool(target) and target not in seen and len(hops) < self.settings.hops
            following = await self._next(line, asset, target) if more else None
            hops.append(Hop(url=answer.url, status=answer.status, location=location, followed=following is not None))
            if following is None:
                return tuple(hops), answer
            seen.add(target)
            answer = following

    async def _next(self, line: Line, asset: Asset, target: str) -> Answer | None:
        """The answer at the end of one redirect, or None when it may not or cannot be had."""
        parts = urlsplit(target)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            return None
        try:
            addresses = await self._addresses(line, asset, parts.hostname)
            return await self._fetch(line, addresses[0], target) if addresses else None
        except ProbeError:
            return None

    async def _addresses(self, line: Line, asset: Asset, host: str) -> tuple[str, ...]:
        if host.lower() == asset.host.lower():
            return asset.addresses
        try:
            return (str(ip_address(host)),)
        except ValueError:
            return tuple(map(str, await line.resolve(host)))

    async def _missing(self, line: Line, address: str, base: str) -> tuple[Answer, ...]:
        """What the origin answers where nothing can be."""
        token = secrets.token_hex(8)
        answers = []
        for path in (f"/{token}", f"/{token}.php", f"/{token}/"):
            await asyncio.sleep(self.settings.pause)
            try:
                answers.append(await self._fetch(line, address, base + path))
            except ProbeError as error:
                _unless_ours(error)
        return tuple(answers)

    async def _origin(
        self,
        line: Line,
        asset: Asset,
        chain: tuple[Hop, ...],
        first: Answer,
        last: Answer,
        missing: tuple[Answer, ...],
    ) -> WebOrigin:
        text = last.text if pages.is_html(last) else ""
        own = urlsplit(first.url)
        secure = urlsplit(last.url).scheme == "https"
        methods, traced, cors = await self._methods(line, asset.addresses[0], first.url)
        return WebOrigin(
            scheme=own.scheme,
            host=asset.host,
            port=asset.port or 0,
            address=asset.addresses[0],
            chain=chain,
            own_headers=first.headers,
            headers=last.headers,
            cookies=tuple(dict.fromkeys((*pages.cookies(first), *pages.cookies(last)))),
            html=pages.is_html(last),
            title=pages.title(text),
            reliable=not any(answer.status == 200 for answer in missing),
            login_form=pages.asks_password(text),
            login_to_clear=pages.password_sent_to_clear(text, last.url),
            mixed_content=pages.mixed_content(text) if secure else (),
            authentication=tuple(
                sorted({v.split(None, 1)[0].strip(",").lower() for v in first.every("www-authenticate") if v.strip()})
            ),
            methods=methods,
            trace_echoed=traced,
            cors_origin=cors[0],
            cors_credentials=cors[1],
            linked_hosts=pages.linked_hosts(text, last.url),
        )

    async def _methods(self, line: Line, address: str, url: str) -> tuple[tuple[str, ...], bool, tuple[str, bool]]:
        """The methods advertised, whether TRACE is echoed, and what an unknown origin is allowed (CORS)."""
        token = secrets.token_hex(8)
        allowed, traced, cors = "", False, ("", False)
        await asyncio.sleep(self.settings.pause)
        try:
            stranger = f"https://{token}.example"
            answer = await self._fetch(line, address, url, "OPTIONS", (("Origin", stranger),))
            allowed = answer.header("allow")
            origin = answer.header("access-control-allow-origin")
            credentials = answer.header("access-control-allow-credentials").lower() == "true"
            cors = ("reflected" if origin == stranger else origin[:200], credentials)
            answer = await self._fetch(line, address, url, "TRACE", (("X-Hygie", token),))
            traced = answer.status == 200 and token in answer.text
        except ProbeError as error:
            _unless_ours(error)
        names = sorted({m.strip().upper() for m in allowed.split(",") if re.fullmatch(r"\s*[A-Za-z]{2,20}\s*", m)})
        return tuple(names), traced, cors

    async def _files(self, line: Line, address: str, base: str, missing: tuple[Answer, ...]) -> WebFiles:
        proofs: list[Proof] = []
        answered, unanswered = 0, []
        for path in self.settings.paths:
            await asyncio.sleep(self.settings.pause)
            try:
                answer = await self._fetch(line, address, base + path)
            except ProbeError as error:
                _unless_ours(error)
                unanswered.append(path)
                continue
            answered += answer.status == 200
            found = pages.proof(path, answer)
            if found is not None:
                proofs.append(found)
        everything = answered >= max(_AT_LEAST, _TOO_MANY * len(self.settings.paths))
        soft = any(answer.status == 200 for answer in missing)
        return WebFiles(
            asked=self.settings.paths,
            unanswered=tuple(unanswered),
            proofs=tuple(proofs),
            reliable=not soft and not everything,
        )

    async def _security_text(self, line: Line, address: str, base: str) -> SecurityText:
        await asyncio.sleep(self.settings.pause)
        try:
            answer = await self._fetch(line, address, f"{base}/.well-known/security.txt")
        except ProbeError as error:
            _unless_ours(error)
            return SecurityText(state="unknown")
        fields = re.findall(r"^(Contact|Expires)\s*:\s*(\S.{0,300}?)\s*$", answer.text, re.M | re.I)
        contact = tuple(value for name, value in fields if name.lower() == "contact")
        if answer.status in {404, 410} or (answer.status == 200 and not contact):
            return SecurityText(state="absent")
        if answer.status != 200:
            return SecurityText(state="unknown")
        expires = next((value for name, value in fields if name.lower() == "expires"), "")
        return SecurityText(state="present", contact=contact, expires=expires)


def _unless_ours(error: ProbeError) -> None:
    """Raise again what the mandate or the stop button decided; the rest is the origin's silence on one path."""
    if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
        raise error


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
