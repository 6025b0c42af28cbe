"""Reads the file of a criteria set; every mistake is one sentence: file, line, key, what is wrong, what to do."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from fnmatch import fnmatchcase
from importlib.resources import files
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from rules.attestations import OWN, kinds
from rules.criteria import CriteriaSet, EvidenceWanted, Indicator
from rules.interface import RuleError, Severity
from rules.measures import AssetShare, DeclaredState, EvidenceCount, OpenFindings
from rules.origins import AuditType, Code, Days, Origin, Standing, Target

#: CaRE codes are typed with the letter O or the digit 0, with or without dots and spaces (FAQ pages of the ANS).
_CARE_CODE = re.compile(r"D\s*(\d+)\s*\.?\s*[O0](\d+)\s*\.?\s*([A-Z]?)\s*\.?", re.IGNORECASE)
_UNITS = {"ght", "ej", "et"}
Location = tuple[str | int, ...]


class _File(BaseModel):
    """A whole file: the schema, and the set beside it."""

    model_config = ConfigDict(extra="forbid")
    schema_: Literal["hygie/criteria/1"]
    set: CriteriaSet


def shipped() -> dict[str, str]:
    """Return the text of every set that Hygie ships, by file name."""
    folder = files("rules") / "sets"
    found = {entry.name: entry.read_text() for entry in folder.iterdir() if entry.name.endswith(".toml")}
    return dict(sorted(found.items()))


def parse(name: str, text: str, known_rules: frozenset[str]) -> CriteriaSet:
    """Return the set that the text of a file holds; ``known_rules`` are the ids it may name. Raise ``RuleError``."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RuleError(f"{name}: {error}") from error
    lines = _lines(text)
    try:
        schema = tables.pop("schema", None)
        read = _File(schema_=schema, set=_entered(tables, tables.pop("entered", {})))
    except ValidationError as error:
        raise RuleError(_sentence(name, lines, error)) from error
    found = replace(_with_codes(read.set), digest=hashlib.sha256(text.encode()).hexdigest())
    for location, fault in _faults(found, known_rules):
        raise RuleError(f"{_place(name, lines, location)}: {fault}")
    return found


def _entered(value: Any, entered: Mapping[str, Any]) -> Any:  # noqa: ANN401 - what TOML gives
    """Give every statement but targets with a value the set's own ``by`` and ``on`` where it says none."""
    if isinstance(value, list):
        return [_entered(item, entered) for item in value]
    if not isinstance(value, dict):
        return value
    table = {key: _entered(item, entered) for key, item in value.items()}
    if "status" in table and not ("op" in table and "value" in table):
        return dict(entered) | table
    return table


def _with_codes(found: CriteriaSet) -> CriteriaSet:
    objectives = tuple(
        replace(o, indicators=tuple(replace(i, code=_normal(i.code)) for i in o.indicators)) for o in found.objectives
    )
    return replace(found, objectives=objectives)


def _normal(code: Code) -> Code:
    care = _CARE_CODE.fullmatch(code.value.strip())
    if care is None:
        return code
    domain, objective, step = care.groups()
    return replace(code, value=f"D{domain}.O{objective}" + (f".{step.upper()}" if step else ""))


# what types cannot say


def _faults(found: CriteriaSet, known_rules: frozenset[str]) -> Iterator[tuple[Location, str]]:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", found.id):
        yield ("id",), "expected lower-case letters, digits and hyphens"
    if Standing.UNVERIFIED in found.concludes_from:
        yield ("concludes_from",), "what is unverified never concludes; take it out"
    yield from _origins(found, (), found.sources)
    seen: set[str] = set()
    for o, objective in enumerate(found.objectives):
        for i, indicator in enumerate(objective.indicators):
            here: Location = ("objectives", o, "indicators", i)
            if indicator.key in seen:
                yield (*here, "key"), f"two indicators are called {indicator.key}"
            seen.add(indicator.key)
            yield from _indicator_faults(indicator, here, known_rules)


def _indicator_faults(
    indicator: Indicator, here: Location, known_rules: frozenset[str]
) -> Iterator[tuple[Location, str]]:
    for unit in indicator.applies_to:
        if unit not in _UNITS:
            yield (*here, "applies_to"), f"unknown unit {unit}; expected ght, ej or et"
    match indicator.measure:
        case OpenFindings(rules=rules, severities=severities, attested=attested, audits=audits):
            for name in attested:
                if not any(name in kinds()[a.type].values for a in audits if a.type in kinds()):
                    yield (*here, "measure", "attested"), f"no document of the types in audits has a value {name}"
            yield from _unknown_rules(rules, known_rules, (*here, "measure", "rules"))
            for severity in severities:
                if severity not in set(Severity):
                    yield (*here, "measure", "severities"), f"unknown severity {severity}"
        case AssetShare(rules=rules):
            yield from _unknown_rules(rules, known_rules, (*here, "measure", "rules"))
        case DeclaredState(type=type, value=value):
            kind = kinds().get(type)
            if kind is None:
                yield (*here, "measure", "type"), _unknown_type(type)
            elif value not in kind.values or kind.values[value].kind != "yes-no":
                yield (*here, "measure", "value"), f"a document of type {type} has no yes or no called {value}"
        case EvidenceCount(types=types):
            yield from _unknown_types(types, (*here, "measure", "types"))


