"""Discovery: the names of a domain that nobody declared, and the networks seen backwards."""

from __future__ import annotations
