"""ANSSI control points on domain controllers, servers and service accounts: support, passwords, encryption."""

from __future__ import annotations

import re
from collections.abc import Callable

from probes.interface import Part
from rules.catalogue.directory_accounts import NO_DATE, none_of, older, silent
from rules.interface import ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.support import windows_support
from rules.views.domain import DomainView
from rules.views.objects import PARTIAL_SECRETS, SERVER_TRUST, TO_AUTH, UNCONSTRAINED, WORKSTATION, Account, Thing

DIRECTORY = Part.DIRECTORY
#: msDS-SupportedEncryptionTypes (MS-KILE 2.2.7).
_DES, _RC4, _AES = 0x3, 0x4, 0x18
#: The highest functional level of each Windows Server (msDS-Behavior-Version, MS-ADTS 6.1.4.2).
_RELEASE = re.compile(r"\b20\d\d(\s+r2)?\b")
_CAPABLE = {
    "2003": 2, "2003 r2": 2, "2008": 3, "2008 r2": 4, "2012": 5, "2012 r2": 6, "2016": 7, "2019": 7, "2022": 7,
    "2025": 10,
}  # fmt: skip
#: Classes of the names of a cluster and of what it serves; its nodes, which are servers, bear MSServerClusterMgmtAPI.
_CLUSTERS = frozenset({"mscluster", "msservercluster", "msclustervirtualserver"})
#: fRSReplicaSetType of SYSVOL; msDFSR-Flags once its migration is over ("eliminated").
_SYSVOL_SET, _ELIMINATED = 2, 48


@rule("controller-objects-consistent", reads=DomainView, part=DIRECTORY)
def controller_objects_consistent(seen: DomainView) -> Verdict:
    """Every domain controller has the flags of one, and a server object with its settings in the configuration."""
    if not seen.controllers:
        return undetermined("object-not-readable", (1,))
    table = seen.whole.configuration
    servers, settings = {}, dict[str, Thing]()
    for thing in table.of("server", "ntdsdsa", "ntdsdsaro") if table else ():
        if "server" in thing.classes:
            servers[thing.text("serverreference").lower()] = thing.dn.lower()
        else:
            settings[thing.dn.lower().partition(",")[2]] = thing
    dated = table is not None and "msds-behavior-version" in table.told
    bad, unknown = [], table is None
    for account in seen.controllers:
        server = servers.get(account.dn.lower())
        orphan = server is None or server not in settings
        flags = (
            PARTIAL_SECRETS | TO_AUTH | WORKSTATION if account.read_only_controller else SERVER_TRUST | UNCONSTRAINED
        )
        wrong = account.uac is not None and account.uac & flags != flags
        if not orphan:
            own = settings[server or ""]
            wrong = wrong or ("ntdsdsaro" in own.classes) is not account.read_only_controller
            wrong = wrong or (dated and _behaves_otherwise(account, own))
        whole = table is not None and table.complete
        bad += [account.ref] if wrong or (orphan and whole) else []
        unknown = unknown or account.uac is None or (orphan and not whole)
    if bad:
        return not_met(*bad, levels=(1,), count=len(bad), first=bad[0].name)
    if unknown:
        return undetermined("configuration-not-read", (1,))
    return met(count=len(seen.controllers)) if seen.complete else undetermined("collection-cut", (1,))


def _behaves_otherwise(account: Account, settings: Thing) -> bool:
    """Whether a controller's settings tell another functional level than the highest one that its Windows knows."""
    found = _RELEASE.search(account.system.lower())
    known = _CAPABLE.get(" ".join(found[0].split())) if found else None
    return known is not None and settings.number("msds-behavior-version") != known


@rule("controllers-supported", reads=DomainView, part=DIRECTORY)
def controllers_supported(seen: DomainView) -> Verdict:
    """Every domain controller runs a Windows that its vendor still supports."""
    if not seen.controllers:
        return undetermined("object-not-readable", (1,))
    feed = seen.whole.feed
    if feed is None:
        return undetermined("no-fresh-support-feed", (1,))
    bad, unknown = [], 0
    for account in seen.controllers:
        support = windows_support(feed, account.system, account.system_version)
        unknown += support is None
        if support is not None and support.over(seen.now):
            name = f"{account.name} ({account.system})"
            bad.append(ObjectRef(id=account.sid, name=name, dn=account.dn))
    if bad:
        return not_met(*bad, levels=(1,), count=len(bad), first=bad[0].name)
    if unknown:
        return undetermined("system-not-known", (1,), count=unknown)
    return met() if seen.complete else undetermined("collection-cut", (1,))


@rule("controllers-encrypt-with-aes", reads=DomainView, part=DIRECTORY)
def controllers_encrypt_with_aes(seen: DomainView) -> Verdict:
    """Controllers offer AES for Kerberos, and neither DES nor RC4."""
    told = [a for a in seen.controllers if a.encryption is not None]
    if not seen.controllers:
        return undetermined("object-not-readable", (2, 3, 4))
    faults: dict[int, Callable[[int], bool]] = {
        2: lambda bits: bool(bits & _DES), 3: lambda bits: not bits & _AES, 4: lambda bits: bool(bits & _RC4),
    }  # fmt: skip
    levels = tuple(n for n, bad in faults.items() if any(bad(a.encryption or 0) for a in told))
    # without the attribute the controller's own defaults hold: no DES since 2008 R2, the rest is not known
    silent = len(told) < len(seen.controllers) or not seen.complete
    open_levels = tuple(n for n in (3, 4) if n not in levels) if silent else ()
    if levels:
        bad = [a.ref for a in told if any(faults[n](a.encryption or 0) for n in levels)]
        return not_met(*bad, levels=levels, open_levels=open_levels, count=len(bad), first=bad[0].name)
    return undetermined("attribute-not-set", (3, 4)) if silent else met()


