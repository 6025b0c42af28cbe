"""What TLSA records bind a mail sender to (RFC 6698, with the bounds that RFC 7672 sets for SMTP)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from probes.facts.dns import Presence
from probes.facts.mail.exchange import CertificateDigests, Exchanger, Exchangers, Tlsa

_ANCHOR, _LEAF = 2, 3
#: Hexadecimal digits of an association, by matching type; a whole certificate or key has any length.
_DIGITS = {1: 64, 2: 128}


def usable(record: Tlsa) -> bool:
    """Tell whether senders use a record: the usages 0 and 1 are not for SMTP (RFC 7672 3.1.3), odd digests are none."""
    known = record.usage in {_ANCHOR, _LEAF} and record.selector in {0, 1} and record.matching in {0, 1, 2}
    return known and len(record.data) == _DIGITS.get(record.matching, len(record.data) or -1)


def accepted(
    records: Iterable[Tlsa], chain: tuple[CertificateDigests, ...], names: Iterable[str], at: datetime
) -> bool | None:
    """Tell whether a sender takes this chain; ``names`` are those it may expect of a chain under a named authority.

    With an authority in the record (usage 2) names and dates count, with the server's own key (usage 3) neither does
    (RFC 7672 3.1.1, 3.1.2). None when an authority is given whole, and so may sign a chain that does not hold it.
    """
    leaf, told = chain[0], False
    for record in filter(usable, records):
        if record.usage == _LEAF and _names(record, leaf):
            return True
        if record.usage == _ANCHOR and any(_names(record, one) for one in chain):
            if _presentable(leaf, tuple(names), at):
                return True
        elif record.usage == _ANCHOR and record.matching == 0:
            told = True
    return None if told else False


def dane_protects(found: Exchangers) -> bool | None:
    """Tell whether DANE binds every exchanger, and DNSSEC proves who they are; None when that could not be told."""
    states = {found.secure, *map(_protects, found.hosts)}
    return False if False in states or not found.hosts else None if None in states else True


def _protects(host: Exchanger) -> bool | None:
    if host.tlsa_presence is Presence.UNKNOWN:
        return None
    return host.tlsa_secure if any(map(usable, host.tlsa)) else False


def binding(host: Exchanger) -> bool:
    """Tell whether an exchanger has TLSA records that DNSSEC proves, or may prove."""
    return bool(host.tlsa) and host.tlsa_secure is not False


def _presentable(leaf: CertificateDigests, names: tuple[str, ...], at: datetime) -> bool:
    """Whether names and dates hold; those that were not kept cannot be held against a server."""
    begun, ended = leaf.not_before, leaf.not_after
    dated = (begun is None or begun <= at) and (ended is None or at <= ended)
    return dated and (not leaf.names or any(_same(name, known) for name in names for known in leaf.names))


def _same(name: str, known: str) -> bool:
    return name == known or (known.startswith("*.") and name.partition(".")[2] == known[2:])


def _names(record: Tlsa, certificate: CertificateDigests) -> bool:
    whole, key = (certificate.sha256, certificate.sha512), (certificate.key_sha256, certificate.key_sha512)
    digests = whole if record.selector == 0 else key
    if record.matching == 0:
        return len(record.data) % 2 == 0 and hashlib.sha256(bytes.fromhex(record.data)).hexdigest() == digests[0]
    return record.data == digests[record.matching - 1]
