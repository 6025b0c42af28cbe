"""Evidence packs as files: signed, time-stamped, and verified again."""

from __future__ import annotations
