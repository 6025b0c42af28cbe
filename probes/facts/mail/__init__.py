"""Mail: the grammars of SPF, DMARC, DKIM keys, MTA-STS and TLS-RPT, and the facts seen of a domain's mail."""

from __future__ import annotations
