"""Health applications behind HTTP: DICOMweb and FHIR asked for what cannot exist, viewers and engines by their page."""

from __future__ import annotations

import asyncio
import re
import tomllib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import ClassVar

from probes.facts.services.answered import Access, ServiceAnswered, Talk, clipped
from probes.facts.services.health import HealthWebAnswered
from probes.interface import Reason
from probes.services import http
from probes.services.conversation import Call, UnspokenError
from probes.services.service import CutShortError, ServiceProbe, ServiceSettings

#: Identifiers that no study and no patient can bear: the UUID of all ones (RFC 9562 5.10), as a UID and as itself.
NO_STUDY = "2.25.340282366920938463463374607431768211455"
NO_PATIENT = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_STATEMENT = re.compile(rb'"resourceType"\s*:\s*"CapabilityStatement"')
#: A path as viewers and engines have it: no query, no other server.
_PLACE = re.compile(r"/(?!/)[\w./-]{1,100}")
#: After so many exchanges in a row that took nearly all of their patience an origin is left.
_ENDLESS, _ALL = 2, 0.9
_ACCESS = {200: Access.OPEN, 204: Access.OPEN, 401: Access.REQUIRED, 403: Access.REQUIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthWebSettings(ServiceSettings):
    """Where health applications are looked for, in clear and within TLS, and under which roots."""

    ports: tuple[int, ...] = (80, 8042, 8080, 8081, 443, 8443, 9443)
    encrypted: tuple[int, ...] = (443, 8443, 9443)
    dicomweb: tuple[str, ...] = ("/dicom-web", "/dcm4chee-arc/aets/DCM4CHEE/rs", "/wado-rs")
    fhir: tuple[str, ...] = ("/fhir", "/fhir/r4", "/hapi-fhir-jpaserver/fhir")


@cache
def _applications() -> tuple[Mapping[str, str | tuple[str, ...]], ...]:
    table = tomllib.loads((files("probes.services") / "health_web.toml").read_text())
    return tuple({**one, "words": tuple(one["words"])} for one in table["application"])


class _GivenUp(Exception):
    """The origin took all the time there was, again and again."""


class Origin:
    """One address asked again and again, as long as its answers come to their end."""

    def __init__(self, call: Call, *, encrypted: bool) -> None:
        self.call = call
        self._encrypted = encrypted
        self._endless = 0

    async def ask(self, path: str, accept: str = "application/json") -> http.HttpAnswer | None:
        """Return an answer, None when no HTTP comes back; raise ``_GivenUp`` once answers have not ended."""
        if self._endless >= _ENDLESS:
            raise _GivenUp
        clock = asyncio.get_running_loop().time
        began = clock()
        try:
            return await http.ask(self.call, path, encrypted=self._encrypted, accept=accept)
        except UnspokenError:
            return None
        finally:
            self._endless = self._endless + 1 if clock() - began > _ALL * self.call.patience else 0


class HealthWebProbe(ServiceProbe[HealthWebSettings]):
    """Sees whether records are served to anybody, without reading one."""

    name: ClassVar[str] = "health-web"
    Settings: ClassVar[type[HealthWebSettings]] = HealthWebSettings

    async def answers(self, call: Call) -> tuple[ServiceAnswered, ...]:
        """Read the first page, then ask each interface under its usual roots."""
        origin, found = Origin(call, encrypted=call.port in self.settings.encrypted), list[ServiceAnswered]()
        try:
            async for fact in self._interfaces(origin):
                found.append(fact)
        except _GivenUp:
            raise CutShortError(Reason.TIMED_OUT, "answers that do not end", found) from None
        return tuple(found)

    async def _interfaces(self, origin: Origin) -> AsyncIterator[HealthWebAnswered]:
        """Yield what the first page tells, then each interface that answers under its usual roots."""
        call, first = origin.call, await origin.ask("/")
        if first is None:
            return
        page, path = first, own_path(first) or "/"
        if path != "/":
            page = await origin.ask(path) or first
        for kind, name in _known(page):
            yield self._fact(call, kind, name, path, page.status)
        orthanc = await origin.ask("/system")
        if orthanc is not None and "DicomAet" in orthanc.json():
            version = clipped(str(orthanc.json().get("Version", "")))
            yield self._fact(call, "dicomweb", "Orthanc", "/system", orthanc.status, version=version)
        for root in self.settings.dicomweb:
            if (records := await self._dicomweb(origin, root)) is not None:
                yield records
        for root in self.settings.fhir:
            if (resources := await self._fhir(origin, root)) is not None:
                yield resources

    async def converse(self, call: Call) -> ServiceAnswered | None:
        """Return the first of the answers."""
        return next(iter(await self.answers(call)), None)

    def unspoken(self, call: Call, talk: Talk) -> ServiceAnswered | None:
        """Nothing is told by a port without HTTP."""
        return None

    async def _dicomweb(self, origin: Origin, root: str) -> HealthWebAnswered | None:
        path = f"{root}/studies?StudyInstanceUID={NO_STUDY}&limit=1"
        answer = await origin.ask(path, "application/dicom+json")
        if answer is None:
            return None
        typed = "dicom+json" in answer.headers.get("content-type", "")
        # Without records, an answer of the right type or none at all (204); behind a log-in, a refusal of this path.
        spoken = typed or (answer.status == 204 and await _distinguishes(origin, root))
        return self._fact(origin.call, "dicomweb", "DICOMweb", path, answer.status) if spoken else None

    async def _fhir(self, origin: Origin, root: str) -> HealthWebAnswered | None:
        statement = await origin.ask(f"{root}/metadata", "application/fhir+json")
        # A long statement is cut at our cap: its first bytes still say what it is.
        if statement is None or not _STATEMENT.search(statement.body[:2048]):
            return None
        path = f"{root}/Patient?_id={NO_PATIENT}&_summary=count"
        answer = await origin.ask(path, "application/fhir+json")
        status = answer.status if answer is not None else 0
        served = answer is not None and answer.json().get("resourceType") == "Bundle"
        access = Access.OPEN if served and status == 200 else _ACCESS.get(status, Access.UNKNOWN)
        access = Access.UNKNOWN if access is Access.OPEN and not served else access
        software = statement.json().get("software")
        product = clipped(str(software.get("name", ""))) if isinstance(software, dict) else ""
        return self._fact(origin.call, "fhir", product or "FHIR", path, status, access=access)

    def _fact(
        self, call: Call, protocol: str, product: str, path: str, status: int, *, access: Access | None = None,
        version: str = "",
    ) -> HealthWebAnswered:  # fmt: skip
        asked_of = {"pacs-viewer", "integration-engine"}
        usual = Access.UNKNOWN if protocol in asked_of else _ACCESS.get(status, Access.UNKNOWN)
        return HealthWebAnswered(
            address=str(call.address),
            protocol=protocol,
            talk=Talk.SPOKEN,
            access=access if access is not None else usual,
            product=product,
            version=version,
            encryption=call.port in self.settings.encrypted,
            path=path,
            status=status,
        )


def own_path(answer: http.HttpAnswer) -> str:
    """Return the path of the same server that an answer sends on to; "" when it sends nowhere, or elsewhere."""
    if answer.status not in {301, 302, 303, 307, 308}:
        return ""
    place = answer.headers.get("location", "")
    path = _PLACE.fullmatch(place if place.startswith("/") else f"/{place}")
    return path[0] if path else ""


def _known(answer: http.HttpAnswer) -> list[tuple[str, str]]:
    text = answer.body.decode("utf-8", "replace")
    found = [(str(a["kind"]), str(a["name"])) for a in _applications() if all(word in text for word in a["words"])]
    return list(dict.fromkeys(found))


async def _distinguishes(origin: Origin, root: str) -> bool:
    """Whether a path that no interface has is answered otherwise: some servers say 204 to everything."""
    answer = await origin.ask(f"{root}/hygie-no-such-path")
    return answer is not None and answer.status in {400, 404, 405}
