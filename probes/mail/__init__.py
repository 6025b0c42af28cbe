"""The mail probes: a domain's policies from the DNS and its MTA-STS file, and what each mail server offers."""

from __future__ import annotations
