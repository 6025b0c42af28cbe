"""ANSSI control points on read-only domain controllers: whose secrets they may hold, and hold."""

from __future__ import annotations

from probes.facts.identifiers import rid
from probes.interface import Part
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import Control
from rules.views.domain import DomainView
from rules.views.objects import Account
from rules.views.objects import unread as unread_ref

DIRECTORY = Part.DIRECTORY
_NEVER = ("S-1-5-32-544", "S-1-5-32-548", "S-1-5-32-549", "S-1-5-32-551")
#: Members by default of the denied group: krbtgt, the groups of administrators, controllers, publishers, owners; and
#: in the root domain those of the forest.
_DENIED, _DENIED_IN_ROOT = (502, 512, 516, 517, 520, 521), (518, 519)
_ALLOWED_GROUP, _DENIED_GROUP = 571, 572


def _read_only(seen: DomainView) -> list[Account]:
    return [a for a in seen.accounts if a.read_only_controller]


def _none(seen: DomainView, levels: tuple[int, ...]) -> Verdict:
    return not_applicable("no-rodc") if seen.complete else undetermined("collection-cut", levels)


def _sids(seen: DomainView, account: Account, attribute: str) -> set[str]:
    return {seen.whole.sids.get(dn.lower(), "") for dn in account.names(attribute)}


def _among(seen: DomainView, bad: list[Account], levels: tuple[int, ...], needs: str) -> Verdict:
    if bad:
        return not_met(*(a.ref for a in bad), levels=levels, count=len(bad), first=bad[0].name)
    if absent := seen.missing(needs):
        return undetermined(f"not-readable:{absent}", levels)
    return met() if seen.complete else undetermined("collection-cut", levels)


@rule("read-only-controllers-never-reveal-administrators", reads=DomainView, part=DIRECTORY)
def read_only_controllers_never_reveal(seen: DomainView) -> Verdict:
    """Every read-only controller is forbidden the secrets of administrators, operators and the denied group."""
    controllers = _read_only(seen)
    if not controllers:
        return _none(seen, (3,))
    if absent := seen.missing("msds-neverrevealgroup"):
        return undetermined(f"not-readable:{absent}", (3,))
    wanted = {*_NEVER, f"{seen.sid}-{_DENIED_GROUP}"}
    bad = [a for a in controllers if wanted - _sids(seen, a, "msds-neverrevealgroup")]
    return _among(seen, bad, (3,), "msds-neverrevealgroup")


@rule("read-only-controllers-reveal-nobody-privileged", reads=DomainView, part=DIRECTORY)
def read_only_controllers_reveal_nobody_privileged(seen: DomainView) -> Verdict:
    """No read-only controller may be given the secrets of a principal of the system (RID below 1000)."""
    controllers = _read_only(seen)
    if not controllers:
        return _none(seen, (3,))
    name = "msds-revealondemandgroup"
    told = {a.sid: _sids(seen, a, name) for a in controllers}
    bad = [a for a in controllers if any(s and rid(s) < 1000 and rid(s) != _ALLOWED_GROUP for s in told[a.sid])]
    if not bad and any("" in sids for sids in told.values()):
        return undetermined("member-not-readable", (3,))
    return _among(seen, bad, (3,), name)


@rule("read-only-controllers-hold-no-privileged-secret", reads=DomainView, part=DIRECTORY)
def read_only_controllers_hold_no_privileged_secret(seen: DomainView) -> Verdict:
    """No read-only controller holds the secret of a privileged account."""
    controllers = _read_only(seen)
    if not controllers:
        return _none(seen, (2,))
    revealed = {s for a in controllers for s in _sids(seen, a, "msds-revealedusers")}
    bad = [a for a in seen.accounts if a.sid in seen.privileged and a.sid in revealed]
    return _among(seen, bad, (2,), "msds-revealedusers")


@rule("allowed-replication-group-empty", reads=DomainView, part=DIRECTORY)
def allowed_replication_group_empty(seen: DomainView) -> Verdict:
    """The group whose secrets every read-only controller may hold is empty."""
    group = seen.group(_ALLOWED_GROUP)
    if group is None:
        return not_applicable("no-group") if seen.complete else undetermined("collection-cut", (3,))
    control: Control = seen.whole.control(seen.asset.name)
    members, unread = seen.direct(group.sid) or (frozenset(), frozenset())
    if members or unread:
        refs = [control.name(sid) for sid in sorted(members)]
        refs += map(unread_ref, sorted(unread))
        return not_met(*refs, levels=(3,), count=len(refs), first=refs[0].name)
    if absent := seen.missing("member"):
        return undetermined(f"not-readable:{absent}", (3,))
    return met() if seen.complete else undetermined("collection-cut", (3,))


@rule("denied-replication-group-whole", reads=DomainView, part=DIRECTORY)
def denied_replication_group_whole(seen: DomainView) -> Verdict:
    """The group whose secrets no read-only controller may hold has kept its members."""
    group = seen.group(_DENIED_GROUP)
    if group is None:
        return not_applicable("no-group") if seen.complete else undetermined("collection-cut", (3,))
    if absent := seen.missing("member"):
        return undetermined(f"not-readable:{absent}", (3,))
    listed = seen.own.members.get(group.dn.lower(), [])
    known = seen.whole.sids
    held = {known[dn] for dn in listed if known.get(dn)}
    root = seen.asset.name.lower() == seen.whole.name.lower()
    lacking = [n for n in sorted(_DENIED + _DENIED_IN_ROOT * root) if f"{seen.sid}-{n}" not in held]
    if not lacking:
        return met()
    if any(dn not in known for dn in listed) or group.dn.lower() in seen.own.cut_groups:
        return undetermined("member-not-readable", (3,))
    return not_met(group.ref, levels=(3,), missing=", ".join(map(str, lacking)))


@rule("read-only-controller-keys-in-use", reads=DomainView, part=DIRECTORY)
def read_only_controller_keys_in_use(seen: DomainView) -> Verdict:
    """Every krbtgt account of a read-only controller still belongs to one."""
    if absent := seen.missing("msds-krbtgtlink"):
        return undetermined(f"not-readable:{absent}", (3,))
    accounts = [a for a in seen.accounts if "msds-secondarykrbtgtnumber" in a.rare]
    used = {dn.lower() for a in seen.accounts for dn in a.names("msds-krbtgtlink")}
    bad = [a for a in accounts if a.dn.lower() not in used]
    if not accounts and seen.complete and not seen.missing("msds-secondarykrbtgtnumber"):
        return not_applicable("no-rodc")
    return _among(seen, bad, (3,), "msds-secondarykrbtgtnumber")
