"""What is seen: protocols, and the typed facts they yield, without opinion."""

from __future__ import annotations
