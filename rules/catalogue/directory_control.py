"""ANSSI control points on domain controllers, delegation, trusts and default groups."""

from __future__ import annotations

from collections.abc import Iterable

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.catalogue.directory_accounts import NO_DATE, none_of, older, silent
from rules.interface import ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import WELL_KNOWN
from rules.views.domain import DomainView
from rules.views.objects import PARTIAL_SECRETS, SERVER_TRUST, TO_AUTH, TRUST, UNCONSTRAINED, Account
from rules.views.objects import unread as unread_ref

DIRECTORY = Part.DIRECTORY
_PRE_2000, _ANONYMOUS, _AUTHENTICATED = "S-1-5-32-554", "S-1-5-7", "S-1-5-11"
#: trustAttributes bits (MS-ADTS 6.1.6.7.9).
_QUARANTINED, _FOREST, _WITHIN_FOREST, _AS_EXTERNAL, _TGT_DELEGATION = 0x4, 0x8, 0x20, 0x40, 0x800
_INBOUND, _OUTBOUND = 1, 2


def _controllers(seen: DomainView) -> list[Account]:
    return [a for a in seen.accounts if a.controller]


@rule("controller-passwords-renewed", reads=DomainView, part=DIRECTORY)
def controller_passwords_renewed(seen: DomainView, *, days: int = 45) -> Verdict:
    """Every domain controller has renewed its own password within 45 days."""
    controllers = _controllers(seen)
    if not controllers:
        return undetermined("object-not-readable", (1,))
    return none_of(seen, (a for a in controllers if a.enabled), older(seen, days), (1,), untold_is=NO_DATE)


@rule("controllers-active", reads=DomainView, part=DIRECTORY)
def controllers_active(seen: DomainView, *, days: int = 45, lag_days: int = 14) -> Verdict:
    """Every domain controller has logged on within 45 days; the attribute may lag 14 days behind."""
    controllers = _controllers(seen)
    if not controllers:
        return undetermined("object-not-readable", (1,))
    return silent(seen, controllers, (1,), days=days, lag_days=lag_days)


@rule("unconstrained-delegation-only-on-controllers", reads=DomainView, part=DIRECTORY)
def unconstrained_delegation_only_on_controllers(seen: DomainView) -> Verdict:
    """Only domain controllers are trusted for unconstrained delegation."""
    accounts = (a for a in seen.accounts if a.enabled and not a.controller)
    return none_of(seen, accounts, lambda a: None if a.uac is None else bool(a.uac & UNCONSTRAINED), (1,))


def _to_controllers(seen: DomainView) -> set[str]:
    """The names by which a delegation targets a controller of the forest."""
    names: set[str] = set()
    for domain, accounts in _domains(seen):
        for controller in accounts:
            if controller.controller:
                short = controller.name.rstrip("$").lower()
                names |= {short, f"{short}.{domain.lower()}", *(_host(spn) for spn in controller.spns)}
    return names - {""}


def _domains(seen: DomainView) -> Iterable[tuple[str, Iterable[Account]]]:
    """The accounts of every domain of the forest that was read, by its name."""
    yield seen.asset.name, seen.accounts
    for name, table in seen.forest.domains.items() if seen.forest else ():
        if table is not seen.table:
            yield name, table.accounts


def _host(spn: str) -> str:
    return spn.partition("/")[2].partition("/")[0].partition(":")[0].lower()


def _delegating(seen: DomainView, *, transition: bool) -> Iterable[Account]:
    targets = _to_controllers(seen)
    for account in seen.accounts:
        aimed = any(_host(s) in targets or s.lower().partition("/")[0] == "krbtgt" for s in account.delegates_to)
        if account.enabled and aimed and bool((account.uac or 0) & TO_AUTH) is transition:
            yield account


#: Where delegations are kept, in lower case.
_DELEGATES, _ACTS = "msds-allowedtodelegateto", "msds-allowedtoactonbehalfofotheridentity"


@rule("delegation-not-to-controllers", reads=DomainView, part=DIRECTORY)
def delegation_not_to_controllers(seen: DomainView) -> Verdict:
    """No account may delegate to a service of a domain controller."""
    return none_of(seen, _delegating(seen, transition=False), lambda _: True, (1,), needs=_DELEGATES)


@rule("protocol-transition-not-to-controllers", reads=DomainView, part=DIRECTORY)
def protocol_transition_not_to_controllers(seen: DomainView) -> Verdict:
    """No account may delegate, with protocol transition, to a service of a domain controller."""
    return none_of(seen, _delegating(seen, transition=True), lambda _: True, (1,), needs=_DELEGATES)


