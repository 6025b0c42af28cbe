"""The fictitious establishments: names, groups, and how their faults come and go over twelve months."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass

MONTHS = 12
_FIRST = ("Aubeterre", "Bellombre", "Clairval", "Dornecy", "Esparvel", "Fontrive", "Gravelande", "Hautecombe",
          "Issoudray", "Jonquerolle", "Lanvière", "Montrevel", "Noirfont", "Orvillier", "Pierrelune", "Quincerac",
          "Roqueverte", "Sauvelande", "Tourmarine", "Vaucresson")  # fmt: skip
_PRIVATE = ("Clinique des Tilleuls", "Polyclinique du Lac", "Clinique Sainte-Odile", "Centre de soins de l’Arche",
            "Clinique de la Roseraie", "Polyclinique des Cimes", "Clinique du Vieux Port", "Institut de Bonrepos",
            "Clinique des Embruns", "Clinique de la Vallée", "Polyclinique du Parc", "Clinique Belle-Rive")  # fmt: skip
_GROUPS = ("GHT Val d’Ombre", "GHT Rives du Nord", "GHT Terres Hautes", "GHT Littoral", "GHT Cœur de Plaine")

#: Faults of the exposure and of the directory, with how likely each is in an establishment that takes no care.
FAULTS: Mapping[str, float] = {
    "git-open": 0.08, "environment-open": 0.06, "transfer-open": 0.2, "expired": 0.35, "self-signed": 0.45,
    "rc4": 0.25, "old-tls": 0.7, "weak-key": 0.2, "wrong-name": 0.3, "one-network": 0.5, "no-hsts": 0.8,
    "no-csp": 0.9, "framed": 0.7, "server-told": 0.6, "clear-login": 0.15,
    "krbtgt-old": 0.6, "delegation": 0.35, "preauth": 0.3, "admin-spn": 0.45, "never-expire": 0.7, "sid-history": 0.35,
    "machine-quota": 0.8, "guest": 0.15, "many-admins": 0.3, "idle": 0.7, "trust-unfiltered": 0.3, "reversible": 0.1,
    "old-controller": 0.25, "template-open": 0.2, "weak-policy": 0.6, "stale-server": 0.6, "open-zone": 0.3,
    "pre-2000": 0.3, "late-server": 0.8, "owned": 0.6,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Town:
    """An establishment: ``present`` maps each fault to its months (from, until); ``forest`` may be shared."""

    id: str
    name: str
    finess: str
    category: str
    ght: str
    forest: str
    trusts: tuple[str, ...]
    present: Mapping[str, tuple[int, int]]

    @property
    def domain(self) -> str:
        """Its DNS domain."""
        return f"{self.id}.test"

    @property
    def sid(self) -> str:
        """The identifier of its domain."""
        return f"S-1-5-21-{int(hashlib.sha256(self.forest.encode()).hexdigest()[:8], 16)}-1001-2002"

    def faults(self, month: int) -> frozenset[str]:
        """Return the faults of a month, from 0."""
        return frozenset(fault for fault, (since, until) in self.present.items() if since <= month < until)


def towns() -> tuple[Town, ...]:
    """Return the forty establishments, the same at every call."""
    chance = random.Random(2026)
    found = [_public(chance, number, name) for number, name in enumerate(_places())]
    found += [_private(chance, number, name) for number, name in enumerate(_PRIVATE)]
    return tuple(found)


def _places() -> list[str]:
    """Twenty hospitals, and eight former ones that merged names."""
    return [*_FIRST, *(f"{a}-sur-Orne" for a in _FIRST[:8])]


def _public(chance: random.Random, number: int, place: str) -> Town:
    group = _GROUPS[number % len(_GROUPS)]
    key = f"ght{number % len(_GROUPS) + 1}"
    converged = number % len(_GROUPS) in {0, 1} or number < len(_GROUPS)
    forest = f"ad.{key}.test" if converged else f"ad.ch-{number:02}.test"
    trusts = () if converged else (f"ad.{key}.test",)
    return Town(
        id=f"ch-{number:02}", name=f"Centre hospitalier {_of(place)}", finess=finess(number), category="355",
        ght=group, forest=forest, trusts=trusts, present=_history(chance, care=chance.random()),
    )  # fmt: skip


def _private(chance: random.Random, number: int, name: str) -> Town:
    return Town(
        id=f"cl-{number:02}", name=name, finess=finess(500 + number), category="365", ght="",
        forest=f"ad.cl-{number:02}.test", trusts=(), present=_history(chance, care=chance.random()),
    )  # fmt: skip


def _of(place: str) -> str:
    return f"d’{place}" if place[0] in "AEHIO" else f"de {place}"


def _history(chance: random.Random, care: float) -> Mapping[str, tuple[int, int]]:
    """When each fault is there: those who take care have fewer, and close them sooner."""
    present = {}
    for fault, likely in FAULTS.items():
        if chance.random() < likely * (1.15 - care):
            since = 0 if chance.random() < 0.8 else chance.randrange(1, MONTHS)
            lasts = chance.randrange(2, 8 + round(16 * (1 - care)))
            present[fault] = (since, since + lasts)
    return present


def finess(number: int) -> str:
    """Return a fictitious FINESS number whose key is right (Luhn)."""
    body = f"99{number:06}"
    digits = [int(c) for c in body]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(digits)]
    return body + str(-sum(doubled) % 10)
