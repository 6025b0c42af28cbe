"""What a step tells of its failure is read in the reader's language; the words of a server are quoted as they are."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reports.details import own, phrases
from reports.words import load

ROOT = Path(__file__).parents[2]
FR, EN = load("fr"), load("en")
#: What is called with a sentence, and the names of variables that hold one.
CALLED = {"ProbeError", "CutShortError", "Shortfall", "SecretError", "_Refused", "ended", "bound"}
HELD = {"detail", "DEVICES_KEPT"}


@pytest.mark.parametrize(
    ("told", "french", "english"),
    [
        ("the step took too long", "l’étape a dépassé son délai", "the step took too long"),
        ("12 of 40 addresses swept", "12 adresses balayées sur 40", "12 of 40 addresses swept"),
        ("192.0.2.1: an endless reply", "192.0.2.1 : réponse sans fin", "192.0.2.1: an endless reply"),
        ("delegation: no resolver is configured", "délégation : aucun résolveur n’est configuré ([dns] resolver)",
         "delegation: no resolver is configured"),
        ("192.0.2.1 port 443", "192.0.2.1, port 443", "192.0.2.1 port 443"),
        ("https://www.ch.test/a", "https://www.ch.test/a", "https://www.ch.test/a"),
        ("data 775, v2580", "« data 775, v2580 »", "“data 775, v2580”"),
        ("listening on port 5", "« listening on port 5 »", "“listening on port 5”"),
        ("SMB: STATUS_LOGON_FAILURE {0} {told}", "SMB : STATUS_LOGON_FAILURE {0} {told}",
         "SMB: STATUS_LOGON_FAILURE {0} {told}"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_our_own_sentences_are_said_and_the_words_of_others_quoted(told: str, french: str, english: str) -> None:
    assert FR.detail(told).replace("\u00a0", " ") == french
    assert EN.detail(told) == english


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ("malformed-answer STARTTLS is offered and refused", "réponse mal formée (STARTTLS est proposé, puis refusé)"),
        ("timed-out: 192.0.2.1 ch.test", "pas de réponse dans le délai (« 192.0.2.1 ch.test »)"),
        ("connection-lost ", "connexion coupée"),
        ("DNSKEY", "DNSKEY"),
        ("-", "néant"),
    ],
)
def test_a_finding_that_quotes_one_says_its_reason_too(detail: str, said: str) -> None:
    assert str(FR.quoted({"detail": detail})["detail"]).replace("\u00a0", " ") == said


def test_a_hostile_detail_costs_no_time() -> None:
    for hostile in (": " * 250, "nmap: " * 83, "a" * 250 + " port" * 50, "{0}{1}{" * 70):
        began = time.monotonic()
        assert len(FR.detail(hostile)) < 2 * len(hostile)
        assert time.monotonic() - began < 0.5


def test_every_sentence_of_ours_is_in_french_and_no_other_is_listed() -> None:
    said = {text for folder in ("probes", "scanner") for text in sentences(ROOT / folder)}
    missing = {
        text for text in said if own(text.replace("{}", "x"), "fr") is None and re.search(r"[a-z]{2} [a-z]", text)
    }
    assert missing == set()
    assert phrases().keys() - said == set()


def test_a_phrase_fills_every_hole_of_its_sentence() -> None:
    for english, french in phrases().items():
        assert sorted(re.findall(r"\{(\d)\}", french)) == [str(n) for n in range(english.count("{}"))], english


def sentences(folder: Path) -> Iterator[str]:
    """Every text that a failure is given where it is raised; what it is filled with is ``{}``."""
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            for given in _given(node):
                yield from _texts(given)


def _given(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        return [*node.args, *(k.value for k in node.keywords)] if name in CALLED else []
    if isinstance(node, ast.Assign):
        return [node.value] if any(getattr(n, "id", "") in HELD for n in ast.walk(node.targets[0])) else []
    return []


def _texts(given: ast.AST) -> Iterator[str]:
    if isinstance(given, ast.JoinedStr):
        yield "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in given.values)
    elif isinstance(given, ast.Constant) and isinstance(given.value, str):
        yield given.value
    else:
        for part in ast.iter_child_nodes(given):
            yield from _texts(part)