@rule("resource-delegation-not-on-controllers", reads=DomainView, part=DIRECTORY)
def resource_delegation_not_on_controllers(seen: DomainView) -> Verdict:
    """Nobody may act for others towards a domain controller, krbtgt or another privileged account (RBCD)."""
    accounts = (a for a in seen.accounts if a.controller or rid(a.sid) == 502 or a.sid in seen.privileged)
    return none_of(seen, accounts, lambda a: a.acts_for_others, (1,), needs=_ACTS, privileged=True)


@rule("primary-groups-not-reserved", reads=DomainView, part=DIRECTORY)
def primary_groups_not_reserved(seen: DomainView) -> Verdict:
    """No primary group below 1000 but the default ones."""
    return none_of(seen, seen.accounts, lambda a: _unusual(a, reserved=True), (1,))


@rule("primary-groups-default", reads=DomainView, part=DIRECTORY)
def primary_groups_default(seen: DomainView) -> Verdict:
    """Every account keeps its default primary group."""
    return none_of(seen, seen.accounts, lambda a: _unusual(a, reserved=False), (3,))


def _unusual(account: Account, *, reserved: bool) -> bool | None:
    if account.primary_group is None:
        return None
    flags = account.uac or 0
    if account.managed:
        usual = {515}
    elif not account.computer:
        usual = {513} if flags & TRUST else {513, 514}
    elif account.uac is None:
        usual = {515, 516, 521}
    else:
        usual = {521} if flags & PARTIAL_SECRETS else {516} if flags & SERVER_TRUST else {515}
    return account.primary_group not in usual and (account.primary_group < 1000 or not reserved)


@rule("external-trusts-filtered", reads=DomainView, part=DIRECTORY)
def external_trusts_filtered(seen: DomainView) -> Verdict:
    """Every outbound trust with another forest's domain filters SIDs (quarantine)."""
    inside = _QUARANTINED | _FOREST | _WITHIN_FOREST
    bad = [t.ref for t in seen.trusts if t.direction & _OUTBOUND and t.type in {1, 2} and not t.attributes & inside]
    return _trusts(seen, bad, (1,))


@rule("forest-trusts-without-sid-history", reads=DomainView, part=DIRECTORY)
def forest_trusts_without_sid_history(seen: DomainView) -> Verdict:
    """No outbound forest trust lets SID history through."""
    both = _FOREST | _AS_EXTERNAL
    bad = [t.ref for t in seen.trusts if t.direction & _OUTBOUND and t.attributes & both == both]
    return _trusts(seen, bad, (1,))


@rule("trusts-without-tgt-delegation", reads=DomainView, part=DIRECTORY)
def trusts_without_tgt_delegation(seen: DomainView) -> Verdict:
    """No inbound trust lets tickets be delegated."""
    bad = [t.ref for t in seen.trusts if t.direction & _INBOUND and t.attributes & _TGT_DELEGATION]
    return _trusts(seen, bad, (3,))


def _trusts(seen: DomainView, bad: list[ObjectRef], levels: tuple[int, ...]) -> Verdict:
    if bad:
        return not_met(*bad, levels=levels, count=len(bad), first=bad[0].name)
    if not seen.complete:
        return undetermined("collection-cut", levels)
    if not all(t.told for t in seen.trusts):
        return undetermined("attribute-not-readable", levels)
    return met() if seen.trusts else not_applicable("no-trust")


@rule("anonymous-outside-pre-windows-2000", reads=DomainView, part=DIRECTORY)
def anonymous_outside_pre_windows_2000(seen: DomainView) -> Verdict:
    """Anonymous is no member of Pre-Windows 2000 Compatible Access (S-1-5-32-554)."""
    members = seen.groups.get(_PRE_2000)
    if members is None:
        return undetermined("group-not-readable", (2,))
    if _ANONYMOUS in members:
        return not_met(ObjectRef(id=_ANONYMOUS, name="ANONYMOUS LOGON"), levels=(2,), count=1)
    if absent := seen.missing("member"):
        return undetermined(f"not-readable:{absent}", (2,))
    return met() if seen.complete else undetermined("collection-cut", (2,))


@rule("pre-windows-2000-default", reads=DomainView, part=DIRECTORY)
def pre_windows_2000_default(seen: DomainView) -> Verdict:
    """Pre-Windows 2000 Compatible Access holds Authenticated Users at the most."""
    members = seen.direct(_PRE_2000)
    if members is None:
        return undetermined("group-not-readable", (3,))
    named, unread = members
    known = seen.forest.principals if seen.forest else {}
    bad = [
        known[s].ref if s in known else ObjectRef(id=s, name=WELL_KNOWN.get(s, s))
        for s in sorted(named - {_AUTHENTICATED})
    ]
    bad += map(unread_ref, sorted(unread))
    if bad:
        return not_met(*bad, levels=(3,), count=len(bad))
    if absent := seen.missing("member"):
        return undetermined(f"not-readable:{absent}", (3,))
    return met() if seen.complete else undetermined("collection-cut", (3,))