def _unknown_rules(rules: tuple[str, ...], known: frozenset[str], location: Location) -> Iterator[tuple[Location, str]]:
    for pattern in rules:
        if not any(fnmatchcase(rule, pattern) for rule in known):
            yield location, f"no rule is called {pattern}; see docs/rules for the rules there are"


def _unknown_types(types: tuple[str, ...], location: Location) -> Iterator[tuple[Location, str]]:
    for type in types:
        if type not in kinds():
            yield location, _unknown_type(type)


def _unknown_type(type: str) -> str:
    return f"unknown type of document {type}; expected {', '.join(kinds())}"


def _origins(value: object, location: Location, sources: Mapping[str, str]) -> Iterator[tuple[Location, str]]:
    """Every statement names a source of the set, unless it is ours; who entered it, and when."""
    if isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from _origins(item, (*location, index), sources)
    if not is_dataclass(value) or isinstance(value, type):
        return
    if isinstance(value, Origin):
        yield from _origin(value, location, sources)
    for field in fields(value):
        yield from _origins(getattr(value, field.name), (*location, field.name), sources)


def _origin(value: Origin, location: Location, sources: Mapping[str, str]) -> Iterator[tuple[Location, str]]:
    if value.source and value.source not in sources:
        yield (*location, "source"), f"no source is called {value.source}; add it under [sources]"
    if value.status in {Standing.OFFICIAL, Standing.SECONDARY} and not value.source:
        yield (*location, "status"), f'what is {value.status.value} names its source; add source = "…"'
    match value:
        case Target(value=int()):
            if not value.source and value.status is not Standing.OURS:
                yield (*location, "value"), 'a target names its source; add source = "…", or leave it empty'
            if not value.by or value.on is None:
                yield (*location, "value"), 'a target says who entered it and when; add by = "…" and on = DATE'
        case Days(min=least, max=most) if most is not None and most < least:
            yield (*location, "max"), f"max comes before min ({most} < {least})"
        case AuditType(type=type) if type not in {OWN, *kinds()}:
            yield (*location, "type"), _unknown_type(type) + f" or {OWN}"
        case EvidenceWanted(types=types):
            yield from _unknown_types(types, (*location, "types"))


# where it is


def _sentence(name: str, lines: Mapping[Location, int], error: ValidationError) -> str:
    first = min(error.errors(), key=lambda e: e["type"] != "unexpected_keyword_argument")
    location = tuple(part for part in first["loc"] if part != "set")
    if location[:1] == ("schema_",):
        return f'{name}: this is no criteria set; its first key is schema = "hygie/criteria/1"'
    # The tag of a measure is in the location, but not in the file.
    location = tuple(p for n, p in enumerate(location) if not (n and location[n - 1] == "measure"))
    place = _place(name, lines, location)
    if first["type"] == "unexpected_keyword_argument":
        return f"{place}: unknown key; remove it"
    if first["type"] == "missing":
        return f"{place}: this key is required; add it"
    return f"{place}: {first['msg']}"


def _place(name: str, lines: Mapping[Location, int], location: Location) -> str:
    key = "".join(f"[{p + 1}]" if isinstance(p, int) else f".{p}" for p in location).lstrip(".")
    for length in range(len(location), 0, -1):
        if location[:length] in lines:
            return f"{name}, line {lines[location[:length]]}, {key}"
    return f"{name}, {key}"


def _lines(text: str) -> dict[Location, int]:
    """The line of every table and key of a TOML text, by its location; inline tables count as their key."""
    found: dict[Location, int] = {}
    here: Location = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line)
        key = re.match(r"\s*([A-Za-z0-9_-]+)\s*=", line)
        if header:
            here = _resolve(found, header[2].split("."), array=header[1] == "[[")
            found[here] = number
        elif key:
            found.setdefault((*here, key[1]), number)
    return found


def _resolve(found: Mapping[Location, int], parts: list[str], *, array: bool) -> Location:
    """The location of a header: every array on its way stands at its last element."""
    here: Location = ()
    for position, part in enumerate(parts):
        here = (*here, part.strip().strip('"'))
        count = sum(
            1 for known in found if len(known) == len(here) + 1 and known[:-1] == here and known[-1] in range(999)
        )
        if array and position == len(parts) - 1:
            return (*here, count)
        if count:
            here = (*here, count - 1)
    return here
