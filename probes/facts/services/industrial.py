"""What industrial devices say of themselves, when the mandate lets them be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import ServiceAnswered


@dataclass(frozen=True, slots=True, kw_only=True)
class IndustrialAnswered(ServiceAnswered):
    """The name plate of a device: ``product`` is its maker and its name, ``version`` its revision."""

    kind: ClassVar[str] = "service.industrial"
    seen_by: ClassVar[str] = "industrial"
