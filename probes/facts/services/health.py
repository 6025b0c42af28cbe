"""What health services say before any patient is named: DICOM, HL7, DICOMweb, FHIR, viewers, integration engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import ServiceAnswered


@dataclass(frozen=True, slots=True, kw_only=True)
class DicomAnswered(ServiceAnswered):
    """The answer to an association for Verification only (PS3.8 9.3), aborted at once.

    ``access`` open: any caller is accepted; required: the caller's AE title was refused. ``reason`` is the rejection's
    source and reason, ``implementation`` the acceptor's own version name.
    """

    kind: ClassVar[str] = "service.dicom"
    seen_by: ClassVar[str] = "dicom"
    reason: str = ""
    implementation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MllpAnswered(ServiceAnswered):
    """An HL7 port: it waits in silence, or at level 3 it answered an empty frame; never was a message sent."""

    kind: ClassVar[str] = "service.mllp"
    seen_by: ClassVar[str] = "mllp"


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthWebAnswered(ServiceAnswered):
    """A health application behind HTTP; ``path`` is what was asked, for an identifier that cannot exist."""

    kind: ClassVar[str] = "service.health-web"
    seen_by: ClassVar[str] = "health-web"
    path: str = ""
    status: int = 0
