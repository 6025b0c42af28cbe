"""ANSSI control points on domain controllers, delegation, trusts and default groups."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.catalogue.directory_accounts import none_of, older
from rules.interface import ObjectRef, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import WELL_KNOWN
from rules.views.domain import DomainView
from rules.views.objects import TO_AUTH, TRUST, UNCONSTRAINED, Account

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
    return none_of(seen, (a for a in controllers if a.enabled), older(seen, days), (1,))


@rule("controllers-active", reads=DomainView, part=DIRECTORY)
def controllers_active(seen: DomainView, *, days: int = 45, grace_days: int = 14) -> Verdict:
    """Every domain controller has logged on within 45 days; the attribute may lag 14 days behind."""
    limit = seen.now - timedelta(days=days + grace_days)
    controllers = _controllers(seen)
    if not controllers:
        return undetermined("object-not-readable", (1,))
    young = seen.now - timedelta(days=days)

    def silent(account: Account) -> bool | None:
        if account.last_logon is None:
            return False if account.created is not None and account.created > young else None
        return account.last_logon < limit

    return none_of(seen, controllers, silent, (1,))


@rule("unconstrained-delegation-only-on-controllers", reads=DomainView, part=DIRECTORY)
def unconstrained_delegation_only_on_controllers(seen: DomainView) -> Verdict:
    """Only domain controllers are trusted for unconstrained delegation."""
    accounts = (a for a in seen.accounts if a.enabled and not a.controller)
    return none_of(seen, accounts, lambda a: None if a.uac is None else bool(a.uac & UNCONSTRAINED), (1,))


def _to_controllers(seen: DomainView) -> set[str]:
    """The names by which a delegation targets a controller, or krbtgt."""
    names = {"krbtgt"}
    for controller in _controllers(seen):
        short = controller.name.rstrip("$").lower()
        names |= {short, *(_host(spn) for spn in controller.spns)}
    return names


def _host(spn: str) -> str:
    return spn.partition("/")[2].partition("/")[0].partition(":")[0].lower()


def _delegating(seen: DomainView, *, transition: bool) -> Iterable[Account]:
    targets = _to_controllers(seen)
    for account in seen.accounts:
        hosts = {_host(spn) or spn.lower() for spn in account.delegates_to}
        hosts |= {host.partition(".")[0] for host in hosts}
        if account.enabled and hosts & targets and bool((account.uac or 0) & TO_AUTH) is transition:
            yield account


@rule("delegation-not-to-controllers", reads=DomainView, part=DIRECTORY)
def delegation_not_to_controllers(seen: DomainView) -> Verdict:
    """No account may delegate to a service of a domain controller."""
    return none_of(seen, _delegating(seen, transition=False), lambda _: True, (1,))


@rule("protocol-transition-not-to-controllers", reads=DomainView, part=DIRECTORY)
def protocol_transition_not_to_controllers(seen: DomainView) -> Verdict:
    """No account may delegate, with protocol transition, to a service of a domain controller."""
    return none_of(seen, _delegating(seen, transition=True), lambda _: True, (1,))


@rule("resource-delegation-not-on-controllers", reads=DomainView, part=DIRECTORY)
def resource_delegation_not_on_controllers(seen: DomainView) -> Verdict:
    """Nobody may act for others towards a domain controller or krbtgt (RBCD)."""
    accounts = (a for a in seen.accounts if a.controller or rid(a.sid) == 502)
    return none_of(seen, accounts, lambda a: a.acts_for_others, (1,))


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
    if account.managed or account.computer:
        usual = {515, 516, 521} if account.computer else {515}
    else:
        usual = {513} if (account.uac or 0) & TRUST else {513, 514}
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
    return met() if seen.trusts else not_applicable("no-trust")


@rule("anonymous-outside-pre-windows-2000", reads=DomainView, part=DIRECTORY)
def anonymous_outside_pre_windows_2000(seen: DomainView) -> Verdict:
    """Anonymous is no member of Pre-Windows 2000 Compatible Access (S-1-5-32-554)."""
    members = seen.groups.get(_PRE_2000)
    if members is None:
        return undetermined("group-not-readable", (2,))
    if _ANONYMOUS in members:
        return not_met(ObjectRef(id=_ANONYMOUS, name="ANONYMOUS LOGON"), levels=(2,), count=1)
    return met() if seen.complete else undetermined("collection-cut", (2,))


@rule("pre-windows-2000-default", reads=DomainView, part=DIRECTORY)
def pre_windows_2000_default(seen: DomainView) -> Verdict:
    """Pre-Windows 2000 Compatible Access holds Authenticated Users at the most."""
    members = seen.groups.get(_PRE_2000)
    if members is None:
        return undetermined("group-not-readable", (3,))
    names = {a.sid: a.ref for a in seen.accounts}
    others = sorted(members - {_AUTHENTICATED})
    bad = [names.get(s, ObjectRef(id=s, name=WELL_KNOWN.get(s, s))) for s in others]
    if bad:
        return not_met(*bad, levels=(3,), count=len(bad))
    return met() if seen.complete else undetermined("collection-cut", (3,))
