"""The configuration: the example is the defaults; what is wrong is said in one sentence that names the place."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tomllib
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scanner.catalogue import known_probes, probe_settings
from scanner.config.load import ConfigError, Settings, load, parse
from scanner.config.schema import FileSchema
from scanner.config.secrets import SecretError, read
from scanner.run import check_mandate

ROOT = Path(__file__).parents[2]
GOOD = """
[[mandates]]
reference = "M1"
signatory = "Directrice"
valid_from = 2026-01-01
valid_until = 2026-12-31
domains = ["ch-exemple.fr", "hôpital-exemple.fr"]
networks = ["203.0.113.0/28"]
directories = ["ldaps://dc1.ad.ch-exemple.fr"]
[[perimeters]]
id = "ch"
name = "CH d'Exemple"
mandate = "M1"
hosts = ["www.ch-exemple.fr"]
directories = ["ad"]
members = [{ finess = "010000000", name = "CH d'Exemple" }]
[[directories]]
name = "ad"
url = "ldaps://dc1.ad.ch-exemple.fr"
user = "hygie"
password = "env:HYGIE_TEST_SECRET"
"""


def read_text(text: str) -> Settings:
    return parse(Path("hygie.toml"), text)


def test_the_example_loads_and_equals_the_defaults() -> None:
    settings = load(ROOT / "config.example.toml")
    assert settings.file == FileSchema()
    assert settings.perimeters == {}


def test_every_setting_with_a_default_stands_in_the_example() -> None:
    written = tomllib.loads((ROOT / "config.example.toml").read_text())
    for section in ("box", "pace", "run", "store", "retention", "reports", "serve", "worker", "oidc", "notify"):
        assert set(written[section]) == set(type(getattr(FileSchema(), section)).model_fields), section


def test_a_good_file_becomes_perimeters_and_mandates() -> None:
    settings = read_text(GOOD)
    assert settings.mandates["M1"].scope.domains == ("ch-exemple.fr", "xn--hpital-exemple-0ob.fr")
    assert settings.perimeters["ch"].hosts == ("www.ch-exemple.fr",)
    assert len(settings.perimeters["ch"].digest) == 64


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("signatory", "signatary", ("line 4", "unknown key", "signatory")),
        ('mandate = "M1"', 'mandate = "M2"', ("perimeter ch", "M2", "[[mandates]]")),
        ('hosts = ["www.ch-exemple.fr"]', 'hosts = ["www.autre.fr"]', ("www.autre.fr", "hosted")),
        ('"env:HYGIE_TEST_SECRET"', '"azerty"', ("password", "never written here")),
        ("203.0.113.0/28", "203.0.113.300/28", ("networks",)),
        ("010000000", "01000", ("finess",)),
        ("valid_until = 2026-12-31", "valid_until = 2025-12-31", ("valid_until",)),
        ("valid_until = 2026-12-31", "", ("valid_until", "required")),
        ('directories = ["ldaps://dc1', 'directories = ["ldaps://dc2', ("ldaps://dc1", "not in mandate")),
        ("[[perimeters]]", "[[perimeters]", ("hygie.toml",)),
    ],
)
def test_a_mistake_is_one_sentence_with_its_place(old: str, new: str, words: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        read_text(GOOD.replace(old, new, 1))
    sentence = str(caught.value)
    assert all(word in sentence for word in ("hygie.toml", *words)), sentence
    assert "azerty" not in sentence
    assert "\n" not in sentence


def test_an_expired_mandate_refuses_scans_and_nothing_else() -> None:
    mandate = read_text(GOOD).mandates["M1"]
    check_mandate(mandate, datetime(2026, 12, 31, 23, tzinfo=UTC))
    with pytest.raises(ConfigError, match="expired on 2026-12-31"):
        check_mandate(mandate, datetime(2027, 1, 1, tzinfo=UTC))
    with pytest.raises(ConfigError, match="valid from 2026-01-01"):
        check_mandate(mandate, datetime(2025, 6, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ('[reports]\ncriteria = ["foo@1"]', ("no set is called foo@1", "care-d1@2024")),
        ("[rules.nope]\nx = 1", ("rules.nope", "no rule is called so")),
        ("[rules.certificate-renewed-in-time]\nmargin = 1", ("unknown parameter margin", "margin_days")),
        ('[rules.certificate-renewed-in-time]\nmargin_days = "x"', ("margin_days", "wrong type")),
        ("[probes.nope]\nx = 1", ("probes.nope", "no probe is called so")),
        ("[probes.ports]\nx = 1", ("probes.ports", "unknown setting x")),
        ("[probes.directory]\ntargets = {}", ("probes.directory", "unknown setting targets; known: none")),
        ("[probes.dns]\nroots = 5", ("probes.dns.roots", "not 5")),
        ('[probes.web]\nclear_ports = [80, "443"]', ("probes.web.clear_ports[1]", "valid integer")),
        ('[store]\nurl = "folder"', ("folder", "[store] url")),
        ('[store]\nurl = ""', ("folder", "[store] url")),
        ('[store]\nurl = "text.txt"', ("not a database", "[store] url")),
        ('[store]\nurl = "postgresql://u@h:abc/d"', ("[store] url cannot be read",)),
        (
            '[store]\nurl = "postgresql://u:p4ss@127.0.0.1:1/d"',
            ("refused; check [store] url, and that its server runs",),
        ),
        ('[store]\nurl = "mysql://u@h/d"', ("[store] url is a SQLite path", "mysql://")),
    ],
)
def test_a_mistake_is_said_before_anything_begins(
    added: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HYGIE_TEST_SECRET", "s3cret")
    (tmp_path / "folder").mkdir(mode=0o755)
    (tmp_path / "text.txt").write_text("This is no database, only a text that is long enough. " * 20)
    (tmp_path / "text.txt").chmod(0o644)
    config = tmp_path / "config.toml"
    config.write_text(f"{added}\n{GOOD}")
    places = tmp_path, tmp_path / "folder", tmp_path / "text.txt"
    modes = [place.stat().st_mode for place in places]
    told = hygie("scan", "-c", str(config))
    assert (told.returncode, told.stdout) == (3, ""), told.stderr
    assert told.stderr.count("\n") == 1
    assert all(word in told.stderr for word in words), told.stderr
    assert "p4ss" not in told.stderr
    assert [place.stat().st_mode for place in places] == modes
    store = tmp_path / "hygie.sqlite"
    if store.exists():
        with closing(sqlite3.connect(store)) as database:
            assert database.execute("SELECT count(*) FROM scans").fetchone() == (0,)


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    told = hygie("init", str(tmp_path / "absent" / "config.toml"))
    assert (told.returncode, told.stdout) == (3, "")
    assert told.stderr.count("\n") == 1
    assert "No such file or directory" in told.stderr


def hygie(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "scanner", *words], capture_output=True, text=True, timeout=60)


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="hygie init"):
        load(tmp_path / "absent.toml")


def test_secrets_come_by_reference_and_are_never_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYGIE_TEST_SECRET", "s3cret")
    assert read("env:HYGIE_TEST_SECRET").reveal() == "s3cret"
    assert "s3cret" not in repr(read("env:HYGIE_TEST_SECRET"))
    file = tmp_path / "secret"
    file.write_text("pässword\n")
    file.chmod(0o644)
    with pytest.raises(SecretError, match="chmod 600"):
        read(f"file:{file}")
    file.chmod(0o600)
    assert read(f"file:{file}").reveal() == "pässword"
    with pytest.raises(SecretError, match="HYGIE_ABSENT"):
        read("env:HYGIE_ABSENT")


def test_no_setting_of_a_probe_takes_what_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYGIE_TEST_SECRET", "s3cret")
    config = tmp_path / "config.toml"
    config.write_text(GOOD)
    settings = load(config)
    for name, probe in known_probes().items():
        for own in fields(probe.Settings):
            wrong: dict[str, Any] = {name: {own.name: [["neither", True]]}}
            with pytest.raises(ConfigError, match=rf"probes\.{name}.*{own.name}"):
                probe_settings(replace(settings, file=settings.file.model_copy(update={"probes": wrong})))
