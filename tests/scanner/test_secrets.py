"""A machine without a directory's password: the rest of the scan goes on, and what is not read is said."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from probes.interface import Part, Reason, Status
from reports import summary
from reports.words import load
from rules.interface import Severity
from rules.registry import load as registry
from scanner import run
from scanner.config.load import ConfigError, Settings, parse
from scanner.doctor import examine
from scanner.doctor_directory import Mark
from scanner.exit import Exit, decide
from scanner.judging import judge_scan
from scanner.store.store import Store, open_store

CONFIG = """
[run]
second_look_seconds = 0.1
[probes.ports]
short = [8443]
[[mandates]]
reference = "M1"
signatory = "Directrice"
valid_from = 2026-01-01
valid_until = 2099-12-31
networks = ["127.0.0.40/31"]
directories = ["ldaps://127.0.0.41", "ldaps://127.0.0.41:1636"]
[[perimeters]]
id = "chu"
name = "CHU du laboratoire"
mandate = "M1"
directories = ["ad", "other"]
[[directories]]
name = "ad"
url = "ldaps://127.0.0.41"
user = "u"
password = "env:HYGIE_ABSENT"
bind = "simple"
[[directories]]
name = "other"
url = "ldaps://127.0.0.41:1636"
user = "u"
password = "env:HYGIE_PRESENT"
bind = "simple"
"""
AD = "directory:ad"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.delenv("HYGIE_ABSENT", raising=False)
    monkeypatch.setenv("HYGIE_PRESENT", "secret")
    return parse(tmp_path / "config.toml", CONFIG)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(tmp_path / "hygie.sqlite")


def test_what_needs_the_secret_is_typed_and_everything_else_goes_on(
    settings: Settings, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with store, caplog.at_level(logging.WARNING, "scanner.run"):
        ended, interrupted = asyncio.run(run.scan(settings, store, "chu"))
        dossier = judge_scan(settings, store, ended.id)
    assert caplog.messages == [
        "directory ad, password: the environment variable HYGIE_ABSENT is not set: export it before running Hygie; "
        "this directory is not read, everything else goes on"
    ]
    told = {a.asset: (a.status, a.reason) for a in dossier.attempts if a.probe == "directory@1"}
    assert told == {
        AD: (Status.FAILED, Reason.MISSING_SECRET),
        "directory:other": (Status.FAILED, Reason.REFUSED),
    }
    swept = [a.status for a in dossier.attempts if a.probe.startswith("ports@")]
    assert swept
    assert set(swept) == {Status.COMPLETED}
    assert decide(dossier, Severity.HIGH, interrupted=interrupted) is Exit.PARTIAL
    said = summary.render(dossier, registry().cards, "fr")
    assert "secret absent de cette machine" in said
    assert "donner à cette machine le mot de passe de l’annuaire" in said


def test_a_scan_of_directories_alone_is_refused_only_when_it_has_the_password_of_none(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with store:
        asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
        monkeypatch.delenv("HYGIE_PRESENT")
        with pytest.raises(ConfigError, match=r"directory ad, password: .*; directory other, password: "):
            asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
        assert len(store.scans.all()) == 1


def test_exposure_alone_needs_no_secret(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("HYGIE_PRESENT")
    with store:
        ended, _ = asyncio.run(run.scan(settings, store, "chu", only=Part.EXPOSURE))
    assert ended.state == "complete"
    assert caplog.messages == []


def test_the_doctor_says_what_is_missing_and_asks_the_others(settings: Settings, store: Store) -> None:
    with store:
        missing = [line for mark, line in examine(settings, store, load("fr", "scanner")) if mark is Mark.MISSING]
    (locked,) = (line for line in missing if "annuaire ad" in line)
    assert "secret absent de cette machine (la variable d’environnement HYGIE_ABSENT n’est pas définie" in locked
    (silent,) = (line for line in missing if "annuaire other" in line)
    assert "connexion refusée" in silent
