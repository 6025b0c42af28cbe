"""Pages of criteria sets: every statement with its standing and source, and what nobody has read yet."""

from __future__ import annotations

from datetime import date

from rules.attestations import kinds
from rules.criteria import CriteriaSet, Indicator, Objective
from rules.criteria_file import parse, shipped
from rules.measures import (
    AssetShare,
    AuditPair,
    AuditSeries,
    DeclaredState,
    DirectoryLevelMeasure,
    EvidenceCount,
    ExposureLevelMeasure,
    OpenFindings,
)
from rules.origins import AuditType, Days, Origin
from rules.reading import target_text
from rules.registry import load

STATUS = {"official": "officiel", "secondary": "secondaire", "unverified": "non vérifié", "ours": "Hygie"}


def pages(first: str) -> dict[str, str]:
    """Return the page of every shipped set by its name, and their index; each begins with ``first``."""
    known = frozenset(load().rules)
    sets = {name.removesuffix(".toml"): parse(name, text, known) for name, text in shipped().items()}
    found = {f"{name}.md": _page(first, of) for name, of in sets.items()}
    rows = [f"| [{of.name}]({name}.md) | {of.label.fr} | {_unread(of)} |" for name, of in sets.items()]
    head = f"{first}\n# Jeux de critères\n\n| jeu | libellé | cibles que personne n’a lues |\n|---|---|---|\n"
    return found | {"README.md": head + "\n".join(rows) + "\n\n" + _documents()}


def _unread(of: CriteriaSet) -> int:
    return sum(i.target.value is None for o in of.objectives for i in o.indicators)


def _page(first: str, of: CriteriaSet) -> str:
    lines = [
        first,
        f"# {of.label.fr}\n",
        f"Jeu `{of.name}`{' (brouillon : il ne conclut pas)' if of.draft else ''} · SHA-256 `{of.digest}`\n",
        f"Texte : {of.legal.fr} ({_origin(of.legal)}) ; annexe {'lue' if of.annex_read else 'non lue'}.\n",
        "Un objectif n’est dit atteint que si ses indicateurs obligatoires le sont, sur des phrases de statut "
        f"{' ou '.join(STATUS[s.value] for s in of.concludes_from)}, et que ses pièces sont présentes.\n",
    ]
    lines += [_objective(objective) for objective in of.objectives]
    if of.milestones:
        rows = [f"| {_day(m.day)} | {m.fr} | {_origin(m)} |" for m in of.milestones]
        lines.append("## Calendrier\n\n| date | étape | statut |\n|---|---|---|\n" + "\n".join(rows) + "\n")
    lines.append("## Sources\n\n" + "\n".join(f"* **{key}** : {text}" for key, text in of.sources.items()) + "\n")
    return "\n".join(lines)


def _objective(objective: Objective) -> str:
    head = f"## {objective.label.fr}\n\n`{objective.key}` · libellé {_origin(objective.label)}\n"
    return head + "".join(f"\n{_indicator(i)}" for i in objective.indicators)


def _indicator(indicator: Indicator) -> str:
    target, code = indicator.target, indicator.code
    kind = "repère de travail, hors verdict" if indicator.helper else _mandatory(indicator)
    facts = [f"`{indicator.key}`", kind, f"libellé {_origin(indicator.label)}"]
    if code.value:
        facts.insert(1, f"code {code.value} ({_origin(code)})")
    lines = [
        f"### {indicator.label.fr}\n",
        " · ".join(facts) + "\n",
        f"* Mesure : {_measure(indicator)}",
        f"* Cible : {_target(indicator)} ({_origin(target)}){_note(target)}",
    ]
    if target.value is not None:
        lines.append(f"* Saisie par {target.by} le {_day(target.on)}")
    if indicator.applies_to:
        lines.append(f"* Concerne : {', '.join(indicator.applies_to)}")
    for wanted in indicator.evidence:
        need = "demandée" if wanted.required else "utile"
        lines.append(f"* Pièce {need} : {wanted.fr}, {wanted.count} au moins ({_origin(wanted)})")
    return "\n".join(lines) + "\n"


