"""The sentence of a card about one case: its endings agree with what was counted."""

from __future__ import annotations

import string

import pytest

from reports.prose import agreed
from rules.registry import load

_SOME = "{count} compte(s) ou groupe(s) non privilégié(s), dont « {first} »."


@pytest.mark.parametrize(
    ("language", "sentence", "values", "expected"),
    [
        ("fr", _SOME, {"count": 1}, "{count} compte ou groupe non privilégié\u00a0: « {first} »."),
        ("fr", _SOME, {"count": 2}, "{count} comptes ou groupes non privilégiés, dont « {first} »."),
        ("fr", "{count} journal(aux) lu(s)", {"count": 3}, "{count} journaux lus"),
        ("fr", "{count} fichier(s)", {"count": 0}, "{count} fichier"),
        ("en", "{count} file(s)", {"count": 0}, "{count} files"),
        ("en", "{count} policy(ies), among them x", {"count": 2}, "{count} policies, among them x"),
        ("en", "{count} policy(ies), among them x", {"count": 1}, "{count} policy: x"),
        ("fr", "{n} hors profil, {d} tolérée(s)", {"n": 4, "d": 1}, "{n} hors profil, {d} tolérée"),
        # Not a number: nothing to agree with.
        ("fr", "{who} répond(ent) ({count} nom(s))", {"who": "a, b", "count": 1}, "{who} répond(ent) ({count} nom)"),
        ("fr", "{open} port(s)", {"open": True}, "{open} port(s)"),
        # Brackets that are no ending stay.
        ("fr", "{count} groupe(s) (dcmtk)", {"count": 2}, "{count} groupes (dcmtk)"),
    ],
)
def test_endings_agree_with_the_number_before_them(
    language: str, sentence: str, values: dict[str, object], expected: str
) -> None:
    assert agreed(sentence, values, language) == expected


def test_every_ending_of_a_card_has_a_number_to_agree_with() -> None:
    for rule, card in load().cards.items():
        for language in ("fr", "en"):
            found = card.words(language).found
            numbers = {name: 2 for _, name, _, _ in string.Formatter().parse(found) if name}
            assert "(s)" not in agreed(found, numbers, language), (rule, language)
