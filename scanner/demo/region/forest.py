"""A small domain in the format of captures, given its faults: accounts, groups, a controller, trusts."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import encode_entry
from probes.facts.identifiers import sid_bytes
from scanner.demo.region.towns import Town

Values = Mapping[str, Iterable[bytes | str | int]]
#: Ordinary people of the domain.
_PEOPLE = 20


def read(town: Town, faults: frozenset[str], at: datetime) -> tuple[NamingContextRead, bytes]:
    """Return the fact of a domain read whole, and its capture."""
    base = ",".join(f"DC={part}" for part in town.forest.split("."))
    entries = list(_entries(base, town, faults, at))
    capture = b"".join(
        encode_entry(dn, {k: [_bytes(v) for v in vs] for k, vs in values.items()}) for dn, values in entries
    )
    asked = tuple(sorted({name for _, values in entries for name in values} | {"sIDHistory", "adminCount"}))
    fact = NamingContextRead(
        dn=base, role=NamingContextRole.DOMAIN, forest=town.forest, domain=town.forest, server=f"dc1.{town.forest}",
        current_time=at, entries=len(entries), bytes_read=len(capture), queries=4, seconds=1.0, complete=True,
        asked=asked,
    )  # fmt: skip
    return fact, capture


def _entries(base: str, town: Town, faults: frozenset[str], at: datetime) -> Iterator[tuple[str, Values]]:
    sid = f"S-1-5-21-{int(hashlib.sha256(town.forest.encode()).hexdigest()[:8], 16)}-1001-2002"
    quota = 10 if "machine-quota" in faults else 0
    yield (
        base,
        {"objectClass": ["top", "domainDNS"], "objectSid": [sid_bytes(sid)], "ms-DS-MachineAccountQuota": [quota]},
    )
    admins = [f"adm-{n}" for n in range(60 if "many-admins" in faults else 3)]
    for n, name in enumerate(admins):
        yield _user(base, sid, name, 1100 + n, at, _admin(faults if n == 0 else frozenset(), sid))
    for n in range(_PEOPLE):
        yield _user(base, sid, f"agent-{n}", 2000 + n, at, _person(faults, n, at))
    yield _user(base, sid, "Invité", 501, at, {"userAccountControl": [0x200 if "guest" in faults else 0x202]})
    changed = at - timedelta(days=3000 if "krbtgt-old" in faults else 120)
    yield _user(base, sid, "krbtgt", 502, at, {"userAccountControl": [0x202], "pwdLastSet": [_ticks(changed)]})
    members = [f"CN={name},CN=Users,{base}" for name in admins]
    for name, last in (("Admins du domaine", 512), ("Protected Users", 525)):
        yield _group(base, f"{sid}-{last}", name, members)
    yield _group(base, "S-1-5-32-544", "Administrateurs", [f"CN=Admins du domaine,CN=Users,{base}"])
    yield _controller(base, sid, at)
    if "delegation" in faults:
        yield _computer(base, sid, "SRV-APP", 1210, at, 0x81000)
    for number, target in enumerate(town.trusts):
        yield _trust(base, target, number, filtered="trust-unfiltered" not in faults)


def _user(base: str, sid: str, name: str, last: int, at: datetime, changed: Values) -> tuple[str, Values]:
    usual: Values = {
        "objectClass": ["top", "person", "user"], "sAMAccountName": [name], "objectSid": [sid_bytes(f"{sid}-{last}")],
        "userAccountControl": [0x200], "primaryGroupID": [513], "pwdLastSet": [_ticks(at - timedelta(days=40))],
        "lastLogonTimestamp": [_ticks(at - timedelta(days=2))], "whenCreated": [_generalized(at - timedelta(days=900))],
    }  # fmt: skip
    return f"CN={name},CN=Users,{base}", {**usual, **changed}


def _admin(faults: frozenset[str], sid: str) -> Values:
    """The first administrator bears the faults of privileged accounts."""
    flags = 0x200
    flags |= 0x10000 if "never-expire" in faults else 0
    flags |= 0x400000 if "preauth" in faults else 0
    flags |= 0x80 if "reversible" in faults else 0
    values: dict[str, list[bytes | str | int]] = {"userAccountControl": [flags], "adminCount": [1]}
    if "admin-spn" in faults:
        values["servicePrincipalName"] = ["MSSQLSvc/sql1"]
    if "sid-history" in faults:
        values["sIDHistory"] = [sid_bytes("S-1-5-21-1-2-3-1104")]
    return values


def _person(faults: frozenset[str], number: int, at: datetime) -> Values:
    if "idle" in faults and number < _PEOPLE // 2:
        return {"lastLogonTimestamp": [_ticks(at - timedelta(days=500))]}
    return {}


def _group(base: str, sid: str, name: str, members: list[str]) -> tuple[str, Values]:
    where = "Builtin" if sid.startswith("S-1-5-32-") else "Users"
    values: Values = {
        "objectClass": ["top", "group"], "sAMAccountName": [name], "objectSid": [sid_bytes(sid)], "member": members,
    }  # fmt: skip
    return f"CN={name},CN={where},{base}", values


def _computer(base: str, sid: str, name: str, last: int, at: datetime, flags: int) -> tuple[str, Values]:
    dn, values = _user(base, sid, f"{name}$", last, at, {"objectClass": ["top", "person", "user", "computer"]})
    return dn.replace("CN=Users", "CN=Computers"), {**values, "userAccountControl": [flags], "primaryGroupID": [515]}


def _controller(base: str, sid: str, at: datetime) -> tuple[str, Values]:
    _, values = _computer(base, sid, "DC1", 1000, at, 0x82000)
    recent = {"pwdLastSet": [_ticks(at - timedelta(days=10))], "primaryGroupID": [516]}
    return f"CN=DC1,OU=Domain Controllers,{base}", {**values, **recent}


def _trust(base: str, target: str, number: int, *, filtered: bool) -> tuple[str, Values]:
    values: Values = {
        "objectClass": ["top", "leaf", "trustedDomain"], "objectGUID": [bytes([number + 1]) * 16], "name": [target],
        "trustPartner": [target], "trustDirection": [3], "trustType": [2], "trustAttributes": [4 if filtered else 0],
    }  # fmt: skip
    return f"CN={target},CN=System,{base}", values


def _written(dn: str, values: Values) -> bytes:
    return encode_entry(dn, {name: [_bytes(value) for value in several] for name, several in values.items()})


def _bytes(value: bytes | str | int) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _ticks(at: datetime) -> int:
    """An instant as a FILETIME."""
    return int((at - datetime(1601, 1, 1, tzinfo=UTC)).total_seconds()) * 10_000_000


def _generalized(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S.0Z")
