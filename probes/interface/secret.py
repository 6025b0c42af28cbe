"""A secret: text that is revealed only where it is used, and never shown."""

from __future__ import annotations


class Secret:
    """A password or key that no ``repr``, log line, traceback or copy to plain data shows."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written down")
