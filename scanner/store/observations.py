"""Observations to text and back; their facts by the codec, keyed by kind."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from probes.facts import codec
from probes.interface import Asset, Fact, Observation, Vantage
from scanner.store import plain
from scanner.store.tables import ObservationRow


def write(seen: Observation[Fact]) -> str:
    """Return an observation as canonical text."""
    return plain.canonical(
        {
            "id": seen.id,
            "asset": plain.data_of(seen.asset),
            "fact": codec.encode(seen.fact),
            "seen_at": plain.data_of(seen.seen_at),
            "probe": seen.probe,
            "vantage": seen.vantage.value,
            "captures": seen.captures,
            "look": seen.look,
        }
    )


def read(text: str) -> Observation[Fact]:
    """Return the observation that a text stands for."""
    data = json.loads(text)
    return Observation(
        id=data["id"],
        asset=plain.value_of(data["asset"], Asset),
        fact=codec.decode(data["fact"]),
        seen_at=datetime.fromisoformat(data["seen_at"]),
        probe=data["probe"],
        vantage=Vantage(data["vantage"]),
        captures=tuple(data["captures"]),
        look=data["look"],
    )


def captures(text: str) -> tuple[str, ...]:
    """Return the digests of an observation's captures, without decoding its fact."""
    return tuple(json.loads(text)["captures"])


def by_step(session: Session, scan: str) -> Mapping[str, list[Observation[Fact]]]:
    """Return the observations of a scan by step, in the order its probe yielded them."""
    found: dict[str, list[Observation[Fact]]] = defaultdict(list)
    wanted = select(ObservationRow).where(ObservationRow.scan == scan).order_by(col(ObservationRow.position))
    for row in session.exec(wanted):
        found[row.step].append(read(row.document))
    return found
