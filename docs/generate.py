"""Generated pages: rules by family, criteria sets, and the commands' help. Run by `make docs`; a test diffs them."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from docs import criteria_pages
from rules.interface import Card
from rules.registry import load

HERE = Path(__file__).parent
ROOT = HERE.parent
FIRST = "<!-- Page générée par `make docs` ; ne pas modifier à la main. -->\n"
SEVERITY = {"critical": "critique", "high": "majeure", "medium": "modérée", "low": "mineure", "info": "information"}
CONFIDENCE = {"confirmed": "confirmée", "probable": "probable", "indicative": "indicative"}
MATURITY = {"stable": "stable", "review": "à revoir", "experimental": "expérimentale"}
EFFORT = {"low": "faible", "medium": "moyen", "high": "élevé"}
STATUS = {"official": "officiel", "secondary": "secondaire", "unverified": "non vérifié", "ours": "Hygie"}


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    found = {HERE / "rules" / "README.md": _index()}
    for family, cards in _families().items():
        found[HERE / "rules" / f"{family}.md"] = _family(family, cards)
    found |= {HERE / "criteria" / name: text for name, text in criteria_pages.pages(FIRST).items()}
    return found


def _families() -> dict[str, list[Card]]:
    registry = load()
    families: dict[str, list[Card]] = defaultdict(list)
    for rule in sorted(registry.rules.values(), key=lambda r: (r.family, r.id)):
        families[rule.family].append(registry.cards[rule.id])
    return families


def _index() -> str:
    rows = [
        f"| [{card.rule}]({family}.md#{card.rule}) | {card.fr.title} | {_severity(card)} "
        f"| {card.control or card.check} |"
        for family, cards in _families().items()
        for card in cards
    ]
    head = f"{FIRST}\n# Règles ({len(rows)})\n\n| règle | proposition | sévérité | repère |\n|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def _severity(card: Card) -> str:
    if card.levels:
        return "niveaux " + ", ".join(map(str, card.levels))
    return SEVERITY[card.severity]


def _family(family: str, cards: list[Card]) -> str:
    return f"{FIRST}\n# {family}\n\n" + "\n".join(_card(card) for card in cards)


def _card(card: Card) -> str:
    facts = [
        f"sévérité : {_severity(card)}",
        f"confiance : {CONFIDENCE[card.confidence]}",
        f"maturité : {MATURITY[card.maturity]}",
        f"effort : {EFFORT[card.effort]}",
        f"statut du seuil : {STATUS[card.status]}",
        f"depuis : {card.since}",
    ]
    if card.control:
        facts.insert(0, f"point de contrôle ANSSI : `{card.control}`")
    if card.check:
        facts.insert(0, f"repère : `{card.check}`")
    words, english = card.fr, card.en
    parameters = load().rules[card.rule].parameters
    lines = [f'<a id="{card.rule}"></a>\n\n## {words.title}\n', f"`{card.rule}` · " + " · ".join(facts) + "\n"]
    lines += [f"**Pourquoi.** {words.why}\n", f"**Remède.** {words.remedy}\n", f"**Vérifier.** {words.again}\n"]
    if parameters:
        lines.append("**Paramètres.** " + ", ".join(f"`{k} = {v}`" for k, v in parameters.items()) + "\n")
    if card.references:
        lines.append("**Références.** " + " ; ".join(card.references) + "\n")
    lines.append(f"*{english.title}.* {english.why}\n")
    return "\n".join(lines)


def main() -> None:
    """Write every page, and remove the pages of families that are gone."""
    wanted = pages()
    for folder in (HERE / "rules", HERE / "criteria"):
        folder.mkdir(exist_ok=True)
        for stale in set(folder.glob("*.md")) - wanted.keys():
            stale.unlink()
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
