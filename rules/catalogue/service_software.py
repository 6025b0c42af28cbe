"""A rule on the age of what runs behind services that are not web sites."""

from __future__ import annotations

from probes.interface import Part
from rules.interface import Confidence, ObjectRef, Severity, Verdict, met, not_met, rule, undetermined
from rules.views.software import Running, SoftwareView


@rule("service-software-supported", reads=SoftwareView, part=Part.EXPOSURE)
def supported(view: SoftwareView) -> Verdict:
    """What a service runs is still supported; what nmap matched is a hint, never a proof."""
    if not view.feed:
        return undetermined("no-fresh-end-of-support-feed")
    over = [r for r in view.running if r.support is not None and r.support.over(view.seen_at)]
    told = [r for r in over if not r.guessed and not r.maintained]
    guessed = [r for r in over if r.guessed and not r.maintained]
    if shown := told or guessed:
        support = shown[0].support
        return not_met(
            *(ObjectRef(id=_text(r), name=_text(r)) for r in shown),
            severity=None if told else Severity.LOW,
            confidence=None if told else Confidence.INDICATIVE,
            software=", ".join(map(_text, shown))[:300],
            ended=support.end.isoformat() if support and support.end else "-",
        )
    if over:
        return undetermined("distribution-may-maintain-it")
    if all(r.support is None for r in view.running):
        return undetermined("version-unknown-to-the-feed")
    return met(software=", ".join(map(_text, view.running))[:300])


def _text(running: Running) -> str:
    return f"{running.product} {running.version}"
