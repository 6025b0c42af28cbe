"""The command that imports: a scan of its own, said in one page, and one sentence for what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from probes.interface import Part, Vantage
from scanner.cli import app
from scanner.exit import Exit
from scanner.store.store import open_store

CONFIG = """
[box]
name = "sonde-1"
[[mandates]]
reference = "M1"
signatory = "Directrice"
valid_from = 2020-01-01
valid_until = 2020-12-31
domains = ["ch-exemple.fr"]
[[perimeters]]
id = "ch"
name = "CH d'Exemple"
unit = "ej"
mandate = "M1"
"""
LDIF = b"""dn: DC=ch,DC=example
objectClass: domainDNS
instanceType: 5
uSNCreated: 1
minPwdLength: 6

dn: CN=Mathilde,DC=ch,DC=example
objectClass: user
objectSid:: AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAA9AEAAA==
sAMAccountName: mathilde
userAccountControl: 66048

"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG)
    return path


def run(config: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["import", *words, "-c", str(config)])
    return done.exit_code, done.stdout, done.stderr


def test_an_export_is_a_scan_with_its_own_box_instant_and_vantage_even_after_the_mandate(config: Path) -> None:
    (config.parent / "ad.ldif").write_bytes(LDIF)
    code, told, _ = run(config, "ldif", str(config.parent / "ad.ldif"), "--at", "2025-03-01", "--box", "portable")
    assert code in {Exit.FINDINGS, Exit.PARTIAL}
    assert "ch.example" in told
    assert "--complete" in told
    assert "--complete" not in run(config, "ldif", str(config.parent / "ad.ldif"), "--complete")[1]
    with open_store(config.parent / "hygie.sqlite") as store:
        scan = store.scans.all()[0]
        seen = store.record(scan.id).observations
    (part,) = scan.parts
    assert (part.kind, part.box, part.vantage, scan.level) == (Part.IMPORT, "portable", Vantage.INSIDE, 0)
    assert f"{part.started_at:%Y-%m-%d}" == f"{part.ended_at:%Y-%m-%d}" == "2025-03-01"
    assert {f"{o.seen_at:%Y-%m-%d}" for o in seen} == {"2025-03-01"}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("parchemin", "x"), "no import is called parchemin; known: "),
        (("ldif", "absent.ldif"), "No such file or directory"),
        (("ldif", "ad.ldif", "--perimeter", "autre"), "no perimeter is called autre"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence_and_no_scan(config: Path, words: tuple[str, ...], says: str) -> None:
    (config.parent / "ad.ldif").write_bytes(LDIF)
    kind, file, *rest = words
    code, told, said = run(config, kind, str(config.parent / file), *rest)
    assert (code, told) == (Exit.REFUSED, "")
    assert says in said
    assert said.count("\n") == 1
    with open_store(config.parent / "hygie.sqlite") as store:
        assert store.scans.all() == ()


def test_a_file_that_is_no_export_is_a_failed_attempt_and_exit_four(config: Path) -> None:
    (config.parent / "photo.ldif").write_bytes(b"\x89PNG\r\n\x1a\n" * 50)
    code, _, _ = run(config, "ldif", str(config.parent / "photo.ldif"))
    assert code == Exit.PARTIAL


def test_a_format_without_a_real_sample_says_so(config: Path) -> None:
    (config.parent / "vide").mkdir()
    _, _, said = run(config, "oradad", str(config.parent / "vide"))
    assert "to be reviewed" in said


def test_the_severity_that_fails_is_said_for_one_run(config: Path) -> None:
    (config.parent / "ad.ldif").write_bytes(LDIF.partition(b"\n\n")[0] + b"\n\n")
    words = ("ldif", str(config.parent / "ad.ldif"), "--complete")
    assert run(config, *words, "--fail-on", "critical")[0] == Exit.FINDINGS
    accepted = ["waive", "grant", "critical-objects-readable@ad-domain:ch.example", "--reason", "r", "--owner", "o"]
    until = ["--until", f"{datetime.now(UTC).date() + timedelta(days=90)}", "-c", str(config)]
    assert CliRunner().invoke(app, [*accepted, *until]).exit_code == Exit.CLEAN
    assert run(config, *words, "--fail-on", "critical")[0] in {Exit.CLEAN, Exit.PARTIAL}
    assert run(config, *words)[0] == Exit.FINDINGS
    assert run(config, *words, "--fail-on", "grave")[0] == Exit.USAGE
