"""The parameters of rules that a configuration sets, held to what each rule takes."""

from __future__ import annotations

import inspect

from rules.registry import load
from scanner.config.load import ConfigError, Settings


def check_parameters(settings: Settings) -> None:
    """Raise ``ConfigError`` for a rule that there is not, a parameter that it does not take, or a wrong type."""
    known = load().rules
    for rule, given in settings.file.rules.items():
        where = f"{settings.path}, rules.{rule}"
        if rule not in known:
            raise ConfigError(f"{where}: no rule is called so; correct the name, or remove the table")
        taken = {
            name: parameter.default
            for name, parameter in inspect.signature(known[rule].judge).parameters.items()
            if parameter.kind is inspect.Parameter.KEYWORD_ONLY
        }
        for name, value in given.items():
            if name not in taken:
                names = ", ".join(sorted(taken)) or "none"
                raise ConfigError(f"{where}: unknown parameter {name}; known: {names}")
            usual = taken[name]
            alike = type(value) is type(usual) or (isinstance(usual, float) and type(value) is int)
            if not alike:
                raise ConfigError(f"{where}.{name}: {value!r} is of a wrong type; expected one like {usual!r}")