def _mandatory(indicator: Indicator) -> str:
    word = "obligatoire" if indicator.mandatory.value else "facultatif"
    return f"{word} ({_origin(indicator.mandatory)})"


def _measure(indicator: Indicator) -> str:
    match indicator.measure:
        case AuditPair(audits=audits, spacing=spacing):
            return f"deux audits d’un même type, {_days(spacing)} ; {_audits(audits)}"
        case AuditSeries(audits=audits, spacing=spacing):
            silence = f", {_days(spacing)}" if spacing else ""
            return f"nombre d’audits{silence} ; {_audits(audits)}"
        case DirectoryLevelMeasure(audits=audits):
            return f"plus bas niveau des forêts ; {_audits(audits)}"
        case ExposureLevelMeasure(audits=audits):
            return f"niveau d’exposition ; {_audits(audits)}"
        case DeclaredState(type=type, value=value):
            return f"« {kinds()[type].values[value].label.fr} », dans : {kinds()[type].label.fr}"
        case EvidenceCount(types=types, max_age_days=most):
            age = f" de moins de {most} jours" if most else ""
            return f"nombre de documents{age} : {', '.join(kinds()[t].label.fr for t in types)}"
        case OpenFindings(rules=rules, severities=severities, controls=controls, levels=levels):
            chosen = [f"règles {_codes(rules)}"] if rules != ("*",) else []
            chosen += [f"sévérités {_codes(severities)}"] if severities else []
            chosen += [f"points {_codes(controls)}"] if controls else []
            chosen += [f"niveaux {', '.join(map(str, levels))}"] if levels else []
            return f"constats en défaut, risques acceptés compris ; {' ; '.join(chosen) or 'tous'}"
        case AssetShare(rules=rules):
            return f"part des actifs où tout est respecté ; règles {_codes(rules)}"


def _codes(names: tuple[str, ...]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _audits(audits: tuple[AuditType, ...]) -> str:
    if not audits:
        return "types d’audits admis par le jeu"
    return "types admis : " + ", ".join(f"`{a.type}` ({_origin(a)})" for a in audits)


def _days(spacing: Days) -> str:
    least = f"au moins {spacing.min} jours et " if spacing.min else ""
    warning = f", {spacing.tolerance} jours de plus avertissent" if spacing.tolerance else ""
    return f"{least}au plus {spacing.max} jours d’intervalle ({_origin(spacing)}){warning}{_note(spacing)}"


def _target(indicator: Indicator) -> str:
    key = {"asset-share": "target-share", "open-findings": "target-open", "declared-state": "target-yes"}
    levels = {"audit-pair", "directory-level", "exposure-level"}
    kind = indicator.measure.kind
    counted = "target-documents" if kind == "evidence-count" else "target-count"
    return target_text(indicator.target, key.get(kind, "target-level" if kind in levels else counted)).fr


def _note(origin: Origin) -> str:
    return f" ; {origin.note}" if origin.note else ""


def _origin(origin: Origin) -> str:
    return STATUS[origin.status.value] + (f", {origin.source}" if origin.source else "")


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else "?"


def _documents() -> str:
    """The kinds of documents that ``hygie attest`` takes, with the values transcribed from each."""
    rows = []
    for kind in kinds().values():
        values = [f"`{n}`{'*' if v.required else ''} ({v.label.fr})" for n, v in kind.values.items()]
        rows.append(f"| `{kind.type}` | {kind.label.fr} | {' ; '.join(values)} |")
    head = "## Documents à joindre\n\nValeurs transcrites par `hygie attest` ; celles marquées * sont demandées.\n"
    return head + "\n| type | document | valeurs |\n|---|---|---|\n" + "\n".join(rows) + "\n"
