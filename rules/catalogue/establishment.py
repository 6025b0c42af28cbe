"""Propositions that need exposure and directory together."""

from __future__ import annotations

from probes.facts.dns import Presence
from probes.interface import Part
from rules.interface import ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.establishment import LOCATORS, EstablishmentView
from rules.views.rhythm import RhythmView


@rule("establishment-forest-not-published", reads=EstablishmentView, part=Part.EXPOSURE)
def forest_not_published(seen: EstablishmentView) -> Verdict:
    """No public record leads to the controllers of the audited forest."""
    if not seen.public_names:
        return not_applicable("name-outside-the-mandated-domains")
    found = {
        s.owner: sorted({value.split()[-1].rstrip(".") for value in s.values if value})
        for by_label in seen.locators.values()
        for s in by_label.values()
        if s.presence is Presence.PRESENT
    }
    if found:
        controllers = sorted({name for names in found.values() for name in names})
        return not_met(
            *[ObjectRef(id=name, name=name) for name in controllers],
            records=", ".join(sorted(found))[:300],
            controllers=", ".join(controllers)[:200],
        )
    surely = all(
        (s := by_label.get(label)) is not None and s.presence is Presence.ABSENT
        for by_label in seen.locators.values()
        for label in LOCATORS
    )
    return met() if surely else undetermined("locator-records-unknown")


@rule("establishment-exposure-audited-regularly", reads=RhythmView, part=Part.EXPOSURE)
def exposure_audited_regularly(seen: RhythmView, *, most_days: int = 45) -> Verdict:
    """The exposure of a domain was audited at most this many days before."""
    return _rhythm(seen, Part.EXPOSURE, most_days)


@rule("establishment-directory-audited-regularly", reads=RhythmView, part=Part.DIRECTORY)
def directory_audited_regularly(seen: RhythmView, *, most_days: int = 100) -> Verdict:
    """A forest was audited at most this many days before."""
    return _rhythm(seen, Part.DIRECTORY, most_days)


def _rhythm(seen: RhythmView, part: Part, most_days: int) -> Verdict:
    if seen.part is not part:
        return not_applicable("other-part")
    if seen.previous is None:
        return not_applicable("first-audit")
    days = (seen.seen_at - seen.previous).days
    verdict = met if days <= most_days else not_met
    return verdict(days=days, previous=seen.previous.date().isoformat(), most_days=most_days)
