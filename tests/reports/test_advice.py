"""What is said of a step that failed on a directory: what, where, the server's words, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from probes.interface import Attempt, Reason, Status
from reports.advice import advice, explained
from reports.words import load

AT = datetime(2026, 11, 24, tzinfo=UTC)


def failed(probe: str, reason: Reason, detail: str = "") -> Attempt:
    return Attempt(
        probe=probe,
        asset="directory:ad",
        status=Status.FAILED,
        reason=reason,
        started_at=AT,
        ended_at=AT,
        detail=detail,
    )


@pytest.mark.parametrize(
    ("language", "probe", "reason", "says"),
    [
        (
            "fr",
            "directory@1",
            Reason.ACCOUNT_LOCKED,
            "compte verrouillé (« data 775 »). À faire : vérifier le mot de passe",
        ),
        ("en", "directory-tree@1", Reason.REFERRAL, "or correct `base`"),
        ("fr", "directory-sysvol@1", Reason.REFUSED, "ouvrir le port 445"),
        ("fr", "directory-rights@1", Reason.REFUSED, "vérifier le port de `url`"),
    ],
)
def test_a_failure_says_what_to_do(language: str, probe: str, reason: Reason, says: str) -> None:
    told = explained(load(language), failed(probe, reason, "data 775"))
    assert told.startswith("directory:ad")
    assert says in told.replace("\u00a0", " ")


def test_no_advice_is_made_up() -> None:
    w = load("fr")
    assert advice(w, "directory@1", Reason.BUG.value) == ""
    assert advice(w, "tls@1", Reason.REFUSED.value) == ""


def test_both_languages_advise_on_the_same_failures() -> None:
    keys = [{key for key in load(language).texts if key.startswith("advice.")} for language in ("fr", "en")]
    assert keys[0] == keys[1]
