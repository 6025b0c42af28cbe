"""Exposure and directory together, and the rhythm of audits: met, not met, not applicable, could not tell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.interface import Asset, AssetKind, Mandate, Observation, Part, Scope, Vantage
from rules.catalogue import establishment
from rules.interface import Outcome, Rule, Verdict
from rules.subject import PastFinding, PastScan, Perimeter, Record, Scan, ScanPart, Timeline
from rules.views.establishment import LOCATORS, EstablishmentView, establishments
from rules.views.rhythm import RhythmView, rhythms

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
AD = "ad.ch.test"
FOREST = Asset(kind=AssetKind.FOREST, name=AD)


def locator(label: str, presence: Presence, *values: str) -> RecordSet:
    return RecordSet(owner=f"{label}.{AD}", rdtype="SRV", presence=presence, values=values, asked="authoritative")


ABSENT = tuple(locator(label, Presence.ABSENT) for label in LOCATORS)
SHOWN = (locator("_ldap._tcp", Presence.PRESENT, "0 100 389 dc1.ad.ch.test."), *ABSENT[1:])
SILENT = (*ABSENT[:3], locator(LOCATORS[3], Presence.UNKNOWN))
SHOWN_AND_SILENT = (SHOWN[0], *SILENT[1:])


def record(sets: tuple[RecordSet, ...], *, forest: str = AD, timeline: Timeline | None = None) -> Record:
    read = NamingContextRead(
        dn="DC=x", role=NamingContextRole.DOMAIN, forest=forest, domain=forest, server="dc1", current_time=DAY,
        entries=0, bytes_read=0, queries=1, seconds=0.1, complete=True,
    )  # fmt: skip
    domain = Asset(kind=AssetKind.DOMAIN, name="ch.test")
    scan = Scan(
        id="s2",
        perimeter=Perimeter(id="ch", name="CH", unit="ej"),
        mandate=Mandate(
            reference="M", signatory="D", document_sha256="", valid_from=date(2026, 1, 1),
            valid_until=date(2026, 12, 31), level=2, scope=Scope(domains=("ch.test",)),
        ),
        parts=(
            ScanPart(kind=Part.EXPOSURE, box="out", vantage=Vantage.INTERNET, started_at=DAY, ended_at=DAY),
            ScanPart(kind=Part.DIRECTORY, box="in", vantage=Vantage.INSIDE, started_at=DAY, ended_at=DAY, scan="s1"),
        ),
        level=2, state="complete", versions={}, config_digest="",
    )  # fmt: skip
    seen = [
        Observation(
            id="ad", asset=Asset(kind=AssetKind.NAMING_CONTEXT, name="DC=x"), fact=read, seen_at=DAY,
            probe="directory-tree@1", vantage=Vantage.INSIDE,
        ),
        Observation(
            id="dns", asset=domain, fact=DnsRecords(sets=sets), seen_at=DAY, probe="dns@1", vantage=Vantage.INTERNET
        ),
    ]  # fmt: skip
    return Record(
        scan=scan, assets=(domain, FOREST), observations=tuple(seen), attempts=(), feeds={},
        timeline=timeline or Timeline(), read_capture=lambda digest: b"",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("sets", "forest", "outcome", "objects"),
    [
        (ABSENT, AD, MET, []),
        (SHOWN, AD, NOT_MET, ["dc1.ad.ch.test"]),
        (SHOWN_AND_SILENT, AD, NOT_MET, ["dc1.ad.ch.test"]),
        (SILENT, AD, UNDETERMINED, []),
        (ABSENT[:2], AD, UNDETERMINED, []),
        (SHOWN, "chu.local", NOT_APPLICABLE, []),
    ],
    ids=["absent", "shown", "shown-and-silent", "silent", "not-asked", "no-public-name"],
)
def test_forest_not_published(sets: tuple[RecordSet, ...], forest: str, outcome: Outcome, objects: list[str]) -> None:
    (built,) = establishments.build(record(sets, forest=forest))
    assert isinstance(built, EstablishmentView)
    verdict: Verdict = establishment.forest_not_published.judge(built)
    assert verdict.outcome is outcome
    assert [o.id for o in verdict.objects] == objects


def test_without_a_directory_there_is_nothing_to_join() -> None:
    alone = record(ABSENT)
    assert list(establishments.build(replace(alone, observations=alone.observations[1:]))) == []


def past(days: int, kind: Part, asset: str) -> PastScan:
    finding = PastFinding(rule="r", asset=asset, outcome="met", severity="info")
    return PastScan(
        scan=f"s-{days}", kind=kind, seen_at=DAY - timedelta(days=days), perimeter_digest="", findings={"f": finding}
    )


@pytest.mark.parametrize(
    ("scans", "outcome"),
    [
        ((), NOT_APPLICABLE),
        ((past(30, Part.EXPOSURE, "domain:ch.test"),), MET),
        ((past(45, Part.EXPOSURE, "domain:ch.test"),), MET),
        ((past(46, Part.EXPOSURE, "domain:ch.test"),), NOT_MET),
        ((past(90, Part.EXPOSURE, "domain:ch.test"), past(10, Part.EXPOSURE, "domain:ch.test")), MET),
        ((past(10, Part.EXPOSURE, "domain:other.test"),), NOT_APPLICABLE),
        ((past(10, Part.DIRECTORY, "domain:ch.test"),), NOT_APPLICABLE),
    ],
)
def test_exposure_audited_regularly(scans: tuple[PastScan, ...], outcome: Outcome) -> None:
    views = list(rhythms.build(record(ABSENT, timeline=Timeline(scans=scans))))
    # The directory part was joined from an earlier scan: its rhythm is that scan's to tell.
    (view,) = views
    assert isinstance(view, RhythmView)
    assert establishment.exposure_audited_regularly.judge(view).outcome is outcome
    assert establishment.directory_audited_regularly.judge(view).outcome is NOT_APPLICABLE


@pytest.mark.parametrize(("days", "outcome"), [(None, NOT_APPLICABLE), (100, MET), (101, NOT_MET)])
def test_directory_audited_regularly(days: int | None, outcome: Outcome) -> None:
    rule: Rule = establishment.directory_audited_regularly
    view = RhythmView(
        asset=FOREST, seen_at=DAY, vantage=Vantage.INSIDE, evidence=(), part=Part.DIRECTORY,
        previous=None if days is None else DAY - timedelta(days=days),
    )  # fmt: skip
    assert rule.judge(view).outcome is outcome