def clustered(account: Account) -> bool:
    """The account of a failover cluster, by its service names."""
    return any(spn.lower().partition("/")[0] in _CLUSTERS for spn in account.spns)


def _old_servers(seen: DomainView, days: int, levels: tuple[int, ...]) -> Verdict:
    servers = (a for a in seen.accounts if a.server and a.enabled and not clustered(a))
    return none_of(seen, servers, older(seen, days), levels, needs="operatingsystem", untold_is=NO_DATE)


@rule("server-passwords-renewed-in-a-quarter", reads=DomainView, part=DIRECTORY)
def server_passwords_renewed_in_a_quarter(seen: DomainView, *, days: int = 90) -> Verdict:
    """Every server has renewed its own password within 90 days."""
    return _old_servers(seen, days, (2,))


@rule("server-passwords-renewed", reads=DomainView, part=DIRECTORY)
def server_passwords_renewed(seen: DomainView, *, days: int = 45) -> Verdict:
    """Every server has renewed its own password within 45 days."""
    return _old_servers(seen, days, (3,))


@rule("servers-active", reads=DomainView, part=DIRECTORY)
def servers_active(seen: DomainView, *, days: int = 90, lag_days: int = 14) -> Verdict:
    """Every enabled server has logged on within 90 days; the attribute may lag 14 days behind."""
    servers = (a for a in seen.accounts if a.server and a.enabled and not clustered(a))
    return silent(seen, servers, (3,), days=days, lag_days=lag_days, needs="operatingsystem")


@rule("cluster-passwords-renewed", reads=DomainView, part=DIRECTORY)
def cluster_passwords_renewed(seen: DomainView, *, days: int = 1095) -> Verdict:
    """Every cluster account has a password younger than three years."""
    accounts = [a for a in seen.accounts if a.enabled and clustered(a)]
    return none_of(seen, accounts, older(seen, days), (2,), needs="serviceprincipalname", untold_is=NO_DATE)


@rule("managed-account-passwords-renewed", reads=DomainView, part=DIRECTORY)
def managed_account_passwords_renewed(seen: DomainView, *, days: int = 90) -> Verdict:
    """Every managed service account has renewed its password within 90 days."""
    accounts = [a for a in seen.accounts if a.enabled and a.managed]
    return none_of(seen, accounts, older(seen, days), (2,), untold_is=NO_DATE)


@rule("service-accounts-encrypt-with-aes", reads=DomainView, part=DIRECTORY)
def service_accounts_encrypt_with_aes(seen: DomainView) -> Verdict:
    """Every account that carries a service name, machines aside, has AES set and no DES."""
    if absent := seen.missing("msds-supportedencryptiontypes"):
        return undetermined(f"not-readable:{absent}", (3,))
    accounts = (a for a in seen.accounts if a.enabled and not a.computer and a.spns)

    def weak(account: Account) -> bool:
        return not (account.encryption or 0) & _AES or bool((account.encryption or 0) & _DES)

    return none_of(seen, accounts, weak, (3,), needs="serviceprincipalname")


@rule("sysvol-replicated-by-dfsr", reads=DomainView, part=DIRECTORY)
def sysvol_replicated_by_dfsr(seen: DomainView) -> Verdict:
    """SYSVOL is replicated by DFSR; its migration from NTFRS, if there was one, is over."""
    old = [t for t in seen.things("ntfrsreplicaset") if t.number("frsreplicasettype") == _SYSVOL_SET]
    controllers = tuple(f",{a.dn.lower()}" for a in seen.controllers)
    subscribers = (t for t in seen.things("ntfrssubscriber") if t.dn.lower().endswith(controllers))
    old += [t for t in subscribers if "sysvol" in t.name.lower()]
    flags = {t.number("msdfsr-flags") for t in seen.things("msdfsr-globalsettings")}
    group = any(t.name.lower() == "domain system volume" for t in seen.things("msdfsr-replicationgroup"))
    if _ELIMINATED in flags:
        return met()
    # the state of the migration has one place: seen there, it needs no more
    if not seen.complete and not (old and flags):
        return undetermined("collection-cut", (2,))
    if group and not old:
        return met()
    return not_met(*(t.ref for t in old), levels=(2,), count=len(old))


@rule("domain-preparation-complete", reads=DomainView, part=DIRECTORY)
def domain_preparation_complete(seen: DomainView) -> Verdict:
    """The domain is not left at preparation 15, which gives the key administrators too much."""
    where = f"CN=ActiveDirectoryUpdate,CN=DomainUpdates,CN=System,{seen.own.fact.dn}"
    thing = next(iter(seen.own.named(where)), None)
    if thing is None:
        return not_applicable("not-prepared") if seen.complete else undetermined("collection-cut", (2,))
    revision = thing.number("revision")
    if revision is None:
        return undetermined("attribute-not-readable", (2,))
    return not_met(thing.ref, levels=(2,), revision=revision) if revision == 15 else met(revision=revision)
