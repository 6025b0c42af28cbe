"""A forest of two domains: each judged on its own objects, with the groups, rights and policies that cross."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from probes.facts.directory import NamingContextRead
from probes.facts.entries import encode_entry
from probes.facts.identifiers import sid_bytes
from probes.interface import Asset, AssetKind
from rules.interface import Finding, Outcome
from rules.judge import judge
from rules.registry import load
from rules.subject import Record
from tests.lab import descriptors as d
from tests.lab.healthy import CONTROLLER, HOLDER, SITE, USER, healthy
from tests.lab.synthetic import BASE, CONFIG, DOMAIN_DNS, FOREST_DNS, SCHEMA, SID, SILO, World, sid
from tests.rules.directory_cases import shipped

_MEMBERS = "msDS-AuthNPolicySiloMembers"
CHILD, CHILD_BASE, CHILD_SID = "ch.ad.test", "DC=ch,DC=ad,DC=test", "S-1-5-21-4001-5002-6003"
Change = Callable[[World], object]


def as_child(data: bytes) -> bytes:
    """The root domain's own names and SIDs, as the child's: its configuration stays the forest's."""
    config = CONFIG.encode()
    kept = data.replace(config, b"\0CONFIG\0").replace(BASE.encode(), CHILD_BASE.encode())
    moved = kept.replace(sid_bytes(SID)[8:], sid_bytes(CHILD_SID)[8:])
    return moved.replace(b"\0CONFIG\0", config)


def forest(child: Change, root: Change) -> Record:
    """The record of a healthy forest of two domains, each changed, read whole."""
    copy, world = healthy(), healthy()
    copy.drop(copy.dn(518), copy.dn(519), *(dn for dn in copy.entries if dn.endswith((DOMAIN_DNS, FOREST_DNS))))
    for group in (copy.dn(572), copy.dn("S-1-5-32-544")):
        members = copy.entries[group]["member"]
        copy.entries[group]["member"] = [m for m in members if "schéma".encode() not in m and b"entreprise" not in m]
    server = f"CN=CHDC1,CN=Servers,{SITE}"
    world.add(server, "server", serverReference=as_child(CONTROLLER.encode()))
    world.add(f"CN=NTDS Settings,{server}", "nTDSDSA", msDS_Behavior_Version=7)
    world.entries[SILO]["msDS-AuthNPolicySiloMembers"] += [as_child(m) for m in copy.entries[SILO][_MEMBERS]]
    zones = as_child(DOMAIN_DNS.encode()).decode()
    world.add(f"CN=CH,CN=Partitions,{CONFIG}", "crossRef", nCName=CHILD_BASE, dnsRoot=CHILD, nETBIOSName="CH")
    world.add(f"CN=CHZONES,CN=Partitions,{CONFIG}", "crossRef", nCName=zones, dnsRoot=f"DomainDnsZones.{CHILD}")
    child(copy)
    root(world)
    world.feeds = shipped()
    # what the child says of the forest's own groups
    denied = copy.entries[copy.dn(572)]["member"]
    messages, crossing = [], [world.dn(518).encode(), world.dn(519).encode()]
    for dn, values in copy.entries.items():
        if dn.endswith(BASE) and not dn.endswith((CONFIG, SCHEMA)):
            written = copy.security[dn].written()
            moved = {name: [as_child(v) for v in held] for name, held in values.items()}
            if values.get("member") is denied:
                moved["member"] += crossing
            moved["nTSecurityDescriptor"] = [as_child(written)]
            messages.append(encode_entry(as_child(dn.encode()).decode(), moved))
    chunk = b"".join(messages)
    digest = hashlib.sha256(chunk).hexdigest()
    record = world.record()
    first, *others = record.observations
    assert isinstance(first.fact, NamingContextRead)
    fact = replace(first.fact, dn=CHILD_BASE, domain=CHILD)
    second = replace(first, id=f"child-{digest[:20]}", fact=fact, captures=(digest,))
    read = record.read_capture
    return replace(
        record,
        observations=(first, second, *others),
        assets=(*record.assets, Asset(kind=AssetKind.AD_DOMAIN, name=CHILD, found_by="forest:ad.test")),
        read_capture=lambda wanted: chunk if wanted == digest else read(wanted),
    )


def points(child: Change = lambda w: w, root: Change = lambda w: w) -> dict[tuple[str, str], Finding]:
    found = judge(forest(child, root), load())
    return {(f.control, f.asset.partition(":")[2]): f for f in found if f.control}


#: The child's DNS partition was not read here.
OPEN = {("vuln_dnszone_bad_prop", CHILD), ("vuln_permissions_naming_context", CHILD)}


def test_two_healthy_domains_meet_every_point_but_what_was_not_read() -> None:
    found = points()
    bad = {key: (f.outcome, f.reason, f.objects) for key, f in found.items() if f.outcome is Outcome.NOT_MET}
    assert not bad
    assert {key for key, f in found.items() if f.outcome is Outcome.UNDETERMINED} == OPEN


@pytest.mark.parametrize(
    ("child", "root", "point", "where", "who"),
    [
        # a user of the child over the root
        (lambda w: w, lambda w: w.allow(HOLDER, f"{CHILD_SID}-1104", d.WRITE_DACL), "vuln_permissions_adminsdholder",
         "ad.test", f"{CHILD_SID}-1104"),
        # a user of the root over the child
        (lambda w: w.allow(HOLDER, "S-1-5-21-7-7-7-1104", d.WRITE_DACL), lambda w: w, "vuln_permissions_adminsdholder",
         CHILD, "S-1-5-21-7-7-7-1104"),
        # the same fault in the child only
        (lambda w: w.put(USER, sIDHistory=sid_bytes("S-1-5-21-9-9-9-512")), lambda w: w, "vuln_sidhistory_dangerous",
         CHILD, f"{CHILD_SID}-1104"),
    ],
)  # fmt: skip
def test_a_fault_is_told_where_it_is(child: Change, root: Change, point: str, where: str, who: str) -> None:
    found = points(child, root)
    assert found[point, where].outcome is Outcome.NOT_MET
    assert [o.id for o in found[point, where].objects] == [who]
    elsewhere = CHILD if where == "ad.test" else "ad.test"
    assert found[point, elsewhere].outcome is Outcome.MET


def test_administrators_of_either_domain_are_no_strangers_in_the_other() -> None:
    found = points(
        root=lambda w: w.allow(HOLDER, f"{CHILD_SID}-1105", d.FULL).allow(HOLDER, f"{CHILD_SID}-512", d.FULL)
    )
    assert found["vuln_permissions_adminsdholder", "ad.test"].outcome is Outcome.MET


def test_a_child_member_of_the_root_administrators_is_privileged_there_and_seen_at_home() -> None:
    far = f"CN=Hélène,OU=Médecins,{CHILD_BASE}"
    found = points(child=lambda w: w.put(USER, userAccountControl=0x10200), root=lambda w: w.join(sid(512), far))
    assert [o.id for o in found["vuln_dont_expire_priv", CHILD].objects] == [f"{CHILD_SID}-1104"]
    assert found["vuln_dont_expire_priv", "ad.test"].outcome is Outcome.MET
