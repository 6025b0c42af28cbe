"""Crowds for a made forest: any number of objects in the capture format, with today's attributes, always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from functools import cache

from probes.facts.ber import element
from probes.facts.identifiers import sid_bytes
from tests.lab.descriptors import FROM_PARENT, FULL, READ, ace, descriptor
from tests.lab.synthetic import BASE, DOMAIN, SILO, ago, dated, sid

#: A capture is at most this long.
CHUNK = 4 << 20
#: Members that Active Directory gives at a time.
RANGE = 1500
_FIRST = 100_000
_SETS = (
    "bf9679c0-0de6-11d0-a285-00aa003049e2",
    "4c164200-20c0-11d0-a768-00aa006e0529",
    "e48d0154-bcf8-11d1-8702-00c04fb96050",
)
_CLASSES = (
    "bf967aba-0de6-11d0-a285-00aa003049e2",
    "bf967a86-0de6-11d0-a285-00aa003049e2",
    "bf967a9c-0de6-11d0-a285-00aa003049e2",
)


def crowd(count: int, *, shared: int = 33) -> Iterator[bytes]:
    """Yield captures of so many users, computers and groups in units, and of one group that holds every user.

    One descriptor serves ``shared`` objects on average. Of a hundred objects, 80 are users, 15 computers, 5 groups.
    """
    dice = random.Random(count)
    kept = max(30, count // shared)
    variants = [_pair("nTSecurityDescriptor", _descriptor(n)) for n in range(kept)]
    run: list[bytes] = []
    size = 0
    users: list[str] = []
    for message in _everybody(count, dice, variants, users):
        if size + len(message) > CHUNK:
            yield b"".join(run)
            run, size = [], 0
        run.append(message)
        size += len(message)
    run += _everyone(users)
    yield b"".join(run)


def _everybody(count: int, dice: random.Random, variants: list[bytes], users: list[str]) -> Iterator[bytes]:
    for n in range(max(1, count // 2000)):
        yield _entry(
            f"OU=Pôle {n},{BASE}", _fixed("organizationalUnit"), _pair("name", f"Pôle {n}".encode()), variants[0]
        )
    for n in range(count):
        unit, kind, security = f"OU=Pôle {n // 2000},{BASE}", n % 100, variants[dice.randrange(len(variants))]
        if kind < 80:
            dn = f"CN=Agent Numéro {n},{unit}"
            users.append(dn)
            yield _user(n, dn, dice, security)
        elif kind < 95:
            yield _computer(n, f"CN=PC{n},{unit}", dice, security)
        else:
            yield _group(n, f"CN=G-{n},{unit}", users[-30:], security)


def _common(n: int, name: str, account: str, dice: random.Random) -> bytes:
    days = dice.randrange(4000)
    return (
        _pair("objectGUID", n.to_bytes(16, "little")) + _pair("objectSid", sid_bytes(sid(_FIRST + n)))
        + _pair("name", name.encode()) + _pair("sAMAccountName", account.encode())
        + _pair("whenCreated", dated(days).encode()) + _pair("whenChanged", dated(days % 300).encode())
        + _pair("uSNChanged", str(10_000 + n).encode())
    )  # fmt: skip


def _dates(dice: random.Random) -> bytes:
    password, logon = dice.randrange(600), dice.randrange(300)
    return (
        _pair("pwdLastSet", ago(password).encode()) + _pair("lastLogonTimestamp", ago(logon).encode())
        + _pair("lastLogon", ago(logon).encode()) + _pair("accountExpires", b"9223372036854775807")
    )  # fmt: skip


def _user(n: int, dn: str, dice: random.Random, security: bytes) -> bytes:
    name = f"Agent Numéro {n}"
    more = b""
    if n % 50 == 0:
        more += _pair("msDS-KeyCredentialLink", f"B:8:0002{n % 10000:04}:{dn}".encode())
    if n % 400 == 1:
        more += _pair("servicePrincipalName", f"http/app{n}.{DOMAIN}".encode()) + _pair(
            "msDS-SupportedEncryptionTypes", b"24"
        )
    if n % 500 == 2:
        more += _pair("msDS-AssignedAuthNPolicySilo", SILO.encode())
    upn = _pair("userPrincipalName", f"agent{n}@{DOMAIN}".encode())
    body = (_common(n, name, f"agent{n}", dice), upn, _dates(dice), more, security)
    return _entry(dn, _fixed("user"), *body)


def _computer(n: int, dn: str, dice: random.Random, security: bytes) -> bytes:
    name = f"PC{n}"
    names = _pair("servicePrincipalName", f"HOST/{name}".encode(), f"HOST/{name}.{DOMAIN}".encode())
    laps = _pair("msLAPS-PasswordExpirationTime", ago(-20).encode()) if n % 3 else b""
    host = _pair("dNSHostName", f"{name}.{DOMAIN}".encode())
    delegated = n % 5000 == 80
    body = (_common(n, name, f"{name}$", dice), _dates(dice), names, host, laps, security)
    return _entry(dn, _fixed("dmsa" if delegated else "computer"), *body)


def _group(n: int, dn: str, members: list[str], security: bytes) -> bytes:
    listed = _pair("member", *(m.encode() for m in members)) if members else b""
    return _entry(dn, _fixed("group"), _common(n, f"G-{n}", f"G-{n}", random.Random(n)), listed, security)


def _everyone(users: list[str]) -> list[bytes]:
    """A group whose members come by ranges, as a directory gives them beyond 1 500."""
    dn = f"CN=Tous les agents,CN=Users,{BASE}"
    head = (_pair("objectSid", sid_bytes(sid(99_999))), _pair("sAMAccountName", b"Tous les agents"))
    messages = [_entry(dn, _fixed("group"), *head, _pair("whenCreated", dated(900).encode()))]
    for at in range(0, len(users), RANGE):
        end = "*" if at + RANGE >= len(users) else str(at + RANGE - 1)
        values = [u.encode() for u in users[at : at + RANGE]]
        messages.append(_entry(dn, _pair(f"member;range={at}-{end}", *values)))
    return messages


def _entry(dn: str, *attributes: bytes) -> bytes:
    body = element(0x04, dn.encode()) + element(0x30, *attributes)
    return element(0x30, b"\x02\x01\x02", element(0x64, body))


def _pair(name: str, *values: bytes) -> bytes:
    return element(0x30, element(0x04, name.encode()), element(0x31, *(element(0x04, v) for v in values)))


@cache
def _fixed(kind: str) -> bytes:
    """What every object of a kind has."""
    person = ("top", "person", "organizationalPerson", "user")
    classes = {
        "user": person, "computer": (*person, "computer"), "group": ("top", "group"),
        "dmsa": (*person, "computer", "msDS-DelegatedManagedServiceAccount"),
        "organizationalUnit": ("top", "organizationalUnit"),
    }[kind]  # fmt: skip
    found = _pair("objectClass", *(c.encode() for c in classes)) + _pair("showInAdvancedViewOnly", b"FALSE")
    if kind in {"user", "computer", "dmsa"}:
        uac, group = (b"512", b"513") if kind == "user" else (b"4096", b"515")
        found += _pair("userAccountControl", uac) + _pair("primaryGroupID", group) + _pair("logonCount", b"12")
        found += _pair("sAMAccountType", b"805306368") + _pair("msDS-User-Account-Control-Computed", b"0")
    if kind == "computer":
        found += _pair("operatingSystem", b"Windows 11 Entreprise") + _pair("operatingSystemVersion", b"10.0 (26100)")
    if kind == "group":
        found += _pair("groupType", b"-2147483646") + _pair("sAMAccountType", b"268435456")
    return found + _pair("whenCreated", dated(900).encode()) if kind == "organizationalUnit" else found


def _descriptor(n: int) -> bytes:
    """A descriptor of 43 entries, as a default user's; two of them, and the owner at times, are its own."""
    aces = [ace(sid(512), FULL), ace("S-1-5-18", FULL), ace("S-1-5-32-548", FULL), ace("S-1-5-11", READ)]
    aces += [ace("S-1-5-10", 0x100, _SETS[k % 3]) for k in range(6)]
    aces += [ace(sid(553), 0x10, _SETS[k % 3], flags=k) for k in range(6)]
    aces += [
        ace("S-1-5-32-554", 0x10, _SETS[k % 3], flags=FROM_PARENT | 8, inherited_type=_CLASSES[k // 3 % 3])
        for k in range(25)
    ]
    aces += [ace(sid(_FIRST + n), 0x10), ace(sid(_FIRST + n + 1), 0x94)]
    return descriptor(sid(512) if n % 20 else sid(_FIRST + n), aces)
