"""FINESS numbers: nine characters, the first two of the department, the last a key."""

from __future__ import annotations

import re

NUMBER = re.compile(r"[0-9][0-9AB][0-9]{7}")


class FinessError(Exception):
    """The file cannot be used; the message says where it is wrong and what to do."""


def key_holds(number: str) -> bool:
    """Tell whether the last digit is the Luhn key of the others; the letter of Corsica is read as 1."""
    digits = [int(c) for c in re.sub("[AB]", "1", number)]
    doubled = [sum(divmod(2 * d, 10)) if place % 2 else d for place, d in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def checked(number: str, where: str) -> str:
    """Return a number; raise ``FinessError`` when it has not the shape of one."""
    if not NUMBER.fullmatch(number):
        raise FinessError(f"{where}: {number!r} is no FINESS number (9 characters)")
    return number
