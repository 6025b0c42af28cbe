"""The DNS probe: records from the zone's own servers and from the resolver; absent, present or could not tell."""

from __future__ import annotations
