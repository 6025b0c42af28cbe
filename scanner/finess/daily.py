"""The daily JSON of the ANS (``finess-structures``, schema v1 of ansforge/finess): legal entities, sites and groups.

The GHT are its conventional groups (``gcc``) of types 001 and 002 (NOS, TRE_R371), whose members are legal entities.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from rules.territory import region_of
from scanner.finess.number import FinessError, checked
from scanner.store.register import Registered

_OF_NAME = re.compile(r"(20\d\d)-?(\d\d)-?(\d\d)")
_VERSION = "v1."
#: Types of conventional groups that are hospital groups: general, and psychiatric.
_GHT = {"001", "002"}


def read(path: Path, data: bytes) -> tuple[date, list[Registered]]:
    """Return the day it was made, and the establishments; the date is in its name when it does not tell it itself."""
    try:
        tree = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FinessError(f"{path}: {error}") from error
    entities = tree.get("pmej") if isinstance(tree, dict) else None
    if not isinstance(entities, list):
        raise FinessError(f"{path}: no list of legal entities (pmej); is it the FINESS file of structures of the ANS?")
    version = str(tree.get("schemaVersion") or _VERSION)
    if not version.startswith(_VERSION):
        raise FinessError(f"{path}: written after the schema {version[:20]}, which is not known here; update Hygie")
    dated, groups = _dated(path, tree), _groups(path, tree)
    found: list[Registered] = []
    for place, entity in enumerate(entities, 1):
        where = f"{path}, legal entity {place}"
        try:
            found += _entity(entity, groups, where)
        except KeyError as error:
            raise FinessError(f"{where} lacks {error}; is it the file of structures?") from error
        except (TypeError, AttributeError) as error:
            raise FinessError(f"{where} has not the shape of the schema v1") from error
    return dated, found


def _dated(path: Path, tree: Mapping[str, Any]) -> date:
    told = _OF_NAME.match(str(tree.get("generatedAt") or "")) or _OF_NAME.search(path.name)
    if told is None:
        raise FinessError(
            f"{path}: neither generatedAt nor the name tells a date; keep the name it was published under"
        )
    try:
        return date(*map(int, told.groups()))
    except ValueError as error:
        raise FinessError(f"{path}: {error}") from error


def _groups(path: Path, tree: Mapping[str, Any]) -> dict[str, str]:
    """The names of the hospital groups by the technical id of their members."""
    found = {}
    try:
        for group in tree.get("gcc") or ():
            if group.get("typeGcc") in _GHT and group.get("etatObjet", "A") == "A":
                for member in group.get("pmejDuGcc") or ():
                    found[str(member["pmSmsseId"])] = str(group["nomGcc"]).strip()
    except (KeyError, TypeError, AttributeError) as error:
        raise FinessError(f"{path}: a group (gcc) has not the shape of the schema v1") from error
    return found


def _entity(tree: Mapping[str, Any], groups: Mapping[str, str], where: str) -> Iterator[Registered]:
    about = tree["informationsGeneralesPMEJ"]
    number = checked(str(about["numFinessPm"]), where)
    ght = groups.get(str(about.get("pmSmsseId", "")), "")
    own = _department(tree)
    yield Registered(
        number=number,
        entity=number,
        name=_first(about, "denominationLonguePmSmsse", "denominationPm") or number,
        category=_first(about, "categorieentiteGeographiqueExercice"),
        department=own,
        region=region_of(own),
        ght=ght,
        closed=tree.get("etatObjet") == "I",
    )
    for site in tree.get("ege") or ():
        general = site["informationsGeneralesEGE"]
        department = _department(site) or own
        yield Registered(
            number=checked(str(general["numFinessEge"]), where),
            entity=number,
            name=_first(general, "nomEgeLong", "nomEgeCourt") or str(general["numFinessEge"]),
            category=_first(site, "categorieentiteGeographiqueExercice"),
            department=department,
            region=region_of(department),
            ght=ght,
            closed=site.get("etatObjet") == "I",
        )


def _department(tree: Mapping[str, Any]) -> str:
    """The department of an address, from the code of its commune (INSEE: five characters, overseas in 97 and 98)."""
    communes = [str(a.get("cogCommune") or "") for a in tree.get("adresse") or ()]
    commune = next(filter(None, communes), "")
    return commune[:3] if commune[:2] in {"97", "98"} else commune[:2]


def _first(tree: Mapping[str, Any], *keys: str) -> str:
    return next((text for key in keys if (text := str(tree.get(key) or "").strip())), "")
