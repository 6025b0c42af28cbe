"""What the collection itself cost the controllers, and whether it went to its end."""

from __future__ import annotations

from probes.facts.directory import NamingContextRead
from probes.facts.sysvol import SysvolRead
from probes.interface import Observation
from rules.interface import Verdict, met, rule, undetermined


@rule("directory-context-read-whole", reads=NamingContextRead)
def directory_context_read_whole(seen: Observation[NamingContextRead]) -> Verdict:
    """Every object of the naming context was read; the values say what that cost the controller."""
    fact = seen.fact
    values: dict[str, str | int | float] = {
        "entries": fact.entries,
        "queries": fact.queries,
        "megabytes": round(fact.bytes_read / 1e6, 1),
        "seconds": round(fact.seconds, 1),
        "server": fact.server or "-",
    }
    return met(**values) if fact.complete else undetermined(fact.cut or "collection-cut", (), **values)


@rule("sysvol-read-whole", reads=SysvolRead)
def sysvol_read_whole(seen: Observation[SysvolRead]) -> Verdict:
    """Every file of SYSVOL was met; the values say what that cost the controller."""
    fact = seen.fact
    values: dict[str, str | int | float] = {
        "entries": len(fact.files),
        "queries": fact.requests,
        "megabytes": round(fact.bytes_read / 1e6, 1),
        "seconds": round(fact.seconds, 1),
        "server": fact.server,
    }
    return met(**values) if fact.complete else undetermined(fact.cut or "collection-cut", (), **values)
