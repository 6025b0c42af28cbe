"""Imports (level P): what other tools wrote, read by probes whose Line is a file.

To add a kind, write ``probes/imports/<kind>.py`` with one subclass of ``Importer``; its place makes it a word of
``hygie import``.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import ClassVar

from probes.facts.imports import ImportedFile
from probes.interface import Asset, AssetKind, Line, NoSettings, Part, Probe, ProbeError, Reason, Sight, Vantage, Yield
from probes.interface.files import FileLine


class Importer(Probe[NoSettings]):
    """The probe of one kind of file; ``hygie import KIND FILE`` runs it.

    A subclass sets ``kind`` (its module's name), ``name`` (``import-<kind>``), ``version``, and ``vantage`` (where such
    files are usually made; a person may say otherwise). ``caveat`` is what whoever imports must know, "" by default.
    """

    kind: ClassVar[str]
    vantage: ClassVar[Vantage]
    caveat: ClassVar[str] = ""
    level = 0
    part = Part.IMPORT
    looks_at = frozenset({AssetKind.FILE})
    Settings = NoSettings
    deadline = 12 * 3600.0

    @abstractmethod
    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield the very facts that looking would give, with ``Sight.seen_at`` when the content tells its instant.

        Also the assets met (out of scope, they become candidates), and a ``Shortfall`` for every piece that cannot be
        believed: content is hostile, so what is malformed is typed and the rest stands. ``ProbeError`` when nothing
        can be read. Captures are what proves a fact, secrets left out (``line.keep``). It runs in a thread.
        """

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield what the file is, then what it holds, each with the file's instant unless it tells its own."""
        if not isinstance(line, FileLine):
            raise ProbeError(Reason.OUT_OF_SCOPE, "an import reads a file")
        yield Sight(
            fact=ImportedFile(
                tool=self.kind,
                name=line.name,
                sha256=line.digest,
                size=line.size,
                made_at=line.made_at,
                dated=line.dated,
                declared_whole=line.declared_whole,
            ),
            seen_at=line.made_at,
        )
        pieces = self.read(asset, line)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            if isinstance(piece, Sight) and piece.seen_at is None:
                piece = replace(piece, seen_at=line.made_at)
            yield piece
