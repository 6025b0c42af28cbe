"""The age of what runs behind services: told by itself, matched by nmap, maintained by a distribution, unknown."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.services.answered import BrokerAnswered, DatabaseAnswered, PlatformAnswered, Talk
from probes.facts.services.remote import FtpAnswered
from probes.facts.services.version import ServiceVersion
from probes.interface import Asset, AssetKind, Fact, Mandate, Observation, Scope, Vantage
from rules.catalogue.service_software import supported
from rules.interface import Confidence, Outcome, Severity
from rules.subject import Feed, Perimeter, Record, Scan, Timeline
from rules.views.software import SoftwareView, software
from scanner.config.load import parse
from scanner.feeds.load import feeds

MET, NOT_MET, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
ADDRESS = "192.0.2.1"
FEED = next(f for f in feeds(parse(Path("config.toml"), "")) if f.name == "end-of-support")


def record(*facts: Fact, feed: Feed | None = FEED) -> Record:
    where = Asset(kind=AssetKind.SERVICE, name=f"tcp/1@{ADDRESS}")
    mandate = Mandate(
        reference="M", signatory="S", document_sha256="", valid_from=DAY.date(), valid_until=DAY.date(), level=3,
        scope=Scope(),
    )  # fmt: skip
    return Record(
        scan=Scan(
            id="s", perimeter=Perimeter(id="p", name="P", unit="ej"), mandate=mandate, parts=(), level=3,
            state="complete", versions={}, config_digest="",
        ),
        assets=(where,),
        observations=tuple(
            Observation(id=f"o{n}", asset=where, fact=f, seen_at=DAY, probe="x@1", vantage=Vantage.INTERNET)
            for n, f in enumerate(facts)
        ),
        attempts=(), feeds={FEED.name: feed} if feed else {}, timeline=Timeline(), read_capture=lambda _: b"",
    )  # fmt: skip


def database(product: str, version: str, talk: Talk = Talk.SPOKEN) -> DatabaseAnswered:
    return DatabaseAnswered(address=ADDRESS, protocol="x", talk=talk, product=product, version=version)


def nmap(cpe: str, version: str, extra: str = "") -> ServiceVersion:
    return ServiceVersion(address=ADDRESS, service="x", product="X", version=version, extra=extra, cpe=cpe)


def ftp(greeting: str) -> FtpAnswered:
    return FtpAnswered(address=ADDRESS, protocol="ftp", talk=Talk.SPOKEN, product=greeting)


@pytest.mark.parametrize(
    ("fact", "outcome", "severity"),
    [
        (database("MySQL", "5.7.44-log"), NOT_MET, None),
        (database("MySQL", "8.4.3"), MET, None),
        # MariaDB's prefix for old clients is no MySQL 5.5
        (database("MariaDB", "5.5.5-11.4.4-MariaDB"), MET, None),
        (database("MariaDB", "5.5.5-10.3.39-MariaDB"), NOT_MET, None),
        # the distribution corrects it by itself
        (database("MariaDB", "5.5.5-10.3.39-MariaDB-0+deb10u2"), UNDETERMINED, None),
        (database("Microsoft SQL Server", "12.0.6024"), NOT_MET, None),
        (database("Microsoft SQL Server", "15.0.2000"), MET, None),
        (database("MySQL", "99.1"), UNDETERMINED, None),
        (PlatformAnswered(address=ADDRESS, protocol="kubernetes", talk=Talk.SPOKEN, product="Kubernetes",
                          version="v1.24.3"), NOT_MET, None),
        (BrokerAnswered(address=ADDRESS, protocol="amqp", talk=Talk.SPOKEN, product="RabbitMQ", version="3.8.9"),
         NOT_MET, None),
        (ftp("ProFTPD 1.3.5 Server (CH) [192.0.2.1]"), NOT_MET, None),
        (ftp("ProFTPD 1.3.5 Server (Debian) [192.0.2.1]"), UNDETERMINED, None),
        # what nmap matched is a hint
        (nmap("cpe:/a:apache:activemq:5.10.0", "5.10.0"), NOT_MET, Severity.LOW),
        (nmap("cpe:/a:mongodb:mongodb:8.0.4", "8.0.4"), MET, None),
        (nmap("cpe:/a:squid-cache:squid:3.5.27", "3.5.27", "Debian"), UNDETERMINED, None),
    ],
)  # fmt: skip
def test_age_is_judged_by_who_tells_it(fact: Fact, outcome: Outcome, severity: Severity | None) -> None:
    (view,) = software.build(record(fact))
    assert isinstance(view, SoftwareView)
    verdict = supported.judge(view)
    assert (verdict.outcome, verdict.severity) == (outcome, severity)
    assert verdict.confidence is (Confidence.INDICATIVE if severity else None)


@pytest.mark.parametrize(
    "fact",
    [
        # ranges and guesses are no version, a product unknown to the feed has no age
        nmap("cpe:/a:postgresql:postgresql:9.6", "9.6.0 or later"),
        nmap("cpe:/a:postgresql:postgresql", "9.1.2 - 9.1.3"),
        nmap("cpe:/a:mongodb:mongodb:4", "4.x"),
        nmap("cpe:/a:mongodb:mongodb", ""),
        nmap("cpe:/a:openbsd:openssh:7.4", "7.4"),
        nmap("", "1.0"),
        database("Redis", "4.0"),
        database("MySQL", "5.0", Talk.CUT),
    ],
)
def test_nothing_is_said_of_what_is_not_known(fact: Fact) -> None:
    assert not list(software.build(record(fact)))


def test_no_age_without_a_fresh_feed() -> None:
    (view,) = software.build(record(database("MySQL", "5.7.44"), feed=None))
    assert isinstance(view, SoftwareView)
    assert supported.judge(view).outcome is UNDETERMINED


def test_what_a_service_says_of_itself_outweighs_what_nmap_matched() -> None:
    told = record(database("MySQL", "5.7.44"), nmap("cpe:/a:mysql:mysql:5.1", "5.1"))
    (view,) = software.build(told)
    assert isinstance(view, SoftwareView)
    verdict = supported.judge(view)
    assert (verdict.severity, verdict.values["software"]) == (None, "mysql 5.7.44")


def test_a_service_pack_that_is_still_corrected_is_not_blamed_for_the_first_one() -> None:
    (view,) = software.build(record(database("Microsoft SQL Server", "13.0.6300")))
    assert isinstance(view, SoftwareView)
    (sql,) = view.running
    assert sql.support is not None
    assert (sql.support.cycle, str(sql.support.end)) == ("13.0-sp3-acp", "2026-07-14")
