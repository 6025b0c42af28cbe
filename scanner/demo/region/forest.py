"""A small domain in the format of captures, given its faults: accounts, groups, a controller, trusts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import encode_entry
from probes.facts.identifiers import sid_bytes
from scanner.demo.region.descriptor import descriptor
from scanner.demo.region.towns import Town

Values = Mapping[str, Iterable[bytes | str | int]]
#: Attributes that were asked, and that nobody may bear.
_ASKED = {
    "adminCount", "altSecurityIdentities", "msDS-AllowedToActOnBehalfOfOtherIdentity", "msDS-AllowedToDelegateTo",
    "msDS-KeyCredentialLink", "msDS-SupportedEncryptionTypes", "servicePrincipalName", "sIDHistory",
}  # fmt: skip
#: Ordinary people of the domain.
_PEOPLE = 20


def read(town: Town, faults: frozenset[str], at: datetime) -> tuple[NamingContextRead, bytes]:
    """Return the fact of a domain read whole, and its capture."""
    base = ",".join(f"DC={part}" for part in town.forest.split("."))
    entries = [(dn, _guarded(dn, values, town.sid)) for dn, values in _entries(base, town, faults, at)]
    capture = b"".join(
        encode_entry(dn, {k: [_bytes(v) for v in vs] for k, vs in values.items()}) for dn, values in entries
    )
    fact = NamingContextRead(
        dn=base, role=NamingContextRole.DOMAIN, forest=town.forest, domain=town.forest, server=f"dc1.{town.forest}",
        current_time=at, entries=len(entries), bytes_read=len(capture), queries=4, seconds=1.0, complete=True,
        asked=tuple(sorted({name for _, values in entries for name in values} | _ASKED)),
    )  # fmt: skip
    return fact, capture


def _entries(base: str, town: Town, faults: frozenset[str], at: datetime) -> Iterator[tuple[str, Values]]:
    sid = town.sid
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
    members = [f"CN={name},CN=Users,{base}" for name in (*admins, "Administrateur")]
    at_rest = {"lastLogonTimestamp": [_ticks(at - timedelta(days=400))], "userAccountControl": [0x100200]}
    yield _user(base, sid, "Administrateur", 500, at, {"adminCount": [1], **at_rest})
    yield f"CN=AdminSDHolder,CN=System,{base}", {"objectClass": ["top", "container"], "name": ["AdminSDHolder"]}
    for name, last in (("Admins du domaine", 512), ("Protected Users", 525)):
        yield _group(base, f"{sid}-{last}", name, members)
    for name, last in (("Administrateurs du schéma", 518), ("Administrateurs de l’entreprise", 519)):
        yield _group(base, f"{sid}-{last}", name, [])
    yield _replication(base)
    yield _group(base, "S-1-5-32-544", "Administrateurs", [f"CN=Admins du domaine,CN=Users,{base}"])
    for number in (1, 2):
        yield _controller(base, sid, number, at)
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


def _controller(base: str, sid: str, number: int, at: datetime) -> tuple[str, Values]:
    _, values = _computer(base, sid, f"DC{number}", 999 + number, at, 0x82000)
    own: Values = {
        "pwdLastSet": [_ticks(at - timedelta(days=10))], "primaryGroupID": [516],
        "servicePrincipalName": [f"HOST/dc{number}"],
    }  # fmt: skip
    return f"CN=DC{number},OU=Domain Controllers,{base}", {**values, **own}


def _replication(base: str) -> tuple[str, Values]:
    """SYSVOL is replicated by DFSR."""
    name = "Domain System Volume"
    return f"CN={name},CN=DFSR-GlobalSettings,CN=System,{base}", {
        "objectClass": ["top", "msDFSR-ReplicationGroup"], "name": [name],
    }  # fmt: skip


def _guarded(dn: str, values: Values, sid: str) -> Values:
    protected = "adminCount" in values or dn.startswith("CN=AdminSDHolder")
    return {**values, "nTSecurityDescriptor": [descriptor(sid, protected=protected)]}


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
