"""Names worth guessing: the list shipped for French health establishments, a list of one's own, and mutations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from probes.interface import ProbeError, Reason

#: Longest list of one's own, in bytes.
_LARGEST = 64 << 20
_RANGE = re.compile(r"(.*)\[(\d+)-(\d+)\](.*)")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*")
_NUMBER = re.compile(r"(.*?)(\d{1,3})$")
#: Endings by which teams call the second, the old and the trial of a service.
_ENDINGS = ("-test", "-dev", "-rec", "-recette", "-preprod", "-prod", "-old", "-new", "-bis", "-ext", "1", "2")


def words(path: str = "") -> Iterator[str]:
    """Yield the labels of a list: the shipped one, or a file of one label a line; ``#`` begins a comment.

    ``ght[01-95]`` stands for ``ght01`` to ``ght95``. What cannot be a label is left out.
    """
    if not path:
        text = (files(__package__) / "words.txt").read_text("utf-8")
    else:
        try:
            with Path(path).open("rb") as stream:
                text = stream.read(_LARGEST).decode("utf-8", "replace")
        except OSError as error:
            raise ProbeError(Reason.MISSING_TOOL, f"word list {path}: {error.strerror}") from error
    for line in text.splitlines():
        for word in _spread(line.partition("#")[0].strip().lower()):
            if _LABEL.fullmatch(word):
                yield word


def _spread(word: str) -> Iterable[str]:
    found = _RANGE.fullmatch(word)
    if found is None:
        return word.split()
    before, first, last, after = found.groups()
    return (f"{before}{n:0{len(first)}}{after}" for n in range(int(first), min(int(last), int(first) + 999) + 1))


def mutations(labels: Iterable[str]) -> list[str]:
    """Return the neighbours of known first labels: other numbers, other endings; sorted, the known ones left out."""
    known = set(labels)
    found = set()
    for label in known:
        numbered = _NUMBER.fullmatch(label)
        if numbered:
            stem, digits = numbered.groups()
            nearby = range(max(0, int(digits) - 1), int(digits) + 3)
            found |= {f"{stem}{n:0{len(digits)}}" for n in nearby} | {stem.rstrip("-")}
        else:
            found |= {label + ending for ending in _ENDINGS}
        stem = next((label.removesuffix(e) for e in _ENDINGS if label.endswith(e) and e.startswith("-")), "")
        found |= {stem} if stem else set()
    return sorted(label for label in found - known if _LABEL.fullmatch(label))
