"""A difference as plain text for a terminal: coverage first; every word of a stranger is made visible."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reports import words
from reports.changes.difference import Change, Coverage, Difference
from reports.visible import visible
from reports.words import Words
from rules.interface import Card

#: Lines shown of one list of assets, rules or objects.
_SHOWN = 20
_KINDS = ("new", "worse", "gone", "reopened", "better")


def render(told: Difference, cards: Mapping[str, Card], language: str) -> str:
    """Return the text."""
    w = words.load(language, "reports.changes")
    lines = [w("change.title", before=visible(told.before), after=visible(told.after)), ""]
    if told.empty:
        return "\n".join([*lines, w("change.none")]) + "\n"
    lines += _section(w("change.coverage"), list(_coverage(told.coverage, w)))
    levels = [f"{visible(s)} : {w('change.arrow', before=a, after=b)}" for s, a, b in told.levels]
    lines += _section(w("change.levels"), levels)
    for kind in _KINDS:
        changes: Sequence[Change] = getattr(told, kind)
        lines += _section(w(f"change.{kind}"), [line for c in changes for line in _change(c, cards, w)])
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(title: str, lines: Sequence[str]) -> list[str]:
    return [title, *(f"  {line}" for line in lines), ""] if lines else []


def _coverage(coverage: Coverage, w: Words) -> Iterator[str]:
    for what, before, after in coverage.changed:
        name = w(f"change.made.{what}") if w.known(f"change.made.{what}") else what
        yield f"{visible(name)} : {w('change.arrow', before=_short(before), after=_short(after))}"
    if coverage.failed[0] != coverage.failed[1]:
        yield w("change.failed", before=coverage.failed[0], after=coverage.failed[1])
    yield from _few([w("change.asset-lost", asset=visible(a, 200)) for a in coverage.assets_lost], w)
    yield from _few([w("change.asset-gained", asset=visible(a, 200)) for a in coverage.assets_gained], w)
    # What an asset's own line says already is not said again rule by rule.
    whole = {*coverage.assets_lost, *coverage.assets_gained}
    for kind, unseen in (("lost", coverage.lost), ("gained", coverage.gained)):
        yield from _few([_unseen(rule, on, why, kind, w) for rule, on, why in unseen if on not in whole], w)


def _unseen(rule: str, asset: str, reason: str, kind: str, w: Words) -> str:
    where = f"{rule}, {visible(asset, 200)}"
    if reason == "not-met-again":
        return f"{where} : {w('change.not-met-again' if kind == 'lost' else 'change.gained-new')}"
    return f"{where} : {w(f'change.{kind}', reason=visible(w.reason(reason)))}"


def _change(change: Change, cards: Mapping[str, Card], w: Words) -> Iterator[str]:
    before, after = (w(f"severity.{s}") if s else "" for s in (change.before, change.after))
    severity = (
        w("change.arrow", before=before, after=after) if before and after and before != after else after or before
    )
    card = cards.get(change.rule)
    title = w.typeset(card.words(w.language).title) if card else change.rule
    yield f"[{severity}] {visible(change.asset, 200)} : {title} ({change.rule})"
    yield from _few([f"  {w('change.appeared', name=visible(o.name, 200))}" for o in change.appeared], w)
    yield from _few([f"  {w('change.disappeared', name=visible(o.name, 200))}" for o in change.disappeared], w)


def _few(lines: Sequence[str], w: Words) -> list[str]:
    left = len(lines) - _SHOWN
    return [*lines[:_SHOWN], *([w("change.more", count=left)] if left > 0 else [])]


def _short(text: str) -> str:
    """A digest cut to what tells it apart."""
    return text[:12] if len(text) == 64 and not set(text) - set("0123456789abcdef") else visible(text)
