"""The captures: bytes kept as proof, named by their SHA-256, compressed in chunks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime

import zstandard
from sqlmodel import col, select

from probes.interface import Digest
from scanner.store.database import Database
from scanner.store.errors import CaptureDamagedError, CaptureMissingError
from scanner.store.tables import CaptureRow, ChunkRow

#: Longest piece of a capture, before compression, in bytes.
CHUNK = 4 << 20


class Captures:
    """Keeps each content once and gives back exactly what was kept, or a typed error."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._clock = clock

    def keep(self, data: bytes) -> Digest:
        """Keep bytes (already redacted) and return their digest; kept again, they only grow younger."""
        digest = hashlib.sha256(data).hexdigest()
        self._database.require_space(len(data))
        with self._database.write() as session:
            self._database.lock(session, f"capture {digest}")
            known = session.get(CaptureRow, digest)
            if known is not None:
                known.kept_at = self._clock()
                return digest
            session.add(CaptureRow(digest=digest, size=len(data), kept_at=self._clock()))
            session.flush()
            compressor = zstandard.ZstdCompressor()
            for position, start in enumerate(range(0, len(data), CHUNK)):
                piece = compressor.compress(data[start : start + CHUNK])
                session.add(ChunkRow(digest=digest, position=position, data=piece))
                session.flush()
        return digest

    def read(self, digest: Digest) -> bytes:
        """Return the bytes of a digest, after checking them against it."""
        with self._database.read() as session:
            row = session.get(CaptureRow, digest)
            if row is None:
                raise CaptureMissingError(f"capture {digest} is not in the store")
            chunks = select(ChunkRow.data).where(ChunkRow.digest == digest).order_by(col(ChunkRow.position))
            data = b"".join(_expanded(piece, digest) for piece in session.exec(chunks))
        if hashlib.sha256(data).hexdigest() != digest:
            raise CaptureDamagedError(f"capture {digest} is not what was kept")
        return data


def _expanded(piece: bytes, digest: Digest) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(piece, max_output_size=CHUNK)
    except zstandard.ZstdError as error:
        raise CaptureDamagedError(f"capture {digest} cannot be read: {error}") from error
