"""Health applications behind HTTP: DICOMweb and FHIR asked for what cannot exist, viewers and engines by their page."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import ClassVar

from probes.facts.services.answered import Access, ServiceAnswered, Talk, clipped
from probes.facts.services.health import HealthWebAnswered
from probes.services import http
from probes.services.conversation import Call, UnspokenError
from probes.services.service import ServiceProbe, ServiceSettings

#: Identifiers that no study and no patient can bear: the UUID of all ones (RFC 9562 5.10), as a UID and as itself.
NO_STUDY = "2.25.340282366920938463463374607431768211455"
NO_PATIENT = "ffffffff-ffff-ffff-ffff-ffffffffffff"
_STATEMENT = re.compile(rb'"resourceType"\s*:\s*"CapabilityStatement"')
#: A path as viewers and engines have it: no query, no other server.
_PLACE = re.compile(r"/(?!/)[\w./-]{1,100}")
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


class HealthWebProbe(ServiceProbe[HealthWebSettings]):
    """Sees whether records are served to anybody, without reading one."""

    name: ClassVar[str] = "health-web"
    Settings: ClassVar[type[HealthWebSettings]] = HealthWebSettings

    async def answers(self, call: Call) -> tuple[ServiceAnswered, ...]:
        """Read the first page, then ask each interface under its usual roots."""
        encrypted = call.port in self.settings.encrypted
        try:
            first = await http.ask(call, "/", encrypted=encrypted)
        except UnspokenError:
            return ()
        page, path = first, own_path(first) or "/"
        if path != "/":
            page = await _asked(call, path, encrypted) or first
        found = [self._fact(call, kind, name, path, page.status) for kind, name in _known(page)]
        orthanc = await _asked(call, "/system", encrypted)
        if orthanc is not None and "DicomAet" in orthanc.json():
            version = clipped(str(orthanc.json().get("Version", "")))
            found.append(self._fact(call, "dicomweb", "Orthanc", "/system", orthanc.status, version=version))
        for root in self.settings.dicomweb:
            found += await self._dicomweb(call, root, encrypted)
        for root in self.settings.fhir:
            found += await self._fhir(call, root, encrypted)
        return tuple(found)

    async def converse(self, call: Call) -> ServiceAnswered | None:
        """Return the first of the answers."""
        return next(iter(await self.answers(call)), None)

    def unspoken(self, call: Call, talk: Talk) -> ServiceAnswered | None:
        """Nothing is told by a port without HTTP."""
        return None

    async def _dicomweb(self, call: Call, root: str, encrypted: bool) -> list[HealthWebAnswered]:
        path = f"{root}/studies?StudyInstanceUID={NO_STUDY}&limit=1"
        answer = await _asked(call, path, encrypted, accept="application/dicom+json")
        if answer is None:
            return []
        typed = "dicom+json" in answer.headers.get("content-type", "")
        # Without records, an answer of the right type or none at all (204); behind a log-in, a refusal of this path.
        spoken = typed or (answer.status == 204 and await self._distinguishes(call, root, encrypted))
        return [self._fact(call, "dicomweb", "DICOMweb", path, answer.status)] if spoken else []

    async def _distinguishes(self, call: Call, root: str, encrypted: bool) -> bool:
        """Whether a path that no interface has is answered otherwise: some servers say 204 to everything."""
        answer = await _asked(call, f"{root}/hygie-no-such-path", encrypted)
        return answer is not None and answer.status in {400, 404, 405}

    async def _fhir(self, call: Call, root: str, encrypted: bool) -> list[HealthWebAnswered]:
        statement = await _asked(call, f"{root}/metadata", encrypted, accept="application/fhir+json")
        # A long statement is cut at our cap: its first bytes still say what it is.
        if statement is None or not _STATEMENT.search(statement.body[:2048]):
            return []
        path = f"{root}/Patient?_id={NO_PATIENT}&_summary=count"
        answer = await _asked(call, path, encrypted, accept="application/fhir+json")
        status = answer.status if answer is not None else 0
        served = answer is not None and answer.json().get("resourceType") == "Bundle"
        access = Access.OPEN if served and status == 200 else _ACCESS.get(status, Access.UNKNOWN)
        access = Access.UNKNOWN if access is Access.OPEN and not served else access
        software = statement.json().get("software")
        product = clipped(str(software.get("name", ""))) if isinstance(software, dict) else ""
        return [self._fact(call, "fhir", product or "FHIR", path, status, access=access)]

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


async def _asked(call: Call, path: str, encrypted: bool, accept: str = "application/json") -> http.HttpAnswer | None:
    try:
        return await http.ask(call, path, encrypted=encrypted, accept=accept)
    except UnspokenError:
        return None
