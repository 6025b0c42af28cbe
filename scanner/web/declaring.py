"""Declarations entered on screen: kept once the whole configuration holds together with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from scanner.config.load import extend
from scanner.store.declarations import KEYS
from scanner.web.route import Asked, Going, Refused


def declare(asked: Asked, kind: str, table: Mapping[str, Any], told: str) -> Going:
    """Keep a table in the place of an earlier one of the same id; those of the file are changed there."""
    key, declared = KEYS[kind], asked.store.declarations.all()
    in_file = {getattr(s, key) for s in getattr(asked.settings.file, kind)}
    in_file -= {str(t[key]) for t in declared.get(kind, [])}
    if table[key] in in_file:
        raise Refused(
            asked.say(
                "« {} » est déclaré dans le fichier de configuration : modifiez-le là.",
                "{} is declared in the configuration file: change it there.",
            ).format(table[key])
        )
    _hold(asked, _with(declared, kind, table))
    asked.store.declarations.declare(kind, table)
    return Going(to=f"/settings#{kind}", told=told, data=table[key])


def withdraw(asked: Asked, kind: str, id: str) -> None:
    """Remove a table, unless another one needs it."""
    declared = asked.store.declarations.all()
    _hold(asked, {**declared, kind: [t for t in declared.get(kind, []) if str(t[KEYS[kind]]) != id]})
    asked.store.declarations.withdraw(kind, id)


def earlier(asked: Asked, kind: str, id: str) -> Mapping[str, Any]:
    """Return the table of this id that was entered before; empty when there is none."""
    tables = asked.store.declarations.all().get(kind, [])
    return next((table for table in tables if str(table[KEYS[kind]]) == id), {})


def _with(
    declared: Mapping[str, list[dict[str, Any]]], kind: str, table: Mapping[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    key = KEYS[kind]
    others = [t for t in declared.get(kind, []) if t[key] != table[key]]
    return {**declared, kind: [*others, dict(table)]}


def _hold(asked: Asked, declared: Mapping[str, list[dict[str, Any]]]) -> None:
    """Raise ``ConfigError`` unless the file and these tables make one sound configuration."""
    known = asked.store.declarations.all()
    bare = {
        kind: tuple(
            s
            for s in getattr(asked.settings.file, kind)
            if getattr(s, key) not in {t[key] for t in known.get(kind, [])}
        )
        for kind, key in KEYS.items()
    }
    extend(replace(asked.settings, file=asked.settings.file.model_copy(update=bare)), declared)
