"""Assets in scope, and candidates met outside the mandate, which a person promotes or rejects."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from probes.interface import Asset
from scanner.store.candidates import OPEN, PROMOTED, REJECTED, Candidate
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Going, Page, Refused

#: Most candidates on the page; the rest is said to be there.
_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Assets:
    """What the newest scan that ended met in scope, by kind, and every candidate."""

    scan: str
    assets: dict[str, tuple[Asset, ...]]
    candidates: tuple[Candidate, ...]
    hidden: int


def _assets(asked: Asked) -> Assets:
    ended = [scan for scan in asked.store.sightings.scans(asked.perimeter) if scan.ended_at is not None]
    kinds: dict[str, list[Asset]] = defaultdict(list)
    for asset in asked.store.sightings.assets(ended[0].id) if ended else ():
        kinds[asset.kind.value].append(asset)
    candidates = sorted(asked.store.candidates.of(asked.perimeter), key=lambda c: (c.state != OPEN, c.asset.id))
    return Assets(
        scan=ended[0].id if ended else "",
        assets={kind: tuple(found) for kind, found in kinds.items()},
        candidates=tuple(candidates[:_SHOWN]),
        hidden=max(0, len(candidates) - _SHOWN),
    )


def _decide(asked: Asked) -> Going:
    state, reason = asked.form.get("state", ""), asked.form.get("reason", "").strip()
    if state not in {OPEN, PROMOTED, REJECTED}:
        raise Refused("state: open, promoted or rejected")
    asked.store.candidates.decide(asked.perimeter, asked.form.get("asset", ""), state, reason[:500])
    told = asked.say(
        "Décision enregistrée. Seul le mandat autorise à scanner.",
        "Decision recorded. Only the mandate allows scanning.",
    )
    return Going(to=f"/p/{asked.perimeter}/assets", told=told)


ASSETS = Page(
    path="/p/{perimeter}/assets",
    right=Right.READ,
    template="assets.html",
    read=_assets,
    returns=Assets,
    title=("Actifs et candidats", "Assets and candidates"),
)
DECIDE = Action(
    path="/p/{perimeter}/candidates",
    right=Right.DECIDE,
    do=_decide,
    fields={"asset": "the candidate's asset id", "state": "promoted, rejected or open", "reason": "why"},
    title=("Décider d’un candidat", "Decide on a candidate"),
)
