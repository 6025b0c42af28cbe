"""What every test shares: property tests judge answers, never the speed of the machine."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("lab", deadline=None)
settings.load_profile("lab")
