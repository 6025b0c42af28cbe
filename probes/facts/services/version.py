"""What nmap's version detection made of a service that no probe of ours speaks to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.interface import AssetKind, Fact, Part


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceVersion(Fact):
    """The service, product and version that nmap matched at an address; hostile text, "" when it matched none.

    ``confidence`` is nmap's, 0 to 10. A name that nmap gives by the port's number alone (3 or less) is left out.
    ``cpe`` is the last CPE 2.2 name that goes with the match.
    """

    kind: ClassVar[str] = "services.version"
    seen_by: ClassVar[str] = "nmap"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    address: str
    service: str = ""
    product: str = ""
    version: str = ""
    extra: str = ""
    cpe: str = ""
    confidence: int = 0
