"""A bundle carries a scan to another store whole: same findings there, nothing half taken, nothing strange taken."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from probes.interface import Part, Vantage
from reports.evidence import pack
from rules.subject import ScanPart
from scanner.cli import app
from scanner.evidence.opening import open_pack
from scanner.exit import Exit
from scanner.store.store import Store, open_store, upgrade_store
from tests.lab import postgres
from tests.scanner.test_import_command import CONFIG, LDIF

Change = Callable[[dict[str, bytes]], None]


def hygie(box: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [*words, "-c", str(box / "config.toml")])
    return done.exit_code, done.stdout, done.stderr


@pytest.fixture
def hospital(tmp_path: Path) -> Path:
    """A box that has read a directory and judged it."""
    box = a_box(tmp_path / "hospital")
    (box / "ad.ldif").write_bytes(LDIF)
    code, _, _ = hygie(box, "import", "ldif", str(box / "ad.ldif"), "--at", "2025-03-01", "--box", "portable")
    assert code in {Exit.FINDINGS, Exit.PARTIAL}
    return box


@pytest.fixture
def region(tmp_path: Path) -> Path:
    return a_box(tmp_path / "region")


def a_box(folder: Path, url: str = "") -> Path:
    folder.mkdir()
    (folder / "config.toml").write_text(f'[store]\nurl = "{url}"\n{CONFIG}' if url else CONFIG)
    return folder


def store(box: Path) -> Store:
    return open_store(box / "hygie.sqlite")


def report(box: Path) -> dict[str, object]:
    code, told, _ = hygie(box, "report", "latest", "--format", "json")
    assert code == Exit.CLEAN, told
    found: dict[str, object] = json.loads(told)
    return found


def exported(hospital: Path, *options: str) -> Path:
    path = hospital / "liasse.zip"
    code, told, _ = hygie(hospital, "bundle", "export", "latest", "-o", str(path), *options)
    assert (code, pack.digest(path.read_bytes()) in told) == (Exit.CLEAN, True)
    return path


@pytest.mark.parametrize("options", [(), ("--with-captures",)])
def test_the_other_box_tells_the_same_findings_of_the_same_scan(
    hospital: Path, region: Path, options: tuple[str, ...]
) -> None:
    path = exported(hospital, *options)
    code, told, _ = hygie(region, "bundle", "import", str(path), "--sha256", pack.digest(path.read_bytes()))
    assert (code, "repris" in told) == (Exit.CLEAN, True)
    assert report(region) == report(hospital)
    with store(region) as kept:
        (part,) = kept.scans.find("latest").parts
        assert part.box == "portable"
        assert [e.event for e in kept.audit.events()].count("bundle-taken") == 1
        assert kept.verify_audit() is None
    with store(hospital) as kept:
        assert "bundle-made" in [e.event for e in kept.audit.events()]


@pytest.mark.postgres
def test_a_file_and_a_postgresql_database_hand_a_scan_to_each_other(hospital: Path, tmp_path: Path) -> None:
    with postgres.server() as server:
        url = server.new_database()
        upgrade_store(url)
        region = a_box(tmp_path / "region", url)
        path = exported(hospital, "--with-captures")
        assert hygie(region, "bundle", "import", str(path))[0] == Exit.CLEAN
        assert report(region) == report(hospital)
        code, told, _ = hygie(region, "bundle", "import", str(path))
        assert (code, "déjà présent" in told) == (Exit.CLEAN, True)
        back = exported(region, "--with-captures")
        with open_store(url) as kept:
            assert [e.event for e in kept.audit.events()] == ["bundle-taken", "bundle-taken", "bundle-made"]
            assert kept.verify_audit() is None
    # judged from what came back, captures and all
    other = a_box(tmp_path / "other")
    assert hygie(other, "bundle", "import", str(back))[0] == Exit.CLEAN
    assert hygie(other, "judge", "latest")[0] in {Exit.FINDINGS, Exit.PARTIAL}
    assert report(other)["findings"] == report(hospital)["findings"]


def test_the_bytes_of_a_directory_leave_only_when_asked(hospital: Path) -> None:
    assert sorted(open_pack(exported(hospital))[0]) == ["SHA256SUMS", "bundle.json"]
    assert any(name.startswith("captures/") for name in open_pack(exported(hospital, "--with-captures"))[0])


def test_taken_again_it_changes_nothing(hospital: Path, region: Path) -> None:
    path = exported(hospital)
    hygie(region, "bundle", "import", str(path))
    before = report(region)
    code, told, _ = hygie(region, "bundle", "import", str(path))
    assert (code, "déjà présent" in told) == (Exit.CLEAN, True)
    assert report(region) == before


def test_another_content_under_a_known_id_is_refused(hospital: Path, region: Path) -> None:
    path = exported(hospital)
    hygie(region, "bundle", "import", str(path))
    altered(path, content(lambda scan: scan.update(outside=scan["assets"])))
    code, _, error = hygie(region, "bundle", "import", str(path))
    assert (code, "another content" in error) == (Exit.REFUSED, True)


def test_a_scan_whose_captures_were_purged_is_told_as_it_was_judged(hospital: Path) -> None:
    before = report(hospital)
    (hospital / "hygie-captures.sqlite").unlink()
    assert report(hospital) == before


def altered(path: Path, change: Change) -> None:
    """Change the files of a bundle and seal them again, as somebody who knows the format would."""
    files, _ = open_pack(path)
    del files[pack.SUMS]
    change(files)
    files[pack.SUMS] = pack.sums(files)
    path.write_bytes(pack.archive(files))


def content(edit: Callable[[dict[str, object]], object]) -> Change:
    def change(files: dict[str, bytes]) -> None:
        tree = json.loads(files["bundle.json"])
        edit(tree["scans"][0])
        files["bundle.json"] = json.dumps(tree).encode()

    return change


def first_observation(scan: dict[str, object]) -> dict[str, object]:
    steps = scan["steps"]
    assert isinstance(steps, list)
    found: dict[str, object] = next(s["observations"][0] for s in steps if s["observations"])
    return found


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (content(lambda s: s["scan"]["perimeter"].update(id="other")), "no perimeter is called other"),  # type: ignore[index]
        (content(lambda s: (s["scan"].update(id="../x"), s.update(judgement=None))), "whose id is no id"),  # type: ignore[attr-defined]
        (content(lambda s: s.update(instants=["2999-01-01T00:00:00Z"] * 2)), "to come"),
        (content(lambda s: s.update(instants=["2025-01-01T00:00:00"] * 2)), "not what a bundle holds"),
        (content(lambda s: s.update(steps=7)), "not what a bundle holds"),
        (content(lambda s: s["judgement"]["findings"][0].update(rule="no-rule")), "not known here"),  # type: ignore[index]
        (content(lambda s: first_observation(s).update(seen_at="2024-01-01T00:00:00+00:00")), "not what its id says"),
        (lambda files: files.update({"bundle.json": b"[" * 200_000}), "not what a bundle holds"),
        (lambda files: files.update({"captures/" + "0" * 64: b"x"}), "belongs to no observation"),
        (lambda files: files.pop("bundle.json"), "no bundle"),
    ],
)
def test_what_is_strange_is_refused_whole_in_one_sentence(
    hospital: Path, region: Path, change: Change, said: str
) -> None:
    path = exported(hospital)
    altered(path, change)
    code, _, error = hygie(region, "bundle", "import", str(path))
    assert (code, error.count("\n")) == (Exit.REFUSED, 1)
    assert said in error
    with store(region) as kept:
        assert kept.scans.all() == ()


def test_a_flipped_byte_a_cut_file_and_another_digest_are_refused(hospital: Path, region: Path) -> None:
    path = exported(hospital)
    data = path.read_bytes()
    cases = {b"": "", data[:-30]: "", bytes([*data[:200], data[200] ^ 1, *data[201:]]): "", data: "0" * 64}
    for damaged, digest in cases.items():
        path.write_bytes(damaged)
        code, _, error = hygie(region, "bundle", "import", str(path), *(["--sha256", digest] if digest else []))
        assert (code, error.count("\n")) == (Exit.REFUSED, 1)


def test_a_later_scan_is_judged_without_the_directory_whose_bytes_stayed_away(hospital: Path, region: Path) -> None:
    hygie(region, "bundle", "import", str(exported(hospital)))
    at = datetime.now(UTC)
    with store(region) as kept:
        taken = kept.scans.find("latest")
        part = ScanPart(kind=Part.EXPOSURE, box="r", vantage=Vantage.INTERNET, started_at=at, ended_at=at)
        later = replace(taken, id="later", parts=(part,), state="running")
        kept.scans.end(kept.scans.begin(later), replace(later, state="complete"))
    told = report(region)
    assert isinstance(told["scan"], dict)
    assert (told["scan"]["id"], [p["kind"] for p in told["scan"]["parts"]]) == ("later", ["exposure"])
    assert told["directory"] == []
