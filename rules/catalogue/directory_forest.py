"""ANSSI control points set once for the forest: functional levels, dSHeuristics, schema, group MSA keys, menus."""

from __future__ import annotations

import re
from collections.abc import Mapping

from probes.interface import Part
from rules.catalogue.directory_rights import controlled
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined
from rules.views.control import Controlled
from rules.views.forest import ForestView
from rules.views.rights import Target

DIRECTORY = Part.DIRECTORY
#: msDS-Behavior-Version below which each ANSSI level fails: 2008 R2, 2012 R2, 2016 (MS-ADTS 6.1.4.4).
_FUNCTIONAL: Mapping[int, int] = {1: 4, 3: 6, 4: 7}
#: A file of a server, wherever it stands in a command line.
_UNC = re.compile(r"(?<![:\w\\])\\\\([^\\\s\"]+)\\([^\"]*)")


@rule("functional-level-current", reads=ForestView, part=DIRECTORY)
def functional_level_current(seen: ForestView) -> Verdict:
    """The forest and its domains are at the functional level of 2016 or later."""
    heads = [t for table in seen.forest.domains.values() if (t := table.root) is not None]
    partitions = next(iter(seen.configuration.named(f"CN=Partitions,{seen.configuration.fact.dn}")), None)
    found = [(t, t.number("msds-behavior-version")) for t in (partitions, *heads) if t is not None]
    told = [(t, n) for t, n in found if n is not None]
    if not told:
        return undetermined("attribute-not-readable", (1, 3, 4))
    lowest = min(n for _, n in told)
    levels = tuple(level for level, least in _FUNCTIONAL.items() if lowest < least)
    whole = partitions is not None and len(told) == len(found) and bool(heads)
    others = () if whole else tuple(level for level in _FUNCTIONAL if level not in levels)
    if levels:
        low = [t.ref for t, n in told if n < _FUNCTIONAL[4]]
        return not_met(*low, levels=levels, open_levels=others, lowest=lowest, wanted=_FUNCTIONAL[4])
    return met(lowest=lowest) if whole else undetermined("object-not-readable", others)


def heuristics_levels(value: str) -> dict[int, list[str]]:
    """Return, by ANSSI level, the characters of dSHeuristics that fail it (counted from 1)."""

    def at(place: int) -> str:
        return value[place - 1 : place] or "0"

    failing = {
        1: [f"{n}={at(n)}" for n in (8, 16) if at(n) != "0"],
        2: [f"{n}={at(n)}" for n, bad in ((7, "2"), (28, "2"), (29, "2")) if at(n) == bad]
        + [f"{n}={at(n)}" for n in (21, 31) if at(n) != "0"],
        4: [f"{n}={at(n)}" for n in (28, 29) if at(n) != "1"],
    }
    return {level: faults for level, faults in failing.items() if faults}


@rule("directory-heuristics-safe", reads=ForestView, part=DIRECTORY)
def directory_heuristics_safe(seen: ForestView) -> Verdict:
    """No character of dSHeuristics weakens the directory, and those that strengthen it are set."""
    service = next(iter(seen.services("ntdsservice")), None)
    value = seen.forest.heuristics
    if service is None or value is None:
        return undetermined("object-not-readable", (1, 2, 4))
    failing = heuristics_levels(value)
    if failing:
        faults = ", ".join(dict.fromkeys(f for found in failing.values() for f in found))
        return not_met(service.ref, levels=tuple(failing), value=value or "-", faults=faults)
    return met(value=value)


@rule("console-menus-from-sysvol", reads=ForestView, part=DIRECTORY)
def console_menus_from_sysvol(seen: ForestView) -> Verdict:
    """No menu of the administration consoles runs a program from a file server outside SYSVOL."""
    hosts = _sysvol_hosts(seen)
    bad = [t for t in seen.services("displayspecifier") if any(_outside(hosts, v) for v in t.texts("admincontextmenu"))]
    if bad:
        return not_met(*(t.ref for t in bad), levels=(1,), count=len(bad), first=bad[0].name)
    return met() if seen.complete else undetermined("collection-cut", (1,))


def _sysvol_hosts(seen: ForestView) -> set[str]:
    """The names under which SYSVOL is reached: those of domains and of controllers, in lower case."""
    found = set(seen.forest.domain_names)
    for name, table in seen.forest.domains.items():
        for account in table.accounts:
            if account.controller:
                short = account.name.rstrip("$").lower()
                found |= {short, f"{short}.{name.lower()}"}
    return found | {t.text("dnshostname").lower() for t in seen.services("server")} - {""}


def _outside(hosts: set[str], value: str) -> bool:
    """Whether a menu (``order,{CLSID}`` or ``order,label,command``) names a file of a server outside SYSVOL."""
    command = value.split(",", 2)[-1]
    found = [(host.lower(), share.lower()) for host, share in _UNC.findall(command)]
    return not all(h in hosts and s.startswith(("sysvol\\", "netlogon\\")) and ".." not in s for h, s in found)


@rule("schema-controlled-by-the-privileged-only", reads=ForestView, part=DIRECTORY)
def schema_controlled(seen: ForestView) -> Verdict:
    """Nobody unprivileged controls the schema or an object of it."""
    schema = seen.forest.schema
    if schema is None:
        return undetermined("schema-not-read", (1, 2))
    things = [*schema.of("classschema", "attributeschema", "dmd")]
    objects = [Controlled(ref=t.ref, descriptor=t.descriptor) for t in things]
    missing = "" if schema.complete and objects else "collection-cut"
    return controlled(seen.forest.control(seen.forest.name), objects, (1, 2), missing=missing)


@rule("managed-account-keys-controlled-by-the-privileged-only", reads=ForestView, part=DIRECTORY)
def managed_account_keys_controlled(seen: ForestView) -> Verdict:
    """Nobody unprivileged controls the root keys of group managed service accounts, nor those accounts."""
    keys = seen.services("mskds-provrootkey")
    managed = [a for t in seen.forest.domains.values() for a in t.accounts if a.managed]
    objects = [
        *(Controlled(ref=t.ref, descriptor=t.descriptor) for t in keys),
        *(Controlled(ref=a.ref, descriptor=a.descriptor, target=Target.USER) for a in managed),
    ]
    missing = "" if seen.complete else "collection-cut"
    if not objects:
        return undetermined(missing, (1, 2)) if missing else not_applicable("no-managed-account")
    # group accounts need a root key: one that does not show is one that could not be read
    hidden = not keys and not seen.forest.sees_all(seen.forest.name)
    missing = missing or ("object-not-readable" if hidden else "")
    return controlled(seen.forest.control(seen.forest.name), objects, (1, 2), missing=missing)
