"""Faults planted in a stopped Samba domain, each with a near miss; run by the system's Python, which has Samba's."""

from __future__ import annotations

#: What a French domain's renamed administrator is called.
FRENCH_ADMINISTRATOR = "Élise.Patronne"
