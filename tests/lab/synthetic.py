"""Makes a forest in memory in the capture format, object by object; descriptors are written last."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from probes.directory.attributes import asked
from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import encode_entry
from probes.facts.identifiers import sid_bytes
from probes.interface import Asset, AssetKind, Mandate, Observation, Part, Scope, Vantage
from rules.interface import Unseen
from rules.subject import Feed, Perimeter, Record, Scan, ScanPart, Timeline
from rules.views.domain import DomainView, domains
from rules.views.forest import ForestView, forests
from tests.lab.descriptors import FULL, READ, ace, descriptor

Value = str | int | bytes | bool | Sequence["str | bytes | int"] | None
NOW = dt.datetime(2026, 11, 24, 8, tzinfo=dt.UTC)
DOMAIN, SID = "ad.test", "S-1-5-21-1004-2005-3006"
BASE = "DC=ad,DC=test"
CONFIG = f"CN=Configuration,{BASE}"
SCHEMA = f"CN=Schema,{CONFIG}"
DOMAIN_DNS, FOREST_DNS = f"DC=DomainDnsZones,{BASE}", f"DC=ForestDnsZones,{BASE}"
ROLES = {
    BASE: NamingContextRole.DOMAIN, CONFIG: NamingContextRole.CONFIGURATION, SCHEMA: NamingContextRole.SCHEMA,
    DOMAIN_DNS: NamingContextRole.DOMAIN_DNS, FOREST_DNS: NamingContextRole.FOREST_DNS,
}  # fmt: skip
ADMINS, SYSTEM, EVERYONE, AUTHENTICATED = "S-1-5-32-544", "S-1-5-18", "S-1-1-0", "S-1-5-11"
SERVICES = f"CN=Services,{CONFIG}"
PKI = f"CN=Public Key Services,{SERVICES}"
SILO = f"CN=Silo0,CN=AuthN Silos,CN=AuthN Policy Configuration,{SERVICES}"
#: The dSHeuristics by which nothing is wrong at any level.
HEURISTICS = "0000000001000000000200000001130"
#: A year of FILETIME ticks.
YEAR = 365 * 864_000_000_000


def sid(last: int) -> str:
    """Return a SID of the domain."""
    return f"{SID}-{last}"


def ago(days: float) -> str:
    """Return an instant as a FILETIME."""
    since = NOW - dt.timedelta(days=days) - dt.datetime(1601, 1, 1, tzinfo=dt.UTC)
    return str(int(since.total_seconds()) * 10_000_000)


def dated(days: float) -> str:
    """Return an instant as a GeneralizedTime."""
    return (NOW - dt.timedelta(days=days)).strftime("%Y%m%d%H%M%S.0Z")


@dataclass(slots=True)
class Security:
    """The descriptor of an object before it is written; ``raw`` replaces all of it, b"" leaves it out."""

    owner: str = sid(512)
    aces: list[bytes] = field(
        default_factory=lambda: [ace(SYSTEM, FULL), ace(sid(512), FULL), ace(AUTHENTICATED, READ)]
    )
    protected: bool = False
    raw: bytes | None = None

    def written(self) -> bytes:
        return descriptor(self.owner, self.aces, protected=self.protected) if self.raw is None else self.raw


class World:
    """A forest of one domain; every change returns the world, so that a test reads as one sentence."""

    def __init__(self) -> None:
        self.entries: dict[str, dict[str, list[bytes]]] = {}
        self.security: dict[str, Security] = {}
        self.cut: set[str] = set()
        self.left_out: set[str] = set()
        self.unasked: set[str] = set()
        self.more: dict[str, list[bytes]] = {}
        self.feeds: dict[str, Feed] = {}

    def add(self, dn: str, *classes: str, **attributes: Value) -> World:
        """Add an object; underscores in names stand for hyphens."""
        self.entries[dn] = {"objectClass": [c.encode() for c in ("top", *classes)]}
        self.security[dn] = Security()
        known: dict[str, Value] = {"objectGUID": hashlib.md5(dn.encode()).digest(), "whenCreated": dated(900)}
        return self.put(dn, **{**known, "name": dn.partition(",")[0].partition("=")[2], **attributes})

    def put(self, dn: str, **attributes: Value) -> World:
        """Set attributes of an object; None removes one."""
        for name, value in attributes.items():
            real = name.replace("_", "-")
            if value is None:
                self.entries[dn].pop(real, None)
            else:
                values = list(value) if isinstance(value, (list, tuple)) else [value]
                self.entries[dn][real] = [_bytes(one) for one in values]
        return self

    def drop(self, *dns: str) -> World:
        """Remove objects."""
        for dn in dns:
            del self.entries[dn]
        return self

    def user(self, name: str, last: int, **attributes: Value) -> World:
        """Add an enabled user of the Médecins unit."""
        dn = f"CN={name},OU=Médecins,{BASE}"
        usual: dict[str, Value] = {
            "sAMAccountName": name, "userAccountControl": 0x200, "primaryGroupID": 513, "pwdLastSet": ago(30),
            "lastLogonTimestamp": ago(2), "objectSid": sid_bytes(sid(last)),
        }  # fmt: skip
        return self.add(dn, "person", "organizationalPerson", "user", **{**usual, **attributes})

    def computer(self, name: str, last: int, **attributes: Value) -> World:
        """Add an enabled member computer."""
        dn = f"CN={name},CN=Computers,{BASE}"
        usual: dict[str, Value] = {
            "sAMAccountName": f"{name}$", "userAccountControl": 0x1000, "primaryGroupID": 515, "pwdLastSet": ago(10),
            "lastLogonTimestamp": ago(2), "objectSid": sid_bytes(sid(last)), "operatingSystem": "Windows 11 Entreprise",
            "operatingSystemVersion": "10.0 (26100)", "msLAPS_PasswordExpirationTime": ago(-20),
            "servicePrincipalName": [f"HOST/{name}", f"HOST/{name}.{DOMAIN}"], "msDS_SupportedEncryptionTypes": 24,
        }  # fmt: skip
        return self.add(dn, "person", "organizationalPerson", "user", "computer", **{**usual, **attributes})

    def group(self, name: str, of: str | int, *members: str, **attributes: Value) -> World:
        """Add a group by its SID, or by its RID in the domain."""
        number = sid(of) if isinstance(of, int) else of
        where = "CN=Builtin" if number.startswith("S-1-5-32-") else "CN=Users"
        dn = f"CN={name},{where},{BASE}"
        self.add(dn, "group", sAMAccountName=name, objectSid=sid_bytes(number), member=list(members) or None)
        return self.put(dn, **attributes)

    def join(self, of: str | int, *members: str) -> World:
        """Add members to a group."""
        self.entries[self.dn(of)].setdefault("member", []).extend(m.encode() for m in members)
        return self

    def dn(self, of: str | int) -> str:
        """Return the DN of a principal by its SID, or its RID in the domain."""
        wanted = [sid_bytes(sid(of) if isinstance(of, int) else of)]
        return next(dn for dn, values in self.entries.items() if values.get("objectSid") == wanted)

    def allow(self, dn: str, who: str, mask: int, kind: str = "", **more: object) -> World:
        """Add an entry to the DACL of an object."""
        self.security[dn].aces.append(ace(who, mask, kind, **more))  # type: ignore[arg-type]
        return self

    def deny(self, dn: str, who: str, mask: int, kind: str = "") -> World:
        """Add a denying entry to the DACL of an object, after the others."""
        return self.allow(dn, who, mask, kind, deny=True)

    def secured(self, dn: str, **changed: object) -> World:
        """Change owner, protection, or the whole descriptor of an object."""
        self.security[dn] = replace(self.security[dn], **changed)  # type: ignore[arg-type]
        return self

    def unread(self, *dns: str) -> World:
        """Leave the descriptors of objects out, as when the account may not read them."""
        for dn in dns:
            self.secured(dn, raw=b"")
        return self

    def cut_at(self, *contexts: str) -> World:
        """Make naming contexts cut short by the server."""
        self.cut |= set(contexts)
        return self

    def without(self, *contexts: str) -> World:
        """Leave naming contexts unread."""
        self.left_out |= set(contexts)
        return self

    def unreadable(self, *attributes: str) -> World:
        """Take attributes away from every object."""
        for values in self.entries.values():
            for name in attributes:
                values.pop(name, None)
        return self

    def record(self) -> Record:
        """Return the record of a scan that read all of it."""
        captures: dict[str, bytes] = {}
        observations = []
        for context, role in ROLES.items():
            if context in self.left_out:
                continue
            digests = []
            for chunk in (b"".join(self._messages(context)), *self.more.get(context, ())):
                digest = hashlib.sha256(chunk).hexdigest()
                captures[digest] = chunk
                digests.append(digest)
            observations.append(self._observation(context, role, tuple(digests)))
        forest = Asset(kind=AssetKind.FOREST, name=DOMAIN, found_by="directory:ad")
        domain = Asset(kind=AssetKind.AD_DOMAIN, name=DOMAIN, found_by=forest.id)
        return Record(
            scan=_scan(), assets=(forest, domain), observations=tuple(observations), attempts=(), feeds=self.feeds,
            timeline=Timeline(), read_capture=captures.__getitem__,
        )  # fmt: skip

    def _observation(
        self, context: str, role: NamingContextRole, digests: tuple[str, ...]
    ) -> Observation[NamingContextRead]:
        fact = NamingContextRead(
            dn=context, role=role, forest=DOMAIN,
            domain=DOMAIN if role in {NamingContextRole.DOMAIN, NamingContextRole.DOMAIN_DNS} else "",
            server="dc1.ad.test", current_time=NOW, entries=len(self.entries), bytes_read=0, queries=1, seconds=1.0,
            complete=context not in self.cut, cut="size-limit" if context in self.cut else "",
            asked=tuple(a for a in asked(role) if a not in self.unasked),
        )  # fmt: skip
        return Observation(
            id=hashlib.sha256(repr((fact, digests)).encode()).hexdigest()[:32],
            asset=Asset(kind=AssetKind.NAMING_CONTEXT, name=context, found_by="directory:ad"),
            fact=fact, seen_at=NOW, probe="directory-tree@1", vantage=Vantage.INSIDE, captures=digests,
        )  # fmt: skip

    def _messages(self, context: str) -> Iterator[bytes]:
        for dn, values in self.entries.items():
            if max((c for c in ROLES if dn == c or dn.endswith(f",{c}")), key=len) == context:
                written = self.security[dn].written()
                full: Mapping[str, Iterable[bytes]] = values | ({"nTSecurityDescriptor": [written]} if written else {})
                yield encode_entry(dn, full)

    def domain(self) -> DomainView:
        """Return the domain as rules read it."""
        (view,) = domains.build(self.record())
        assert not isinstance(view, Unseen)
        assert isinstance(view, DomainView)
        return view

    def forest(self) -> ForestView:
        """Return the forest as rules read it."""
        (view,) = forests.build(self.record())
        assert isinstance(view, ForestView)
        return view


def _bytes(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    return str(value).upper().encode() if isinstance(value, bool) else str(value).encode()


def _scan() -> Scan:
    scope = Scope()
    mandate = Mandate(
        reference="M1", document_sha256="", signatory="Directrice", level=2, valid_from=NOW.date(),
        valid_until=NOW.date(), windows=(), scope=scope,
    )  # fmt: skip
    part = ScanPart(kind=Part.DIRECTORY, box="b", vantage=Vantage.INSIDE, started_at=NOW, ended_at=NOW)
    return Scan(
        id="s1", perimeter=Perimeter(id="chu", name="CHU", unit="ej"), mandate=mandate, parts=(part,), level=2,
        state="complete", versions={}, config_digest="",
    )  # fmt: skip


def zone_property(update: int) -> bytes:
    """Return the dNSProperty that says which updates a zone takes (MS-DNSP 2.3.2.1)."""
    return b"".join(n.to_bytes(4, "little") for n in (1, 0, 0, 1, 2)) + bytes([update]) + b"\0"


@cache
def certificate() -> bytes:
    """Return a sound authority's certificate: P-256, SHA-256."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "AC Test")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + dt.timedelta(days=3650))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)
