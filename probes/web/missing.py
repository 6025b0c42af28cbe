"""What an origin answers where nothing can be, so that its answers elsewhere can be told from it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from probes.web.fetch import Answer
from probes.web.origin import Origin

#: Share of common words from which on two pages are the same, and words compared at the most.
_SAME, _WORDS = 0.8, 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """The answers to paths that cannot exist. ``soft`` tells an origin that answers them as if they did."""

    answers: tuple[Answer, ...]

    @property
    def soft(self) -> bool:
        """Tell whether a path that cannot exist was answered with success."""
        return any(200 <= answer.status < 300 for answer in self.answers)

    def like(self, answer: Answer) -> bool:
        """Tell whether an answer is what this origin gives anywhere: same status, same target or nearly same words.

        Only the path that was asked may differ, where the answer repeats it.
        """
        return any(_same(answer, known) for known in self.answers)


async def missing(origin: Origin) -> Missing:
    """Ask three paths of different shapes that cannot exist."""
    token = secrets.token_hex(8)
    answers = [await origin.attempt(path) for path in (f"/{token}", f"/{token}.php", f"/{token}/")]
    return Missing(answers=tuple(answer for answer in answers if answer is not None))


def _same(one: Answer, other: Answer) -> bool:
    if one.status != other.status:
        return False
    if one.body == other.body and not one.header("location"):
        return True
    if 300 <= one.status < 400:
        return _target(one) == _target(other)
    here, there = (_words(answer.without_echo(answer.text)) for answer in (one, other))
    return bool(here or there) and len(here & there) >= _SAME * len(here | there)


def _target(answer: Answer) -> str:
    return answer.without_echo(answer.header("location"))


def _words(text: str) -> set[str]:
    """The words of a page; long ones with digits are tokens, which change each time."""
    return {w for w in re.findall(r"[\w-]{1,64}", text)[:_WORDS] if len(w) < 12 or not re.search(r"\d", w)}
