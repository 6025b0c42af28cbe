"""The cells of ORADAD's tables, back to the values a directory would send."""

from __future__ import annotations

import re
import uuid
from datetime import UTC, datetime
from typing import Final

#: Attributes that ORADAD writes as dates although the directory counts tenths of microseconds since 1601.
COUNTED: Final = frozenset({"accountexpires", "lastlogon", "lastlogontimestamp", "lockouttime", "pwdlastset"})
#: Text with several values, joined by semicolons; in other text a semicolon is part of the value (gPLink).
SEVERAL: Final = frozenset(
    (
        "admincontextmenu adminpropertypages altsecurityidentities appliesto auxiliaryclass certificatetemplates "
        "contextmenu dnsroot hasmasterncs keywords ldapadminlimits member memberof msds-allowedtodelegateto "
        "msds-authnpolicysilomembers msds-enabledfeature msds-hasmasterncs msds-hostserviceaccount "
        "msds-keycredentiallink msds-neverrevealgroup msds-other-settings msds-psoappliesto msds-revealedusers "
        "msds-revealondemandgroup "
        "mspki-certificate-application-policy mspki-certificate-policy mspki-enrollment-servers "
        "mspki-ra-application-policies mspki-ra-policies namingcontexts objectclass pkiextendedkeyusage "
        "posssuperiors roottrust serverreferencebl serviceprincipalname supportedcapabilities supportedcontrol "
        "systemauxiliaryclass systemposssuperiors upnsuffixes"
    )
    .lower()
    .split()
)
#: How ORADAD writes the largest instant, which means never.
NEVER, LARGEST = "2999-12-12 23:59:59", b"9223372036854775807"
_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_HEX = re.compile(r"(?:[0-9a-fA-F]{2})+")


def value_of(name: str, sql: str, cell: str) -> list[bytes]:
    """Return the values of a cell of an attribute (lower case) and SQL type; raise ``ValueError``."""
    if sql == "uniqueidentifier":
        return [uuid.UUID(cell).bytes_le]
    if sql == "datetime2":
        return [_instant(name, cell)]
    if sql == "tinyint":
        return [{"1": b"TRUE", "0": b"FALSE"}[cell]] if cell in "10" else []
    if sql in {"int", "bigint"}:
        return [str(int(cell)).encode()]
    if sql.startswith("varchar"):
        return [_binary(part) for part in cell.split(";") if part]
    if name in SEVERAL:
        return [part.encode() for part in re.split(r"(?<!\\);", cell) if part]
    return [cell.encode()]


def _instant(name: str, cell: str) -> bytes:
    if cell == NEVER:
        return LARGEST
    at = datetime.strptime(cell, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    if name in COUNTED:
        return str(int((at - _EPOCH).total_seconds()) * 10_000_000).encode()
    return f"{at:%Y%m%d%H%M%S}.0Z".encode()


def _binary(part: str) -> bytes:
    """A SID, bytes in hexadecimal, or a text that stays one (a DACL in SDDL, which no rule takes for a descriptor)."""
    if part.startswith("S-1-"):
        return sid_bytes(part)
    return bytes.fromhex(part) if _HEX.fullmatch(part) else part.encode()


def sid_bytes(text: str) -> bytes:
    """Return the binary form of a SID (MS-DTYP 2.4.2.2); raise ``ValueError``."""
    authority, *parts = (int(part) for part in text.removeprefix("S-1-").split("-"))
    if len(parts) > 15 or not 0 <= authority < 1 << 48 or not all(0 <= part < 1 << 32 for part in parts):
        raise ValueError("not a SID")
    tail = b"".join(part.to_bytes(4, "little") for part in parts)
    return bytes((1, len(parts))) + authority.to_bytes(6, "big") + tail
