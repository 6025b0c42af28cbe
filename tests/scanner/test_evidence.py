"""Evidence packs: VERIFIER.md followed to the letter, every changed byte named, and signers and dates that fail."""

from __future__ import annotations

import json
import re
import subprocess
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from reports.evidence import pack
from reports.words import Said, load
from scanner.cli import app
from scanner.demo.play import FAULTY, HEALTHY
from scanner.evidence import signer as signers
from scanner.evidence import stamp
from scanner.evidence.check import Trust, check
from scanner.evidence.opening import UnreadablePackError, open_pack
from tests.lab import tsa
from tests.lab.staged import Look, staged

NOW = datetime.now(UTC)
TRUST = Trust(now=NOW)
ENGLISH = load("en", "scanner")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with one scan of the healthy clinic, and a document attached to it."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "mandat.pdf").write_bytes(b"%PDF mandat")
    staged(folder, HEALTHY, [Look(ago=0)], document="mandat.pdf")
    (folder / "plan.pdf").write_bytes(b"%PDF plan")
    hygie(folder, "attest", "add", HEALTHY, "action_plan", "plan.pdf", "actions=9", "done=4", "--dated", "2026-06-01")
    return folder


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tsa.Authority]:
    with tsa.serving(tmp_path_factory.mktemp("tsa") / "a") as served:
        yield served


@pytest.fixture(scope="module")
def stamped(home: Path, authority: tsa.Authority) -> Path:
    """A pack that is signed by an own key and dated by the authority."""
    evidence(home, "stamped.zip", stamping(authority))
    return home / "stamped.zip"


@pytest.fixture(scope="module")
def plain(home: Path) -> Path:
    """A pack without time-stamp."""
    evidence(home, "plain.zip")
    return home / "plain.zip"


def hygie(folder: Path, *arguments: str, config: str = "config.toml", code: int = 0) -> str:
    here = [str(folder / a) if a.endswith((".pdf", ".zip", ".key", ".pem")) else a for a in arguments]
    tail = ["--lang", "en"] if here[0] == "verify" else ["-c", str(folder / config)]
    done = CliRunner().invoke(app, [*here, *tail], catch_exceptions=False)
    assert done.exit_code == code, done.output
    return done.stdout if code in {0, 1} else done.stderr


def evidence(folder: Path, name: str, more: str = "", code: int = 0) -> str:
    text = (folder / "config.toml").read_text()
    (folder / "evidence.toml").write_text(text + "\n[evidence]\n" + more)
    return hygie(folder, "evidence", "-o", name, config="evidence.toml", code=code)


def stamping(authority: tsa.Authority) -> str:
    return (
        f'timestamp_url = "{authority.url}"\ntimestamp_authority = "{authority.anchors}"\n'
        f'timestamp_ca_file = "{authority.tls_anchors}"\n'
    )


def differences(path: Path, trust: Trust = TRUST) -> list[str]:
    try:
        files, found = open_pack(path)
    except UnreadablePackError as error:
        return [str(error)]
    return sentences([*found, *check(files, trust).differences])


def sentences(found: list[Said]) -> list[str]:
    return [text.in_(ENGLISH) for text in found]


