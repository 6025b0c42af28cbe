"""The ground faults are planted in: a domain's database, with the few gestures all seeds share."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime

import ldb
from samba.auth import system_session
from samba.dcerpc import security
from samba.dsdb import DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID
from samba.ndr import ndr_pack, ndr_unpack
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

Planted = dict[str, list[str]]
#: Points at which every privileged account of a lab domain is at fault: too many, a weak policy, nothing for them.
PRIVILEGED = (
    "vuln_privileged_members",
    "vuln_privileged_members_password",
    "vuln_protected_users",
    "vuln_silo_priv",
)
#: What an attribute is set to.
Value = str | bytes | Sequence[str]

DAY = 24 * 3600
#: Seconds between 1601 and 1970.
EPOCH = 11644473600
BYPASS = [f"local_oid:{DSDB_CONTROL_BYPASS_PASSWORD_HASH_OID}:0", "relax:0"]

#: Bits of userAccountControl (MS-ADTS 2.2.16).
DISABLED, NO_PASSWORD, NORMAL, WORKSTATION, SERVER_TRUST, NEVER_EXPIRES = 0x2, 0x20, 0x200, 0x1000, 0x2000, 0x10000


def planted(faulty: Iterable[str], near: Iterable[str] = ()) -> Planted:
    """Return what a seed planted: what is at fault, and what nearly is."""
    return {"faulty": sorted(faulty), "near": sorted(near)}


def days_ago(days: float) -> str:
    """Return an instant as Active Directory writes it: tenths of microseconds since 1601."""
    now = datetime.now(UTC).timestamp()  # the controller's own clock is today's
    return str(int((now - days * DAY + EPOCH) * 10_000_000))


class Ground:
    """A domain's database, opened offline as the system."""

    def __init__(self, configuration: str, password: str) -> None:
        lp = LoadParm()
        lp.load(configuration)
        lp.set("dsdb:schema update allowed", "yes")
        self.sam = SamDB(
            url=lp.samdb_url(), lp=lp, session_info=system_session(), options=["batch_mode:1"], global_schema=False
        )
        self.password = password
        self.domain = str(self.sam.domain_dn())
        self.configuration = str(self.sam.get_config_basedn())
        self.schema = str(self.sam.get_schema_basedn())
        self.realm = str(lp.get("realm")).lower()
        self.sid = str(self.sam.get_domain_sid())
        self.descriptors = SDUtils(self.sam)
        self.controller = f"CN=DC1,OU=Domain Controllers,{self.domain}"
        #: What seeds of other points put at fault too: SIDs by point.
        self.also: dict[str, set[str]] = defaultdict(set)
        self.people = f"OU=Médecins,{self.domain}"

    def besides(self, *dns: str, points: Iterable[str]) -> None:
        """Say that objects, planted for one point, are at fault at others as well."""
        for point in points:
            self.also[point].update(self.sids(*dns))

    def add(self, dn: str, *classes: str, controls: Iterable[str] = (), **attributes: Value) -> str:
        """Add an object (underscores in names stand for hyphens) and return its DN."""
        message: dict[str, Value] = {"dn": dn, "objectClass": list(classes)}
        message |= {name.replace("_", "-"): value for name, value in attributes.items()}
        self.sam.add(message, controls=list(controls))
        return dn

    def put(self, dn: str, *, controls: Iterable[str] = ("relax:0",), **attributes: Value) -> None:
        """Replace attributes of an object."""
        message = ldb.Message(ldb.Dn(self.sam, dn))
        for name, value in attributes.items():
            real = name.replace("_", "-")
            message[real] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, real)
        self.sam.modify(message, controls=list(controls))

    def exists(self, dn: str) -> bool:
        """Tell whether an object exists."""
        try:
            return bool(self.sam.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["dn"]))
        except ldb.LdbError:
            return False

    def container(self, dn: str) -> str:
        """Return the DN of a container, made with its parents if missing."""
        if not self.exists(dn):
            self.container(dn.partition(",")[2])
            self.add(dn, "top", "container")
        return dn

    def sid_of(self, dn: str) -> str:
        """Return the SID of an object."""
        found = self.sam.search(base=dn, scope=ldb.SCOPE_BASE, attrs=["objectSid"])[0]
        return str(ndr_unpack(security.dom_sid, found["objectSid"][0]))

    def sids(self, *dns: str) -> list[str]:
        """Return the SIDs of objects."""
        return [self.sid_of(dn) for dn in dns]

    def by_rid(self, rid: int) -> str:
        """Return the DN of a well-known account or group of the domain."""
        return str(self.sam.search(base=f"<SID={self.sid}-{rid}>", scope=ldb.SCOPE_BASE, attrs=["dn"])[0].dn)

    def by_sid(self, sid: str) -> str:
        """Return the DN of an object by its SID."""
        return str(self.sam.search(base=f"<SID={sid}>", scope=ldb.SCOPE_BASE, attrs=["dn"])[0].dn)

    def join(self, group: str, *members: str) -> None:
        """Add members, by DN, to a group, by DN."""
        message = ldb.Message(ldb.Dn(self.sam, group))
        message["member"] = ldb.MessageElement(list(members), ldb.FLAG_MOD_ADD, "member")
        self.sam.modify(message)

    def leave(self, group: str, *members: str) -> None:
        """Remove members, by DN, from a group, by DN."""
        message = ldb.Message(ldb.Dn(self.sam, group))
        message["member"] = ldb.MessageElement(list(members), ldb.FLAG_MOD_DELETE, "member")
        self.sam.modify(message)

    def user(
        self,
        name: str,
        *,
        flags: int = 0,
        password_days: float = 10,
        logon_days: float | None = 3,
        privileged: bool = False,
        password: bool = True,
        **attributes: Value,
    ) -> str:
        """Add an enabled user of the Médecins unit and return its DN; privileged ones join Domain Admins."""
        upn = f"{name}@{self.realm}"
        dn = f"CN={name},{self.people}"
        flagged = str(NORMAL | NO_PASSWORD)
        self.add(dn, "user", sAMAccountName=name, userPrincipalName=upn, userAccountControl=flagged)
        if password:
            self.put(dn, controls=(), clearTextPassword=self.password.encode("utf-16-le"))
        self.put(dn, controls=BYPASS, userAccountControl=str(NORMAL | flags), **attributes)
        self.aged(dn, password_days, logon_days)
        if privileged:
            self.join(self.by_rid(512), dn)
            self.put(dn, adminCount="1")
            self.besides(dn, points=PRIVILEGED)
        return dn

    def computer(
        self, name: str, *, flags: int = 0, password_days: float = 5, logon_days: float = 3, **attributes: Value
    ) -> str:
        """Add an enabled member computer and return its DN."""
        dn = f"CN={name},CN=Computers,{self.domain}"
        host = f"{name.lower()}.{self.realm}"
        self.add(dn, "computer", sAMAccountName=f"{name}$", userAccountControl=str(WORKSTATION), dNSHostName=host)
        self.put(dn, controls=BYPASS, userAccountControl=str(WORKSTATION | flags), **attributes)
        self.aged(dn, password_days, logon_days)
        return dn

    def group(self, name: str, *members: str, kind: int = -2147483646) -> str:
        """Add a group, by default global and of security, and return its DN."""
        dn = self.add(f"CN={name},{self.people}", "group", sAMAccountName=name, groupType=str(kind))
        if members:
            self.join(dn, *members)
        return dn

    def aged(self, dn: str, password_days: float, logon_days: float | None = None) -> None:
        """Date the password, and the last logon, of an account."""
        self.put(dn, controls=BYPASS, pwdLastSet=days_ago(password_days))
        if logon_days is not None:
            self.put(dn, controls=BYPASS, lastLogonTimestamp=days_ago(logon_days))

    def allow(self, dn: str, *aces: str) -> None:
        """Add ACEs, in SDDL, to an object's DACL."""
        for ace in aces:
            self.descriptors.dacl_add_ace(ldb.Dn(self.sam, dn), ace)

    def binary_sid(self, sid: str) -> bytes:
        """Return the binary form of a SID."""
        return bytes(ndr_pack(security.dom_sid(sid)))

    def descriptor(self, sddl: str) -> bytes:
        """Return the binary form of a descriptor given in SDDL."""
        return bytes(ndr_pack(security.descriptor.from_sddl(sddl, security.dom_sid(self.sid))))


Plant = Callable[[Ground], Planted]
