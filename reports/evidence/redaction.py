"""The redacted form of a pack: names become pseudonyms by HMAC under the owner's key; full pack and key give it again.

What is kept in clear is listed; every other text becomes a pseudonym, digests of guessable texts among them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import tomllib
from collections.abc import Mapping
from importlib.resources import files as resources
from typing import Any

from probes.interface import AssetKind
from reports.evidence import pack
from reports.evidence.pack import Described
from reports.json import canonical
from rules.attestations import OWN, kinds

_ASSET = re.compile(r"(service:(?:tcp|udp)/\d+@|[a-z-]+:)(.+)", re.DOTALL)
_ASSET_KINDS = frozenset(kind.value for kind in AssetKind)
FULL_SIGNATURE, FULL_TOKEN, REPORT = "full.p7s", "full.tsr", "report.json"


def redact(full: Mapping[str, bytes], key: bytes) -> dict[str, bytes]:
    """Return the files of the redacted pack of a full one; the same pack and key always give the same bytes."""
    described = json.loads(full[pack.MANIFEST])
    report = _Pseudonyms(key).of(json.loads(full[REPORT]))
    files = {
        REPORT: canonical(report),
        pack.GUIDE: (resources("reports.evidence") / "redacted.fr.md").read_bytes(),
        FULL_SIGNATURE: full[pack.SIGNATURE],
        pack.SIGNER: full[pack.SIGNER],
    }
    if pack.TOKEN in full:
        files |= {FULL_TOKEN: full[pack.TOKEN], pack.AUTHORITY: full[pack.AUTHORITY]}
    files[pack.SUMS] = pack.sums(files)
    about = {
        "full": {
            "manifest_sha256": pack.digest(full[pack.MANIFEST]),
            "signature_sha256": pack.digest(full[pack.SIGNATURE]),
            "token_sha256": pack.digest(full[pack.TOKEN]) if pack.TOKEN in full else "none",
        },
        "scan": {"id": described["scan"]["id"], "versions": described["scan"]["versions"]},
        "judgement": {"id": described["judgement"]["id"], "sets": described["judgement"]["sets"]},
        "pseudonyms": "HMAC-SHA256, 20 hexadecimal digits, key of the owner",
    }
    files[pack.MANIFEST] = pack.manifest(Described(schema=pack.REDACTED_SCHEMA, about=about), files)
    files[pack.SEALS] = pack.seals(files)
    return files


class _Pseudonyms:
    """Replaces every text of a tree but those kept in clear; a text has one pseudonym everywhere."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        data = tomllib.loads((resources("reports.evidence") / "redaction.toml").read_text())
        self._clear, self._filled = frozenset(data["clear"]), frozenset(data["filled"])
        self._types = frozenset({OWN, *kinds()})

    def of(self, value: Any, name: str = "", *, filled: bool = False) -> Any:  # noqa: ANN401 - what JSON gives
        """Return a tree without names."""
        if isinstance(value, dict):
            filled = filled or name in self._filled
            # The ids of a scan and of a judgement are instants, chance and digests of observations; the digest of a
            # perimeter is one of names that can be guessed.
            ours = "parts" in value or "catalogue_digest" in value
            hidden = {"digest"} if "members" in value else set()
            return {
                k: v if k == "id" and ours else self.of(v, "" if k in hidden else k, filled=filled)
                for k, v in value.items()
            }
        if isinstance(value, list):
            return [self.of(item, name, filled=filled or name in self._filled) for item in value]
        if not isinstance(value, str) or (not filled and (name in self._clear or self._type(name, value))):
            return value
        return pseudonym(value, self._key)

    def _type(self, name: str, value: str) -> bool:
        """Whether a measure's author is a type of audit, not a person."""
        return name == "by" and value in self._types


def pseudonym(text: str, key: bytes) -> str:
    """Return what stands for a text; the kind, transport and port of an asset stay in clear."""
    asset = _ASSET.fullmatch(text)
    if asset and asset[1].partition(":")[0] in _ASSET_KINDS:
        return asset[1] + _mark(asset[2], key)
    return _mark(text, key) if text else ""


def _mark(text: str, key: bytes) -> str:
    return "p-" + hmac.new(key, text.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()[:20]
