"""The objects of a directory as the rules read them: accounts, groups, trusts, and all others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from probes.facts.identifiers import generalized_time, whole
from rules.interface import ObjectRef

#: userAccountControl bits (MS-ADTS 2.2.16).
DISABLED, PASSWORD_NOT_REQUIRED, REVERSIBLE, TRUST, WORKSTATION, SERVER_TRUST = 0x2, 0x20, 0x80, 0x800, 0x1000, 0x2000
NEVER_EXPIRES, SMARTCARD, UNCONSTRAINED, DES_ONLY, NO_PREAUTH, TO_AUTH, PARTIAL_SECRETS = (
    0x10000, 0x40000, 0x80000, 0x200000, 0x400000, 0x1000000, 0x4000000,
)  # fmt: skip
#: primaryGroupID of domain controllers, read-only ones included.
CONTROLLERS = frozenset({516, 521})
Values = Mapping[str, tuple[bytes, ...]]
_BINARY = re.compile(r"^B:\d{1,9}:[0-9A-Fa-f]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user, computer or managed service account. None where the directory did not tell.

    ``descriptor`` is a place in the distinct descriptors, -1 when none came. ``sid_history`` holds "" for a value that
    is no SID. ``rare`` are the attributes that few accounts have, as they came.
    """

    sid: str
    name: str
    dn: str
    computer: bool
    managed: bool
    uac: int | None
    primary_group: int | None
    password_set: datetime | None
    password_told: bool
    last_logon: datetime | None
    created: datetime | None
    spns: tuple[str, ...]
    delegates_to: tuple[str, ...]
    acts_for_others: bool
    admin_count: int
    sid_history: tuple[str, ...]
    encryption: int | None = None
    system: str = ""
    system_version: str = ""
    laps: bool = False
    descriptor: int = -1
    rare: Values = field(default_factory=dict)

    @property
    def enabled(self) -> bool:
        """Not known to be disabled."""
        return not (self.uac or 0) & DISABLED

    @property
    def controller(self) -> bool:
        """A domain controller, read-only ones included."""
        return self.computer and self.primary_group in CONTROLLERS

    @property
    def read_only_controller(self) -> bool:
        """A read-only domain controller."""
        return self.computer and self.primary_group == 521

    @property
    def server(self) -> bool:
        """A member computer whose system calls itself a server."""
        system = self.system.lower()
        return self.computer and not self.controller and ("server" in system or "serveur" in system)

    @property
    def ref(self) -> ObjectRef:
        """The account as a finding names it."""
        return ObjectRef(id=self.sid, name=self.name, dn=self.dn)

    def names(self, attribute: str) -> tuple[str, ...]:
        """The DNs of a rare attribute; the binary half of a DN with binary (``B:8:0102abcd:DN``) is left out."""
        return tuple(_BINARY.sub("", text(v)) for v in self.rare.get(attribute, ()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group; ``descriptor`` is a place in the distinct descriptors, -1 when none came."""

    sid: str
    name: str
    dn: str
    admin_count: int
    created: datetime | None
    sid_history: tuple[str, ...]
    descriptor: int

    @property
    def ref(self) -> ObjectRef:
        """The group as a finding names it."""
        return ObjectRef(id=self.sid, name=self.name, dn=self.dn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """A trust with another domain (MS-ADTS 6.1.6.7)."""

    guid: str
    name: str
    dn: str
    direction: int
    type: int
    attributes: int
    #: Whether the three came back; a missing one counts as 0.
    told: bool = True

    @property
    def ref(self) -> ObjectRef:
        """The trust as a finding names it."""
        return ObjectRef(id=self.guid or self.dn, name=self.name, dn=self.dn)


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Any other object: its classes in lower case, and its values as they came."""

    dn: str
    classes: frozenset[str]
    values: Values
    descriptor: int

    def text(self, name: str) -> str:
        """The first value as text, or ""."""
        return text(next(iter(self.values.get(name, ())), b""))

    def texts(self, name: str) -> tuple[str, ...]:
        """Every value as text."""
        return tuple(map(text, self.values.get(name, ())))

    def number(self, name: str) -> int | None:
        """The first value as a whole number, or None."""
        return whole(next(iter(self.values.get(name, ())), b""))

    @property
    def created(self) -> datetime | None:
        """When it was made."""
        return generalized_time(first(self.values, "whencreated"))

    @property
    def name(self) -> str:
        """The value of the DN's first part."""
        return self.text("name") or self.dn.partition(",")[0].partition("=")[2]

    @property
    def ref(self) -> ObjectRef:
        """The object as a finding names it."""
        guid = next(iter(self.values.get("objectguid", ())), b"")
        return ObjectRef(id=guid.hex() or self.dn, name=self.name, dn=self.dn)


def unread(dn: str) -> ObjectRef:
    """Return how a finding names an object of which only the DN is known."""
    return ObjectRef(id=dn, name=dn.partition(",")[0].partition("=")[2], dn=dn)


def first(values: Values, name: str) -> bytes:
    """Return the first value of an attribute, or nothing."""
    found = values.get(name)
    return found[0] if found else b""


def text(value: bytes) -> str:
    """Return a value as text; what is no UTF-8 is shown so."""
    return value.decode("utf-8", "replace")
