"""What changed between two scans of a perimeter: what each could see comes first, then what is new, worse or gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from probes.interface import Status
from reports.dossier import Dossier
from rules.history import Course, FindingHistory
from rules.interface import Finding, ObjectRef, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the two scans could not see alike.

    ``changed`` pairs what differs in how they were made (level, vantage, perimeter, rules, feeds) with both values.
    ``lost`` are (rule, asset, reason) that the first could tell and the second could not, or no longer met; ``gained``
    the reverse. ``failed`` counts the steps that did not complete, before and after.
    """

    changed: tuple[tuple[str, str, str], ...]
    assets_lost: tuple[str, ...]
    assets_gained: tuple[str, ...]
    lost: tuple[tuple[str, str, str], ...]
    gained: tuple[tuple[str, str, str], ...]
    failed: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A finding that changed: severities are "" where it was not unmet; objects are those that came and went."""

    fingerprint: str
    rule: str
    asset: str
    before: str
    after: str
    appeared: tuple[ObjectRef, ...] = ()
    disappeared: tuple[ObjectRef, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What changed from one dossier to a later one; ``levels`` are (subject, before, after)."""

    before: str
    after: str
    coverage: Coverage
    new: tuple[Change, ...]
    worse: tuple[Change, ...]
    gone: tuple[Change, ...]
    reopened: tuple[Change, ...]
    better: tuple[Change, ...]
    levels: tuple[tuple[str, str, str], ...]

    @property
    def empty(self) -> bool:
        """Whether nothing changed but the scans themselves."""
        c = self.coverage
        seen = (c.changed, c.assets_lost, c.assets_gained, c.lost, c.gained)
        return not any((self.new, self.worse, self.gone, self.reopened, self.better, self.levels, *seen))


def difference(a: Dossier, b: Dossier) -> Difference:
    """Return what changed from ``a`` to ``b``; what ``b`` could not tell is a matter of coverage, never gone."""
    before, after = ({f.fingerprint: f for f in d.findings} for d in (a, b))
    history = {h.fingerprint: h for h in b.history}
    at = max(part.started_at for part in a.scan.parts)
    found: dict[str, list[Change]] = {kind: [] for kind in ("new", "worse", "gone", "reopened", "better")}
    for mark in sorted({*before, *after}, key=lambda m: _order(after.get(m) or before[m])):
        kind = _kind(at, before.get(mark), after.get(mark), history.get(mark))
        if kind:
            found[kind].append(_change(before.get(mark), after.get(mark)))
    return Difference(
        before=a.scan.id,
        after=b.scan.id,
        coverage=_coverage(a, b, before, after, history),
        levels=tuple(_levels(a, b)),
        **{kind: tuple(changes) for kind, changes in found.items()},
    )


def _order(finding: Finding) -> tuple[int, str, str]:
    return finding.severity.rank, finding.rule, finding.asset


def _unmet(finding: Finding | None) -> bool:
    return finding is not None and finding.outcome is Outcome.NOT_MET


def _told(finding: Finding | None) -> bool:
    return finding is not None and finding.outcome is not Outcome.UNDETERMINED


def _kind(at: datetime, before: Finding | None, after: Finding | None, history: FindingHistory | None) -> str:
    """The list that a finding goes to, or "" for none; ``at`` is the instant of the earlier scan."""
    if _unmet(before) and _unmet(after):
        return _shift(before, after)
    if _unmet(after):
        if history is None or history.first_seen > at:
            return "new"
        # Open since before the earlier scan, which could not tell: a matter of coverage.
        return "reopened" if history.reopened_at is not None and history.reopened_at > at else ""
    if _unmet(before) and (_told(after) or (history is not None and history.course is Course.GONE)):
        return "gone"
    return ""


def _shift(before: Finding | None, after: Finding | None) -> str:
    assert before is not None
    assert after is not None
    if before.severity is not after.severity:
        return "worse" if after.severity.rank < before.severity.rank else "better"
    was, now = ({o.id for o in f.objects} for f in (before, after))
    return "worse" if now - was else "better" if was - now else ""


def _change(before: Finding | None, after: Finding | None) -> Change:
    told = after or before
    assert told is not None
    was = {o.id: o for o in before.objects} if before and _unmet(before) else {}
    now = {o.id: o for o in after.objects} if after and _unmet(after) else {}
    return Change(
        fingerprint=told.fingerprint,
        rule=told.rule,
        asset=told.asset,
        before=before.severity.value if before and _unmet(before) else "",
        after=after.severity.value if after and _unmet(after) else "",
        appeared=tuple(now[id] for id in sorted(now.keys() - was.keys())),
        disappeared=tuple(was[id] for id in sorted(was.keys() - now.keys())),
    )


def _coverage(
    a: Dossier,
    b: Dossier,
    before: dict[str, Finding],
    after: dict[str, Finding],
    history: dict[str, FindingHistory],
) -> Coverage:
    gone = {mark for mark, h in history.items() if h.course is Course.GONE}
    was, now = ({s.asset.id for s in d.assets if s.in_scope} for d in (a, b))
    return Coverage(
        changed=tuple(_made_otherwise(a, b)),
        assets_lost=tuple(sorted(was - now)),
        assets_gained=tuple(sorted(now - was)),
        lost=tuple(_unseen(before, after, gone)),
        gained=tuple(_unseen(after, before, set())),
        failed=(_failed(a), _failed(b)),
    )


def _unseen(here: dict[str, Finding], there: dict[str, Finding], gone: set[str]) -> Iterator[tuple[str, str, str]]:
    """What was told here and could not be there: undetermined, or not met at all."""
    for mark, finding in sorted(here.items(), key=lambda item: _order(item[1])):
        other = there.get(mark)
        if _told(finding) and not _told(other) and mark not in gone:
            yield finding.rule, finding.asset, other.reason if other else "not-met-again"


def _made_otherwise(a: Dossier, b: Dossier) -> Iterator[tuple[str, str, str]]:
    pairs = [
        ("perimeter", a.perimeter.digest, b.perimeter.digest),
        ("level", str(a.scan.level), str(b.scan.level)),
        ("state", a.scan.state, b.scan.state),
        ("rules", a.judgement.catalogue_digest, b.judgement.catalogue_digest),
        ("parts", _parts(a), _parts(b)),
    ]
    names = sorted({*a.judgement.feeds, *b.judgement.feeds})
    pairs += [(f"feed {name}", _feed(a, name), _feed(b, name)) for name in names]
    yield from ((what, x, y) for what, x, y in pairs if x != y)


def _parts(dossier: Dossier) -> str:
    return ", ".join(sorted(f"{p.kind.value} ({p.vantage.value}, {p.box})" for p in dossier.scan.parts))


def _feed(dossier: Dossier, name: str) -> str:
    feed = dossier.judgement.feeds.get(name)
    return f"{feed[0]}" if feed else "-"


def _failed(dossier: Dossier) -> int:
    return sum(attempt.status in {Status.FAILED, Status.FAULT} for attempt in dossier.attempts)


def _levels(a: Dossier, b: Dossier) -> Iterator[tuple[str, str, str]]:
    was, now = ({level.asset: str(level.level) for level in d.directory} for d in (a, b))
    was |= {"exposure": str(a.exposure)} if a.exposure else {}
    now |= {"exposure": str(b.exposure)} if b.exposure else {}
    for subject in sorted({*was, *now}):
        if was.get(subject, "-") != now.get(subject, "-"):
            yield subject, was.get(subject, "-"), now.get(subject, "-")