@pytest.mark.parametrize("name", ["plain", "stamped"])
def test_verifier_md_is_followed_with_openssl_sha256sum_and_unzip_alone(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    made: Path = request.getfixturevalue(name)
    with zipfile.ZipFile(made) as archive:
        guide = archive.read("VERIFIER.md").decode()
    commands = re.findall(r"^\$ (.+)$", guide, re.MULTILINE)
    assert {c.split()[0] for c in commands} <= {"unzip", "openssl", "sha256sum", "grep", "find", "head"}
    assert ("openssl ts" in guide) is (name == "stamped")
    script = "\n".join(["set -e", *commands]).replace("DOSSIER.zip", str(made))
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout + done.stderr
    assert "erification successful" in said
    assert said.count(": OK") >= 8
    printed = re.search(r"sha256 Fingerprint=(\S+)", said)
    assert printed
    assert printed[1] in guide
    assert ("Verification: OK" in said) is (name == "stamped")
    assert "non qualifié" in guide


def test_a_pack_holds_what_a_third_party_needs(home: Path, stamped: Path) -> None:
    files, found = open_pack(stamped)
    assert found == []
    manifest = json.loads(files[pack.MANIFEST])
    assert manifest["schema"] == "hygie/evidence/1"
    assert manifest["mandate"]["reference"] == "DEMO-2"
    assert manifest["signer"]["standing"] == "non qualifié"
    assert manifest["timestamp"] == {"authority": "127.0.0.1"}
    assert set(manifest["judgement"]["sets"]) == {"care-d1@2024"}
    assert [a["type"] for a in manifest["attestations"]] == ["action_plan"]
    assert b"%PDF plan" in [data for name, data in files.items() if name.startswith("attestations/")]
    assert files["mandate/mandate.pdf"] == b"%PDF mandat"
    assert manifest["mandate"]["document_sha256"] == pack.digest(b"%PDF mandat")
    assert files["report.json"] == hygie(home, "report", code=0).encode()
    assert json.loads(files["audit.jsonl"].splitlines()[0])["document"]
    assert (stamped.stat().st_mode & 0o777, (home / "hygie-signer.pem").stat().st_mode & 0o777) == (0o600, 0o600)


def test_verify_says_who_signed_when_and_what_it_is_worth(home: Path, stamped: Path, plain: Path) -> None:
    said = hygie(home, "verify", "stamped.zip")
    assert "time-stamp: 20" in said
    assert "rfc3161-client: ok" in said
    assert "non qualifié" in said
    assert "all as they were" in said
    assert "time-stamp: none" in hygie(home, "verify", "plain.zip")


def test_a_folder_verifies_like_its_archive(plain: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(plain) as archive:
        archive.extractall(tmp_path)
    assert differences(tmp_path) == []
    (tmp_path / "report.json").write_bytes(b"{}")
    (tmp_path / "VERIFIER.md").unlink()
    (tmp_path / "more.txt").write_bytes(b"")
    assert {"altered: report.json", "missing: VERIFIER.md", "added: more.txt"} <= {*differences(tmp_path)}


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_every_changed_byte_is_named(stamped: Path, tmp_path: Path, data: st.DataObject) -> None:
    original = stamped.read_bytes()
    position = data.draw(st.integers(0, len(original) - 1))
    changed = bytearray(original)
    changed[position] ^= data.draw(st.integers(1, 255))
    altered = tmp_path / "altered.zip"
    altered.write_bytes(changed)
    found = differences(altered)
    assert found, position
    with zipfile.ZipFile(stamped) as archive:
        for entry in archive.infolist():
            start = entry.header_offset + 30 + len(entry.filename)
            if start <= position < start + entry.file_size:
                assert any(entry.filename in text for text in found), (entry.filename, found)


@pytest.mark.parametrize("name", [pack.SIGNATURE, pack.TOKEN, pack.SEALS, pack.SUMS, pack.SIGNER, pack.MANIFEST])
def test_no_byte_of_what_seals_the_rest_changes_unseen(stamped: Path, name: str) -> None:
    files, _ = open_pack(stamped)
    step = max(1, len(files[name]) // 40)
    for position in range(0, len(files[name]), step):
        changed = bytearray(files[name])
        changed[position] ^= 1
        found = sentences(check({**files, name: bytes(changed)}, TRUST).differences)
        assert any(name in text for text in found), (name, position, found)


@pytest.mark.soak
def test_each_byte_of_a_small_pack_is_named(authority: tsa.Authority, tmp_path: Path) -> None:
    signer = signers.own(tmp_path / "key.pem", NOW)
    files = {
        "report.json": b"{}\n", pack.GUIDE: b"x", pack.AUTHORITY: authority.anchors.read_bytes(),
        pack.SIGNER: signer.certificates[0].public_bytes(Encoding.PEM),
    }  # fmt: skip
    files[pack.SUMS] = pack.sums(files)
    about = {
        "timestamp": {"authority": "here"}, "clock": {"made_at": NOW},
        "signer": {"sha256": signer.certificates[0].fingerprint(hashes.SHA256()).hex()},
    }  # fmt: skip
    files[pack.MANIFEST] = pack.manifest(pack.Described(schema=pack.SCHEMA, about=about), files)
    files[pack.SIGNATURE] = signer.sign(files[pack.MANIFEST])
    files[pack.TOKEN] = stamp.ask(authority.url, files[pack.SIGNATURE], ca_file=authority.tls_anchors)
    files[pack.SEALS] = pack.seals(files)
    whole, altered = pack.archive(files), tmp_path / "altered.zip"
    altered.write_bytes(whole)
    assert differences(altered) == []
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1
        altered.write_bytes(changed)
        assert differences(altered), position


@pytest.mark.parametrize("kept", [0, 10, 1000, -1, -30, -1000])
def test_a_truncated_pack_is_said(plain: Path, tmp_path: Path, kept: int) -> None:
    short = tmp_path / "short.zip"
    short.write_bytes(plain.read_bytes()[:kept])
    assert any("short.zip" in text for text in differences(short))


def test_a_remade_pack_needs_the_key(home: Path, plain: Path, tmp_path: Path) -> None:
    """Sums, manifest and seals can be made again by anybody; the signature cannot."""
    files, _ = open_pack(plain)
    files["report.json"] = files["report.json"].replace(b'"low"', b'"info"')
    listed = {n: d for n, d in files.items() if n not in {pack.SEALS, pack.SUMS, *pack.SEALED}}
    files[pack.SUMS] = pack.sums(listed)
    told = json.loads(files[pack.MANIFEST])
    told.pop("files"), told.pop("schema")
    files[pack.MANIFEST] = pack.manifest(
        pack.Described(schema=pack.SCHEMA, about=told), {**listed, pack.SUMS: files[pack.SUMS]}
    )
    files[pack.SEALS] = pack.seals(files)
    found = sentences(check(files, TRUST).differences)
    assert len(found) == 1
    assert "it was made over other bytes" in found[0]
    # Signed again with another key, it is another signer's.
    stranger = signers.own(tmp_path / "stranger.pem", NOW)
    files[pack.SIGNATURE] = stranger.sign(files[pack.MANIFEST])
    files[pack.SEALS] = pack.seals(files)
    assert any(text.startswith("wrong certificate") for text in sentences(check(files, TRUST).differences))


def test_the_expected_signer_is_compared(home: Path, plain: Path) -> None:
    certificate = x509.load_pem_x509_certificates((home / "hygie-signer.pem").read_bytes())[0]
    right = certificate.fingerprint(hashes.SHA256()).hex(":")
    assert differences(plain, Trust(now=NOW, signer=right)) == []
    assert "wrong certificate: expected SHA-256 00ff" in hygie(home, "verify", "plain.zip", "--signer", "00:FF", code=1)
    assert differences(plain, Trust(now=NOW, authorities=(certificate,))) == []


def test_an_expired_time_stamp_certificate_is_said(stamped: Path, authority: tsa.Authority) -> None:
    later = Trust(now=authority.expires + timedelta(days=1))
    found = differences(stamped, later)
    assert len(found) == 1
    assert "the authority's certificate expired on" in found[0]
    assert differences(stamped, Trust(now=authority.expires - timedelta(days=1))) == []


def test_a_token_that_the_library_refuses_gets_a_second_opinion(home: Path, tmp_path: Path) -> None:
    with tsa.serving(tmp_path / "chain", chain=True) as served:
        evidence(home, "chain.zip", stamping(served))
    files, _ = open_pack(home / "chain.zip")
    found = check(files, TRUST)
    assert found.differences == []
    said = next(text for text in sentences(found.told) if text.startswith("time-stamp"))
    assert "InvalidSetOrdering" in said
    assert "openssl: ok" in said


def test_a_token_of_another_authority_does_not_hold(stamped: Path, tmp_path: Path) -> None:
    with tsa.serving(tmp_path / "other") as other:
        anchors = tuple(x509.load_pem_x509_certificates(other.anchors.read_bytes()))
    found = differences(stamped, Trust(now=NOW, stamp_authorities=anchors))
    assert len(found) == 1
    assert "manifest.tsr: it does not hold" in found[0]


def test_the_authority_is_reached_by_strict_tls_only(home: Path, tmp_path: Path) -> None:
    with tsa.serving(tmp_path / "uncertified", certified=False) as served:
        said = evidence(home, "never.zip", stamping(served), code=3)
    assert "the time-stamp authority 127.0.0.1" in said
    assert "certificate verify failed" in said
    assert not (home / "never.zip").exists()
    refused = stamping(served).replace("https://", "http://")
    assert "timestamp_url" in evidence(home, "never.zip", refused, code=3)
    with tsa.serving(tmp_path / "garbage", reply=b"\x30\x03\x02\x01\x00") as served:
        assert "cannot be read as a time-stamp response" in evidence(home, "never.zip", stamping(served), code=3)


def test_a_pkcs12_key_or_a_command_signs(home: Path, tmp_path: Path) -> None:
    own = signers.own(tmp_path / "own.pem", NOW)
    sealed = pkcs12.serialize_key_and_certificates(
        b"sceau", own.key, own.certificates[0], None, BestAvailableEncryption(b"secret")
    )
    (home / "sceau.p12").write_bytes(sealed)
    (home / "mot").write_text("secret\n")
    (home / "mot").chmod(0o600)
    evidence(home, "p12.zip", f'key = "sceau.p12"\nkey_password = "file:{home / "mot"}"\n')
    assert differences(home / "p12.zip") == []
    (home / "mot").write_text("faux\n")
    said = evidence(home, "never.zip", f'key = "sceau.p12"\nkey_password = "file:{home / "mot"}"\n', code=3)
    assert "wrong file or wrong password" in said
    (home / "public.pem").write_bytes(own.certificates[0].public_bytes(Encoding.PEM))
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", str(tmp_path / "own.pem")]
    evidence(home, "command.zip", f'signer = {json.dumps(command)}\nsigner_certificate = "public.pem"\n')
    assert differences(home / "command.zip") == []
    said = evidence(home, "never.zip", 'signer = ["false"]\nsigner_certificate = "public.pem"\n', code=3)
    assert "false ended with 1" in said


def test_an_expired_key_signs_nothing(home: Path, tmp_path: Path) -> None:
    old = signers.own(tmp_path / "old.pem", NOW - timedelta(days=4000))
    command = ["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-signer", str(tmp_path / "old.pem")]
    (home / "old.pem").write_bytes(old.certificates[0].public_bytes(Encoding.PEM))
    said = evidence(home, "never.zip", f'signer = {json.dumps(command)}\nsigner_certificate = "old.pem"\n', code=3)
    assert "renew it before signing" in said


def test_a_document_that_changed_is_not_filed(home: Path) -> None:
    paper = home / "plan.pdf"
    paper.write_bytes(b"%PDF autre")
    try:
        assert "is no longer the document that was attached" in evidence(home, "never.zip", code=3)
        assert "is no longer the document" in hygie(home, "dossier", "freeze", code=3)
    finally:
        paper.write_bytes(b"%PDF plan")


def test_a_frozen_dossier_stays_and_is_watched(home: Path) -> None:
    id, path = hygie(home, "dossier", "freeze").split()
    assert hygie(home, "dossier", "freeze").split() == [id, path]
    assert f"{id}  inchangé" in hygie(home, "dossier", "list")
    evidence(home, "frozen.zip")
    assert json.loads(open_pack(home / "frozen.zip")[0][pack.MANIFEST])["frozen"]["id"] == id
    assert pack.digest(Path(path).read_bytes()) == id
    kept = Path(path).read_bytes()
    Path(path).chmod(0o600)
    Path(path).write_bytes(kept + b" ")
    assert f"{id}  modifié" in hygie(home, "dossier", "list", code=1)
    Path(path).write_bytes(kept)


def test_a_redacted_pack_names_nobody_and_comes_from_the_full_one(home: Path, stamped: Path) -> None:
    hygie(home, "evidence", "--redact", "stamped.zip", "-o", "redacted.zip", "--key", "owner.key")
    hygie(home, "evidence", "--redact", "stamped.zip", "-o", "again.zip", "--key", "owner.key")
    assert (home / "redacted.zip").read_bytes() == (home / "again.zip").read_bytes()
    files, _ = open_pack(home / "redacted.zip")
    report = files["report.json"].decode().lower()
    for name in ("bonport", "127.77", "établissement fictif", "auditrice", "plan.pdf"):
        assert name not in report, name
    full = json.loads(open_pack(stamped)[0]["report.json"])
    told = json.loads(report)
    assert [f["rule"] for f in told["findings"]] == [f["rule"] for f in full["findings"]]
    assert told["perimeter"]["digest"] != full["perimeter"]["digest"]
    # One name has one pseudonym, in findings as in assets.
    assert {f["asset"] for f in told["findings"]} <= {a["id"] for a in told["assets"]}
    said = hygie(home, "verify", "redacted.zip", "--full", "stamped.zip", "--key", "owner.key")
    assert "redacted: names are pseudonyms" in said
    assert "time-stamp: 20" in said
    hygie(home, "evidence", "--redact", "stamped.zip", "-o", "other.zip", "--key", "other.key")
    said = hygie(home, "verify", "other.zip", "--full", "stamped.zip", "--key", "owner.key", code=1)
    assert "and the key give" in said
    commands = re.findall(r"^\$ (.+)$", files[pack.GUIDE].decode(), re.MULTILINE)
    script = "\n".join(["set -e", *commands]).replace("DOSSIER.zip", str(home / "redacted.zip"))
    done = subprocess.run(["bash", "-c", script], cwd=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Verification: OK" in done.stdout + done.stderr


def test_other_establishments_are_in_the_audit_segment_by_digest_alone(home: Path) -> None:
    hygie(home, "attest", "add", FAULTY, "action_plan", "plan.pdf", "actions=1", "done=1",
          "--dated", "2026-06-01")  # fmt: skip
    evidence(home, "segment.zip")
    files, _ = open_pack(home / "segment.zip")
    rows = [json.loads(row) for row in files["audit.jsonl"].splitlines()]
    assert any("withheld" in row for row in rows)
    assert FAULTY.encode() not in files["audit.jsonl"]
    assert differences(home / "segment.zip") == []
    rows[1]["document"] = rows[1].get("document", "{}") + " "
    changed = "\n".join(json.dumps(row) for row in rows).encode()
    found = sentences(check({**files, "audit.jsonl": changed}, TRUST).differences)
    assert "audit.jsonl, line 2: its content is not what was logged" in found
