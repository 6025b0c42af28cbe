"""The TLS probe: own hellos, one a question; whole handshakes only for certificates."""

from __future__ import annotations
