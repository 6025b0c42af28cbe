"""ANSSI points over a domain made in a few lines: met, not met, undetermined, and near misses."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.facts.identifiers import filetime, rid, sid_bytes, sid_text
from probes.interface import Asset, AssetKind, Vantage
from rules.catalogue import directory_accounts as accounts
from rules.catalogue import directory_control as control
from rules.interface import Outcome, Rule, Verdict
from rules.views.domain import DomainView
from rules.views.objects import Account, Trust

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
NOW = datetime(2026, 11, 24, tzinfo=UTC)
BASE = "S-1-5-21-1-2-3"


def days(count: int) -> datetime:
    return NOW - timedelta(days=count)


USER = Account(
    sid=f"{BASE}-1104", name="élodie", dn="CN=Élodie,DC=ad,DC=test", computer=False, managed=False, uac=0x200,
    primary_group=513, password_set=days(30), password_told=True, last_logon=days(2), created=days(900), spns=(),
    delegates_to=(), acts_for_others=False, admin_count=0, sid_history=(),
)  # fmt: skip
ADMIN = replace(USER, sid=f"{BASE}-1105", name="adm-élodie", admin_count=1)
GUEST = replace(USER, sid=f"{BASE}-501", name="Invité", uac=0x202, primary_group=514)
KRBTGT = replace(USER, sid=f"{BASE}-502", name="krbtgt", uac=0x202, spns=("kadmin/changepw",))
DC = replace(
    USER, sid=f"{BASE}-1000", name="DC1$", computer=True, uac=0x82000, primary_group=516, spns=("ldap/dc1.ad.test",)
)
SERVER = replace(USER, sid=f"{BASE}-1110", name="SRV1$", computer=True, uac=0x1000, primary_group=515)
CROWD = tuple(replace(USER, sid=f"{BASE}-{2000 + n}", name=f"u{n}") for n in range(20))
TRUST = Trust(guid="aa", name="autre.test", dn="CN=autre.test", direction=2, type=2, attributes=0x4)


def view(*more: Account, **changed: object) -> DomainView:
    usual = DomainView(
        asset=Asset(kind=AssetKind.AD_DOMAIN, name="ad.test"),
        seen_at=NOW,
        vantage=Vantage.INSIDE,
        evidence=("o",),
        now=NOW,
        complete=True,
        accounts=(USER, ADMIN, GUEST, KRBTGT, DC, SERVER, *CROWD),
        groups={
            f"{BASE}-512": frozenset({ADMIN.sid}),
            f"{BASE}-525": frozenset({ADMIN.sid}),
            "S-1-5-32-554": frozenset({"S-1-5-11"}),
        },
        privileged=frozenset({ADMIN.sid, DC.sid}),
        trusts=(TRUST,),
        head={"ms-ds-machineaccountquota": 0},
    )
    kept = {a.sid: a for a in (*usual.accounts, *more)}
    return replace(usual, **{"accounts": tuple(kept.values()), **changed})  # type: ignore[arg-type]


def admin(**changed: object) -> DomainView:
    return view(replace(ADMIN, **changed))  # type: ignore[arg-type]


def user(**changed: object) -> DomainView:
    return view(replace(USER, **changed))  # type: ignore[arg-type]


def controller(**changed: object) -> DomainView:
    return view(replace(DC, **changed))  # type: ignore[arg-type]


def trust(**changed: int) -> DomainView:
    return view(trusts=(replace(TRUST, **changed),))  # type: ignore[arg-type]


def without(sid: str) -> DomainView:
    whole = view()
    return replace(whole, accounts=tuple(a for a in whole.accounts if a.sid != sid))


def without_protection(*, managed: bool) -> DomainView:
    """A second privileged account, outside Protected Users."""
    other = replace(ADMIN, sid=f"{BASE}-1106", name="svc", managed=managed)
    return view(other, privileged=frozenset({ADMIN.sid, other.sid}))


MANY = tuple(replace(ADMIN, sid=f"{BASE}-{5000 + n}", name=f"adm-{n}") for n in range(51))
SAME = tuple(replace(a, name="adm") for a in MANY)
SLEEPERS = tuple(replace(a, password_set=days(1200), last_logon=days(500)) for a in CROWD)
FORGOTTEN = tuple(replace(a, password_set=None, last_logon=None, created=days(1200)) for a in CROWD)
STUBBORN = tuple(replace(a, uac=0x10200) for a in CROWD[:4])
PRE_2000 = "S-1-5-32-554"

CASES: list[tuple[Rule, DomainView, Outcome, tuple[int, ...]]] = [
    (accounts.privileged_passwords_expire, admin(uac=0x10200), NOT_MET, (1,)),
    (accounts.privileged_passwords_expire, user(uac=0x10200), MET, ()),
    (accounts.privileged_passwords_expire, admin(uac=0x10202), MET, ()),
    (accounts.privileged_passwords_expire, admin(uac=None), UNDETERMINED, (1,)),
    (accounts.privileged_accounts_preauthenticate, admin(uac=0x400200), NOT_MET, (1,)),
    (accounts.privileged_passwords_renewed, admin(password_set=days(1096)), NOT_MET, (1,)),
    (accounts.privileged_passwords_renewed, admin(password_set=days(1094)), MET, ()),
    (accounts.privileged_passwords_renewed, admin(password_told=False, password_set=None), UNDETERMINED, (1,)),
    # pwdLastSet 0: no older than the account, and that is all that is known
    (accounts.privileged_passwords_renewed, admin(password_set=None, created=days(1096)), UNDETERMINED, (1,)),
    (accounts.privileged_passwords_renewed, admin(password_set=None, created=days(1094)), MET, ()),
    (accounts.privileged_accounts_without_spn, admin(spns=("http/x",)), NOT_MET, (1,)),
    (accounts.privileged_accounts_without_spn, admin(spns=("http/x",), managed=True), MET, ()),
    (accounts.privileged_accounts_few, view(*MANY, privileged=frozenset(a.sid for a in MANY)), NOT_MET, (1, 2)),
    (accounts.privileged_accounts_few, view(*SAME, privileged=frozenset(a.sid for a in SAME)), NOT_MET, (2,)),
    (accounts.privileged_accounts_few, view(*MANY, privileged=frozenset(a.sid for a in MANY[1:])), MET, ()),
    (accounts.accounts_in_use, view(*SLEEPERS), NOT_MET, (1,)),
    (accounts.accounts_in_use, view(*SLEEPERS[:3]), MET, ()),
    (accounts.accounts_in_use, view(*FORGOTTEN), UNDETERMINED, (1,)),
    (accounts.accounts_in_use, view(*FORGOTTEN[:3]), MET, ()),
    (accounts.accounts_in_use, view(*(replace(a, last_logon=days(300)) for a in FORGOTTEN)), MET, ()),
    (accounts.passwords_expire, view(*STUBBORN), NOT_MET, (2,)),
    (accounts.passwords_expire, view(*STUBBORN[:2]), MET, ()),
    (accounts.guest_disabled, view(replace(GUEST, uac=0x200, name="Toto")), NOT_MET, (2,)),
    (accounts.guest_disabled, without(GUEST.sid), UNDETERMINED, (2,)),
    (accounts.krbtgt_password_renewed, view(replace(KRBTGT, password_set=days(366))), NOT_MET, (2,)),
    (accounts.krbtgt_password_renewed, view(replace(KRBTGT, password_set=days(364))), MET, ()),
    (accounts.krbtgt_password_renewed, without(KRBTGT.sid), UNDETERMINED, (2,)),
    (accounts.krbtgt_password_renewed, view(replace(KRBTGT, password_set=None)), UNDETERMINED, (2,)),
    (accounts.accounts_not_limited_to_des, user(uac=0x200200), NOT_MET, (2,)),
    (accounts.accounts_preauthenticate, user(uac=0x400200), NOT_MET, (2,)),
    (accounts.accounts_preauthenticate, admin(uac=0x400200), MET, ()),
    (accounts.privileged_accounts_marked, admin(admin_count=0), NOT_MET, (2,)),
    (accounts.trust_passwords_renewed, user(uac=0x820, password_set=days(400)), NOT_MET, (2,)),
    (accounts.trust_passwords_renewed, user(uac=0x820), MET, ()),
    (accounts.sid_history_harmless, user(sid_history=(f"{BASE}-512",)), NOT_MET, (2,)),
    (accounts.sid_history_harmless, user(sid_history=("S-1-5-32-544",)), NOT_MET, (2,)),
    (accounts.sid_history_harmless, user(sid_history=("S-1-5-21-9-9-9-1200",)), MET, ()),
    (accounts.sid_history_empty, user(sid_history=("S-1-5-21-9-9-9-1200",)), NOT_MET, (3,)),
    (accounts.privileged_passwords_not_reversible, admin(uac=0x280), NOT_MET, (3,)),
    (accounts.privileged_users_protected, view(groups={f"{BASE}-525": frozenset()}), NOT_MET, (3,)),
    (accounts.privileged_users_protected, view(groups={}), UNDETERMINED, (3,)),
    (accounts.privileged_users_protected, without_protection(managed=True), MET, ()),
    (accounts.privileged_users_protected, without_protection(managed=False), NOT_MET, (3,)),
    (accounts.users_cannot_join_machines, view(head={"ms-ds-machineaccountquota": 10}), NOT_MET, (4,)),
    (accounts.users_cannot_join_machines, view(head={}), UNDETERMINED, (4,)),
    (control.controller_passwords_renewed, controller(password_set=days(46)), NOT_MET, (1,)),
    (control.controller_passwords_renewed, controller(password_set=days(44)), MET, ()),
    (control.controller_passwords_renewed, without(DC.sid), UNDETERMINED, (1,)),
    (control.controllers_active, controller(last_logon=days(60)), NOT_MET, (1,)),
    (control.controllers_active, controller(last_logon=days(46)), NOT_MET, (1,)),
    (control.controllers_active, controller(last_logon=days(44)), MET, ()),
    (control.controllers_active, controller(last_logon=None, created=days(3)), MET, ()),
    (control.controllers_active, controller(last_logon=None), NOT_MET, (1,)),
    (control.controllers_active, controller(last_logon=None, created=None), UNDETERMINED, (1,)),
    (control.controllers_active, controller(last_logon=days(46), uac=0x82002), NOT_MET, (1,)),
    (control.unconstrained_delegation_only_on_controllers, view(replace(SERVER, uac=0x81000)), NOT_MET, (1,)),
    (control.delegation_not_to_controllers, view(replace(SERVER, delegates_to=("cifs/DC1",))), NOT_MET, (1,)),
    (
        control.delegation_not_to_controllers,
        view(replace(SERVER, delegates_to=("ldap/dc1.ad.test:389/x",))),
        NOT_MET,
        (1,),
    ),
    (control.delegation_not_to_controllers, view(replace(SERVER, delegates_to=("cifs/srv2.ad.test",))), MET, ()),
    # a namesake elsewhere is no controller; krbtgt is named by the class
    (control.delegation_not_to_controllers, view(replace(SERVER, delegates_to=("cifs/dc1.partner.test",))), MET, ()),
    (control.delegation_not_to_controllers, view(replace(SERVER, delegates_to=("krbtgt/AD.TEST",))), NOT_MET, (1,)),
    (control.delegation_not_to_controllers, view(replace(SERVER, delegates_to=("krbtgt",))), NOT_MET, (1,)),
    (
        control.protocol_transition_not_to_controllers,
        view(replace(SERVER, uac=0x1001000, delegates_to=("cifs/dc1.ad.test",))),
        NOT_MET,
        (1,),
    ),
    (control.resource_delegation_not_on_controllers, controller(acts_for_others=True), NOT_MET, (1,)),
    (control.resource_delegation_not_on_controllers, view(replace(SERVER, acts_for_others=True)), MET, ()),
    (control.resource_delegation_not_on_controllers, admin(acts_for_others=True), NOT_MET, (1,)),
    (control.resource_delegation_not_on_controllers, view(replace(KRBTGT, acts_for_others=True)), NOT_MET, (1,)),
    (control.primary_groups_not_reserved, user(primary_group=512), NOT_MET, (1,)),
    (control.primary_groups_not_reserved, user(primary_group=1200), MET, ()),
    (control.primary_groups_not_reserved, user(primary_group=None), UNDETERMINED, (1,)),
    # what an account should have is told by its kind, not by the group it has
    (control.primary_groups_not_reserved, view(replace(SERVER, primary_group=516)), NOT_MET, (1,)),
    (control.primary_groups_not_reserved, controller(primary_group=515), NOT_MET, (1,)),
    (control.primary_groups_not_reserved, view(replace(SERVER, primary_group=521, uac=0x5001000)), MET, ()),
    (control.primary_groups_not_reserved, user(primary_group=514, uac=0x820), NOT_MET, (1,)),
    (control.primary_groups_not_reserved, user(primary_group=515, managed=True), MET, ()),
    (control.primary_groups_default, user(primary_group=1200), NOT_MET, (3,)),
    (control.external_trusts_filtered, trust(attributes=0), NOT_MET, (1,)),
    (control.external_trusts_filtered, trust(attributes=0, direction=1), MET, ()),
    (control.external_trusts_filtered, trust(attributes=0x20), MET, ()),
    (control.external_trusts_filtered, view(trusts=()), NOT_APPLICABLE, ()),
    (control.external_trusts_filtered, trust(attributes=0, type=3), MET, ()),
    (control.external_trusts_filtered, trust(direction=0, told=False), UNDETERMINED, (1,)),
    (control.forest_trusts_without_sid_history, trust(attributes=0x48), NOT_MET, (1,)),
    (control.forest_trusts_without_sid_history, trust(attributes=0x8), MET, ()),
    (control.trusts_without_tgt_delegation, trust(attributes=0x808, direction=3), NOT_MET, (3,)),
    (control.trusts_without_tgt_delegation, trust(attributes=0x808, direction=2), MET, ()),
    (control.anonymous_outside_pre_windows_2000, view(groups={PRE_2000: frozenset({"S-1-5-7"})}), NOT_MET, (2,)),
    (control.anonymous_outside_pre_windows_2000, view(groups={}), UNDETERMINED, (2,)),
    (control.pre_windows_2000_default, view(groups={PRE_2000: frozenset({"S-1-1-0"})}), NOT_MET, (3,)),
    (control.pre_windows_2000_default, view(groups={}), UNDETERMINED, (3,)),
]


@pytest.mark.parametrize(("rule", "seen", "expected", "levels"), CASES)
def test_points(rule: Rule, seen: DomainView, expected: Outcome, levels: tuple[int, ...]) -> None:
    verdict: Verdict = rule.judge(seen)
    assert (verdict.outcome, verdict.levels) == (expected, levels)


RULES = {rule.id: rule for rule, *_ in CASES}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_the_healthy_domain_meets_every_point(rule: Rule) -> None:
    assert rule.judge(view()).outcome in {MET, NOT_APPLICABLE}


SURE = {"guest-disabled", "krbtgt-password-renewed", "users-cannot-join-machines"}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda r: r.id)
def test_a_cut_collection_proves_no_absence(rule: Rule) -> None:
    outcome = rule.judge(view(complete=False)).outcome
    assert outcome is (MET if rule.id in SURE else UNDETERMINED)


@pytest.mark.parametrize(("rule", "seen", "expected", "levels"), [c for c in CASES if c[2] is NOT_MET])
def test_a_fault_that_was_seen_stays_a_fault_however_much_is_missing(
    rule: Rule, seen: DomainView, expected: Outcome, levels: tuple[int, ...]
) -> None:
    shares = {"accounts-in-use", "passwords-expire"}
    outcome = rule.judge(replace(seen, complete=False)).outcome
    assert outcome is (UNDETERMINED if rule.id in shares else NOT_MET)


def test_identifiers() -> None:
    assert sid_text(sid_bytes(f"{BASE}-512")) == f"{BASE}-512"
    assert rid("S-1-5-32-544") == 544
    assert sid_text(b"\x01\x05") == ""
    assert filetime(b"0") is None
    assert filetime(b"9223372036854775807") is None
    assert filetime(b"116444736000000000") == datetime(1970, 1, 1, tzinfo=UTC)
