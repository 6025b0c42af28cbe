"""Filing from the dashboard: a dossier frozen, a pack that verifies, nothing by a stale form or without a key."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12

from rules.subject import Attestation
from scanner.config.load import Settings
from scanner.config.schema import EvidenceSection
from scanner.evidence import signer
from scanner.evidence.check import Trust, check
from scanner.evidence.opening import open_pack
from scanner.freezing import frozen
from scanner.store.retention import Retention
from scanner.store.store import Store
from tests.scanner.web import stage

PATH = f"/p/{stage.OURS}/dossier"
DOCUMENT = b"%PDF-1.7 rapport ADS"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Settings, Store]]:
    """A server whose configuration names a key, by its password's reference."""
    made = signer.own(tmp_path / "made.pem", stage.NOW)
    sealed = pkcs12.serialize_key_and_certificates(
        b"sceau", made.key, made.certificates[0], None, BestAvailableEncryption(b"secret du sceau")
    )
    (tmp_path / "sceau.p12").write_bytes(sealed)
    monkeypatch.setenv("HYGIE_TEST_SEAL", "secret du sceau")
    settings = stage.configuration(tmp_path)
    evidence = EvidenceSection(key=Path("sceau.p12"), key_password="env:HYGIE_TEST_SEAL")
    with stage.store_of(tmp_path) as store:
        stage.populate(store, settings)
        yield replace(settings, file=settings.file.model_copy(update={"evidence": evidence})), store


async def test_an_auditor_attaches_freezes_and_takes_the_pack(house: tuple[Settings, Store], tmp_path: Path) -> None:
    settings, store = house
    async with stage.served(settings, store) as client:
        assert await stage.log_in(client, "auditor") == 303
        token = await stage.csrf(client, PATH)
        form: dict[str, Any] = {"_csrf": token, "type": "ad_architecture_description", "dated": "2026-11-02"}
        form |= {"document": io.BytesIO(DOCUMENT), "value-all_ght_ad_converged": "yes"}
        attached = await client.post(f"{PATH}/attest", data=form, allow_redirects=False)
        assert attached.status == 303, await attached.text()
        for scan, status in (("", 400), (f"scan-{stage.FOREIGN}", 400), (f"scan-{stage.OURS}", 303)):
            answer = await client.post(f"{PATH}/freeze", data={"_csrf": token, "scan": scan}, allow_redirects=False)
            assert answer.status == status
        made = frozen(settings, store, stage.OURS)[-1]
        assert made.state == "same"
        assert made.dossier.frozen_by == "auditor"
        answer = await client.get(f"{PATH}/frozen/{made.dossier.id}")
        assert hashlib.sha256(await answer.read()).hexdigest() == made.dossier.id
        answer = await client.post(f"{PATH}/evidence", data={"_csrf": token, "scan": f"scan-{stage.OURS}"})
        assert answer.status == 200, await answer.text()
        body = await answer.read()
    (tmp_path / "preuve.zip").write_bytes(body)
    files, problems = open_pack(tmp_path / "preuve.zip")
    trust = Trust(now=stage.NOW, signer="", authorities=(), stamp_authorities=())
    assert (problems, check(files, trust).differences) == ([], [])
    assert hashlib.sha256(files["report.json"]).hexdigest() == made.dossier.id
    assert b"secret du sceau" not in b"".join(zipfile.ZipFile(io.BytesIO(body)).read(name) for name in files)
    assert DOCUMENT in files.values()
    events = [(event.event, event.actor) for event in store.audit.events()]
    assert ("dossier-frozen", "auditor") in events
    assert ("evidence-made", "auditor") in events


async def test_without_a_key_of_the_configuration_nothing_is_signed(house: tuple[Settings, Store]) -> None:
    settings, store = house
    bare = replace(settings, file=settings.file.model_copy(update={"evidence": EvidenceSection()}))
    async with stage.served(bare, store) as client:
        assert await stage.log_in(client, "admin") == 303
        token = await stage.csrf(client, PATH)
        answer = await client.post(f"{PATH}/evidence", data={"_csrf": token, "scan": f"scan-{stage.OURS}"})
        assert answer.status == 400
        assert "[evidence]" in await answer.text()
        assert not list(settings.folder.glob("hygie-signer*"))


async def test_a_frozen_document_that_changed_is_told_and_kept_back(house: tuple[Settings, Store]) -> None:
    settings, store = house
    (first,) = frozen(settings, store, stage.OURS)
    first.path.write_bytes(b"autre")
    async with stage.served(settings, store) as client:
        assert await stage.log_in(client, "analyst") == 303
        page = await (await client.get(PATH)).text()
        assert "modifié depuis" in page
        assert "Figer le dossier" not in page
        assert (await client.get(f"{PATH}/frozen/{first.dossier.id}")).status == 400


def test_a_document_attached_on_screen_outlives_the_captures(house: tuple[Settings, Store]) -> None:
    _, store = house
    kept, other = store.captures.keep(DOCUMENT), store.captures.keep(b"une capture")
    store.attestations.keep(
        Attestation(
            id="a1", type="action_plan", issuer="CH", dated=stage.NOW.date(), document_sha256=kept, values={},
            perimeter=stage.OURS, entered_by="anne",
        )
    )  # fmt: skip
    store.purge(Retention(captures=-1, findings=1827))
    assert store.captures.read(kept) == DOCUMENT
    with pytest.raises(LookupError):
        store.captures.read(other)
