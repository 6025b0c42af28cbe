"""Who belongs to which group: nesting, primary groups, foreign principals, SID history, loops, domains of a forest."""

from __future__ import annotations

from datetime import UTC, datetime

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.interface import Vantage
from rules.views.forest import Forest
from rules.views.objects import Account, Group
from rules.views.tables import Descriptors, Table

NOW = datetime(2026, 11, 24, tzinfo=UTC)
ADMINS = "S-1-5-32-544"


def table(domain: str, sid: str) -> Table:
    base = ",".join(f"dc={part}" for part in domain.split("."))
    fact = NamingContextRead(
        dn=base, role=NamingContextRole.DOMAIN, forest="ght.test", domain=domain, server="dc", current_time=NOW,
        entries=0, bytes_read=0, queries=0, seconds=0, complete=True,
    )  # fmt: skip
    made = Table(fact=fact, evidence=domain, vantage=Vantage.INSIDE)
    account(made, "patron", f"{sid}-500")
    return made


def account(into: Table, name: str, sid: str, *, primary: int = 513, history: tuple[str, ...] = ()) -> str:
    dn = f"cn={name},{into.fact.dn}"
    into.accounts.append(
        Account(
            sid=sid, name=name, dn=dn, computer=False, managed=False, uac=0x200, primary_group=primary,
            password_set=NOW, password_told=True, last_logon=NOW, created=NOW, spns=(), delegates_to=(),
            acts_for_others=False, admin_count=0, sid_history=history,
        )
    )  # fmt: skip
    into.sids[dn] = sid
    return dn


def group(into: Table, name: str, sid: str, *members: str, history: tuple[str, ...] = ()) -> str:
    dn = f"cn={name},{into.fact.dn}"
    into.groups.append(Group(sid=sid, name=name, dn=dn, admin_count=0, created=NOW, sid_history=history, descriptor=-1))
    into.sids[dn] = sid
    into.members[dn] += list(members)
    return dn


def forest(*tables: Table) -> Forest:
    return Forest("ght.test", tables, Descriptors(), None, {})


ROOT, CHILD = "S-1-5-21-1-1-1", "S-1-5-21-2-2-2"


def test_members_of_members_primary_groups_and_histories_count() -> None:
    root = table("ght.test", ROOT)
    direct = account(root, "direct", f"{ROOT}-1001")
    account(root, "primaire", f"{ROOT}-1002", primary=1200)
    account(root, "ancien", f"{ROOT}-1003", history=(f"{ROOT}-1200",))
    inner = group(root, "dedans", f"{ROOT}-1200", direct)
    group(root, "dehors", f"{ROOT}-1201", inner)
    group(root, "migré", f"{ROOT}-1202", history=(f"{ROOT}-1201",))
    members = forest(root).memberships("ght.test")
    assert members[f"{ROOT}-1201"] == {f"{ROOT}-{n}" for n in (1001, 1002, 1003, 1200, 1202)}
    assert members.unread(f"{ROOT}-1201") == frozenset()


def test_a_foreign_principal_is_its_sid_and_an_unknown_member_is_told() -> None:
    root = table("ght.test", ROOT)
    root.sids["cn=s-1-5-11,cn=foreignsecurityprincipals,dc=ght,dc=test"] = "S-1-5-11"
    root.sids["cn=contact,dc=ght,dc=test"] = ""
    known = "cn=s-1-5-11,cn=foreignsecurityprincipals,dc=ght,dc=test"
    group(root, "g", f"{ROOT}-1200", known, "cn=contact,dc=ght,dc=test", "cn=inconnu,dc=ght,dc=test")
    members = forest(root).memberships("ght.test")
    assert members[f"{ROOT}-1200"] == {"S-1-5-11"}
    assert members.unread(f"{ROOT}-1200") == {"cn=inconnu,dc=ght,dc=test"}


def test_loops_are_walked_once_and_named() -> None:
    root = table("ght.test", ROOT)
    for n, name in enumerate(("un", "deux", "trois")):
        group(root, name, f"{ROOT}-{1200 + n}", f"cn={('deux', 'trois', 'un')[n]},dc=ght,dc=test")
    group(root, "seul", f"{ROOT}-1210", "cn=seul,dc=ght,dc=test")
    group(root, "haut", f"{ROOT}-1220", "cn=un,dc=ght,dc=test")
    members = forest(root).memberships("ght.test")
    assert f"{ROOT}-1200" in members[f"{ROOT}-1220"]
    loops = {frozenset(loop) for loop in members.loops}
    assert loops == {frozenset(f"{ROOT}-{n}" for n in (1200, 1201, 1202)), frozenset({f"{ROOT}-1210"})}


def test_each_domain_has_its_own_administrators_and_the_forest_all_the_privileged() -> None:
    root, child = table("ght.test", ROOT), table("ch.ght.test", CHILD)
    crossing = account(child, "croisé", f"{CHILD}-1001")
    local = account(child, "local", f"{CHILD}-1002")
    group(root, "administrateurs", ADMINS, crossing)
    group(child, "administrateurs", ADMINS, local)
    both = forest(root, child)
    assert both.memberships("ght.test")[ADMINS] == {f"{CHILD}-1001"}
    assert both.memberships("ch.ght.test")[ADMINS] == {f"{CHILD}-1002"}
    assert both.privileged == {f"{ROOT}-500", f"{CHILD}-500", f"{CHILD}-1001", f"{CHILD}-1002"}
    alone = forest(root)
    assert alone.privileged_unread("ght.test")
    assert not both.privileged_unread("ght.test")
