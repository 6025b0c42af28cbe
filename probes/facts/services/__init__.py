"""What services said of themselves when they were spoken to in their own protocol; one module a family."""

from __future__ import annotations
