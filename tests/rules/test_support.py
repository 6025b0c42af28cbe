from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from rules.support import software_support, windows_support
from scanner.config.load import ConfigError, parse
from scanner.feeds.load import feeds

FEED = next(f for f in feeds(parse(Path("config.toml"), "")) if f.name == "end-of-support")


@pytest.mark.parametrize(
    ("system", "version", "cycle", "end"),
    [
        ("Windows Server 2012 R2 Standard", "6.3 (9600)", "2012-r2", "2023-10-10"),
        ("Windows Server 2008 R2 Enterprise", "6.1 (7601)", "2008-r2-sp1", "2020-01-14"),
        ("Windows Server® 2008 Standard", "6.0 (6002)", "2008-sp2", "2020-01-14"),
        ("Windows Server 2003", "5.2 (3790)", "2003-sp2", "2015-07-14"),
        ("Windows 2000 Server", "5.0 (2195)", "2000", "2010-07-13"),
        ("Windows Server 2016 Datacenter", "10.0 (14393)", "2016", "2027-01-12"),
        ("Windows Server 2022 Standard", "10.0 (20348)", "2022", "2031-10-14"),
        ("Windows Server Datacenter", "10.0 (19042)", "20h2-sac", "2022-08-09"),
        ("Windows 10 Entreprise", "10.0 (19044)", "10-21h2-e", "2024-06-11"),
        ("Windows 10 Professionnel", "10.0 (19044)", "10-21h2-w", "2023-06-13"),
        ("Windows 10 Enterprise LTSC", "10.0 (19044)", "10-21h2-e-lts", "2027-01-12"),
        ("Windows 10 Entreprise 2016 LTSB", "10.0 (14393)", "10-1607-e-lts", "2026-10-13"),
        ("Windows 10 Pro", "10.0 (19045)", "10-22h2", "2025-10-14"),
        ("Windows 11 Pro", "10.0 (26100)", "11-24h2-w", "2026-10-13"),
        ("Windows 7 Professionnel", "6.1 (7601)", "7-sp1", "2020-01-14"),
        ("Windows XP Professional", "5.1 (2600)", "5-sp3", "2014-04-08"),
    ],
)
def test_windows(system: str, version: str, cycle: str, end: str) -> None:
    support = windows_support(FEED, system, version)
    assert support is not None
    assert (support.cycle, str(support.end)) == (cycle, end)


@pytest.mark.parametrize(
    ("system", "version"),
    [("Samba", "4.17.12"), ("", ""), ("Windows 12 Pro", "10.0 (40000)"), ("macOS", "14.1"), ("Windows 10 Pro", "")],
)
def test_unknown_systems_are_not_supported_nor_obsolete(system: str, version: str) -> None:
    assert windows_support(FEED, system, version) is None


@pytest.mark.parametrize(
    ("product", "version", "over"),
    [
        ("php", "7.4.33", True),
        ("php", "8.5.1", False),
        ("openssl", "1.0.2k-fips", True),
        ("nginx", "1.10.3", True),
        ("apache-http-server", "2.4.62", False),
        ("apache-http-server", "2.2.15", True),
    ],
)
def test_software(product: str, version: str, *, over: bool) -> None:
    support = software_support(FEED, product, version)
    assert support is not None
    assert support.over(dt.datetime(2026, 11, 24, tzinfo=dt.UTC)) is over


def test_software_that_the_feed_does_not_know() -> None:
    assert software_support(FEED, "php", "99.1") is None
    assert software_support(FEED, "nothing", "1.0") is None


def test_a_feed_of_the_configuration_replaces_the_shipped_one(tmp_path: Path) -> None:
    own = tmp_path / "mine.toml"
    own.write_text('name = "end-of-support"\ndated = 2027-01-01\n[products.php]\n"8.4" = { end = 2020-01-01 }\n')
    settings = parse(tmp_path / "config.toml", '[feeds.files]\nend-of-support = "mine.toml"\n')
    found = next(f for f in feeds(settings) if f.name == "end-of-support")
    support = software_support(found, "php", "8.4.2")
    assert support is not None
    assert support.end == dt.date(2020, 1, 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dated = 2027-01-01\n", "begins with its name"),
        ('name = "end-of-support"\n', "is dated"),
        ("name = ", "mine.toml"),
    ],
)
def test_a_bad_feed_is_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "mine.toml").write_text(text)
    settings = parse(tmp_path / "config.toml", '[feeds.files]\nend-of-support = "mine.toml"\n')
    with pytest.raises(ConfigError, match=said):
        feeds(settings)
