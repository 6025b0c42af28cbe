"""The judge: one finding a rule and asset, ignorance kept, the second look, and the timeline looking backwards."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from probes.interface import (
    Asset,
    AssetKind,
    Attempt,
    Fact,
    Mandate,
    Observation,
    Part,
    Reason,
    Scope,
    Status,
    Vantage,
)
from rules.interface import (
    Card,
    Confidence,
    Effort,
    Finding,
    Maturity,
    ObjectRef,
    Outcome,
    Severity,
    Unseen,
    Verdict,
    View,
    Words,
    met,
    not_met,
    rule,
    view,
)
from rules.judge import Parameters, fingerprint, judge
from rules.registry import Registry
from rules.subject import PastFinding, PastScan, Perimeter, Record, Scan, ScanPart, Timeline, Waiver

DAY = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
WEB = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch-exemple.test")
MAIL = Asset(kind=AssetKind.SERVICE, name="tcp/25@mx.ch-exemple.test")
DOMAIN = Asset(kind=AssetKind.DOMAIN, name="ch-exemple.test")
WORDS = Words(title="t", why="w", remedy="r", again="a")


@dataclass(frozen=True, slots=True, kw_only=True)
class Door(Fact):
    kind: ClassVar[str] = "test.door"
    seen_by: ClassVar[str] = "doorman"
    part: ClassVar[Part] = Part.EXPOSURE
    about: ClassVar[frozenset[AssetKind]] = frozenset({AssetKind.SERVICE})

    open: bool
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class House(View):
    doors: int


@rule("door-closed", reads=Door)
def door_closed(seen: Observation[Door], *, tolerated: str = "porch") -> Verdict:
    if not seen.fact.open or seen.fact.name == tolerated:
        return met()
    return not_met(ObjectRef(id=seen.fact.name, name=seen.fact.name), doors=1)


@rule("house-has-a-door", reads=House, part=Part.DIRECTORY)
def house_has_a_door(seen: House) -> Verdict:
    return met() if seen.doors else not_met(levels=(2,))


@view(House)
def houses(record: Record) -> list[House | Unseen]:
    where: Any = {"asset": DOMAIN, "seen_at": DAY, "vantage": Vantage.INSIDE}
    if not record.observations:
        return [Unseen(reason="nothing-seen", **where)]
    return [House(doors=0, evidence=(), **where)]


def card(name: str, **more: object) -> Card:
    usual: dict[str, Any] = {
        "severity": Severity.HIGH,
        "confidence": Confidence.CONFIRMED,
        "maturity": Maturity.STABLE,
        "effort": Effort.LOW,
        "since": "0.1.0",
        "fr": WORDS,
        "en": WORDS,
    }
    return Card(rule=name, **{**usual, **more})


REGISTRY = Registry(
    rules={r.id: r for r in (door_closed, house_has_a_door)},
    cards={"door-closed": card("door-closed"), "house-has-a-door": card("house-has-a-door", levels=(2, 3))},
    views={House: houses},
    digest="d",
)


def seen(
    asset: Asset, *, open: bool, name: str = "", look: int = 1, vantage: Vantage = Vantage.INTERNET
) -> Observation[Fact]:
    return Observation(
        id=f"{asset.id}-{open}-{name}-{look}",
        asset=asset,
        fact=Door(open=open, name=name),
        seen_at=DAY + timedelta(minutes=look),
        probe="doorman@1",
        vantage=vantage,
        look=look,
    )


def tried(asset: Asset, reason: Reason, status: Status = Status.FAILED, look: int = 1) -> Attempt:
    return Attempt(
        probe="doorman@1", asset=asset.id, status=status, reason=reason, started_at=DAY, ended_at=DAY, look=look
    )


def record(
    *observations: Observation[Fact], attempts: tuple[Attempt, ...] = (), timeline: Timeline | None = None
) -> Record:
    scan = Scan(
        id="s1",
        perimeter=Perimeter(id="p", name="CH Exemple", unit="ej"),
        mandate=Mandate(
            reference="m",
            signatory="s",
            document_sha256="",
            valid_from=date(2026, 1, 1),
            valid_until=date(2026, 12, 31),
            level=2,
            scope=Scope(),
        ),
        parts=(ScanPart(kind=Part.EXPOSURE, box="b", vantage=Vantage.INTERNET, started_at=DAY, ended_at=DAY),),
        level=2,
        state="complete",
        versions={},
        config_digest="",
    )
    return Record(
        scan=scan,
        assets=(WEB, MAIL, DOMAIN),
        observations=observations,
        attempts=attempts,
        feeds={},
        timeline=timeline or Timeline(),
        read_capture=lambda digest: b"",
    )


def doors(
    record: Record, *, waivers: tuple[Waiver, ...] = (), parameters: Parameters | None = None
) -> dict[str, Finding]:
    return {
        f.asset: f for f in judge(record, REGISTRY, waivers=waivers, parameters=parameters) if f.rule == "door-closed"
    }


def test_each_asset_has_one_finding_and_the_order_never_changes() -> None:
    first = judge(record(seen(WEB, open=True), seen(MAIL, open=False)), REGISTRY)
    second = judge(record(seen(MAIL, open=False), seen(WEB, open=True)), REGISTRY)
    assert first == second
    assert [(f.rule, f.asset, f.outcome) for f in first] == [
        ("door-closed", MAIL.id, Outcome.MET),
        ("door-closed", WEB.id, Outcome.NOT_MET),
        ("house-has-a-door", DOMAIN.id, Outcome.NOT_MET),
    ]


def test_the_worst_of_several_observations_is_kept_with_every_object() -> None:
    found = doors(record(seen(WEB, open=True, name="a"), seen(WEB, open=False), seen(WEB, open=True, name="b")))
    assert found[WEB.id].outcome is Outcome.NOT_MET
    assert [o.id for o in found[WEB.id].objects] == ["a", "b"]


def test_a_failed_attempt_is_undetermined_with_its_reason_and_never_met() -> None:
    found = doors(record(attempts=(tried(WEB, Reason.TIMED_OUT), tried(DOMAIN, Reason.TIMED_OUT))))
    assert {k: (f.outcome, f.reason) for k, f in found.items()} == {WEB.id: (Outcome.UNDETERMINED, "timed-out")}


def test_what_the_mandate_skips_is_undetermined_too() -> None:
    found = doors(record(attempts=(tried(WEB, Reason.LEVEL, Status.SKIPPED),)))
    assert found[WEB.id].reason == "level"


def test_seen_from_inside_an_exposure_rule_does_not_conclude() -> None:
    for open in (True, False):
        found = doors(record(seen(WEB, open=open, vantage=Vantage.INSIDE)))
        assert (found[WEB.id].outcome, found[WEB.id].reason) == (Outcome.UNDETERMINED, "seen-from-inside")


def test_a_view_that_could_not_be_built_leaves_its_rules_undetermined_at_every_level() -> None:
    (finding,) = judge(record(), REGISTRY)
    assert (finding.outcome, finding.reason, finding.levels) == (Outcome.UNDETERMINED, "nothing-seen", (2, 3))


def test_severity_follows_the_lowest_failing_level() -> None:
    (finding,) = [f for f in judge(record(seen(WEB, open=False)), REGISTRY) if f.rule == "house-has-a-door"]
    assert (finding.severity, finding.levels) == (Severity.HIGH, (2,))


def test_a_second_look_confirms_or_leaves_undetermined() -> None:
    confirmed = doors(record(seen(WEB, open=True), seen(WEB, open=True, look=2)))[WEB.id]
    assert (confirmed.outcome, len(confirmed.evidence)) == (Outcome.NOT_MET, 2)
    differs = doors(record(seen(WEB, open=True), seen(WEB, open=False, look=2)))[WEB.id]
    assert (differs.outcome, differs.reason) == (Outcome.UNDETERMINED, "second-look-differs")


def test_a_second_look_that_failed_keeps_the_finding_as_probable() -> None:
    found = doors(record(seen(WEB, open=True), attempts=(tried(WEB, Reason.TIMED_OUT, look=2),)))[WEB.id]
    assert (found.outcome, found.confidence) == (Outcome.NOT_MET, Confidence.PROBABLE)


def test_parameters_replace_defaults() -> None:
    found = doors(record(seen(WEB, open=True, name="porch-b")), parameters={"door-closed": {"tolerated": "porch-b"}})
    assert found[WEB.id].outcome is Outcome.MET


def past(days: int, outcome: str) -> PastScan:
    identity = fingerprint("door-closed", WEB.id)
    return PastScan(
        scan=f"s-{days}",
        kind=Part.EXPOSURE,
        seen_at=DAY - timedelta(days=days),
        perimeter_digest="",
        findings={identity: PastFinding(rule="door-closed", asset=WEB.id, outcome=outcome, severity="high")},
    )


def test_first_seen_is_the_start_of_the_unbroken_run() -> None:
    history = Timeline(scans=(past(90, "not-met"), past(60, "met"), past(40, "not-met"), past(20, "undetermined")))
    found = doors(record(seen(WEB, open=True), timeline=history))[WEB.id]
    assert found.first_seen == DAY - timedelta(days=40)
    assert found.last_seen == found.seen_at


def test_a_waiver_is_named_until_it_expires() -> None:
    waiver = Waiver(
        id="w1",
        fingerprint=fingerprint("door-closed", WEB.id),
        reason="r",
        owner="o",
        granted_at=DAY,
        expires=DAY.date(),
    )
    late = dataclasses.replace(waiver, expires=DAY.date() - timedelta(days=1))
    assert doors(record(seen(WEB, open=True)), waivers=(waiver,))[WEB.id].waiver == "w1"
    assert doors(record(seen(WEB, open=True)), waivers=(late,))[WEB.id].waiver == ""
