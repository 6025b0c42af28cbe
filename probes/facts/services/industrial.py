"""What industrial and building devices say of themselves, when the mandate lets them be asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from probes.facts.services.answered import ServiceAnswered


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Endpoint:
    """A way into an OPC UA server (OPC 10000-4 7.14): its message security, its policy's short name, its log-ins.

    ``mode`` is ``None``, ``Sign`` or ``SignAndEncrypt``; ``tokens`` are ``anonymous``, ``user-name``, ``certificate``,
    ``issued``. An endpoint without any is for discovery only: nobody can log in by it.
    """

    mode: str
    policy: str
    tokens: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class IndustrialAnswered(ServiceAnswered):
    """The name plate of a device: ``product`` is its maker and its name, ``version`` its revision.

    ``endpoints`` are those of an OPC UA server; ``access`` then tells whether one of them lets a nameless caller in.
    """

    kind: ClassVar[str] = "service.industrial"
    seen_by: ClassVar[str] = "industrial"
    endpoints: tuple[Endpoint, ...] = ()
