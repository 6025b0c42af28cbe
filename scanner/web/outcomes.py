"""What came of an occasion, in the reader's language: Hygie's own words said, what a scan said of its failure kept."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from scanner.exit import Exit
from scanner.schedule.launcher import CANCELLED, OUTCOMES, REMOVED, STILL_RUNS, STILL_WAITS

_FRENCH: Mapping[str, str] = MappingProxyType(
    {
        OUTCOMES[Exit.CLEAN]: "terminé",
        OUTCOMES[Exit.PARTIAL]: "terminé, avec des étapes en échec",
        OUTCOMES[Exit.INTERRUPTED]: "arrêté",
        CANCELLED: "annulé avant d’avoir commencé",
        REMOVED: "sa planification a été retirée ou suspendue avant qu’une machine ne le prenne",
        STILL_WAITS: "un passage précédent du même type attend encore une machine",
        STILL_RUNS: "un scan de ce périmètre était en cours",
    }
)


def outcome_name(outcome: str, language: str) -> str:
    """Return what came of an occasion in a language; a scan's own last words are left as it said them."""
    return _FRENCH.get(outcome, outcome) if language == "fr" else outcome
