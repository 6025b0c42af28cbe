"""The house: sizes, docstrings, forbidden words, and nothing of the place it was built in."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("scanner", "reports", "rules", "probes")
MODULES = sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_small_says_what_it_is_and_is_finished(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "a module without docstring"
    assert text.count("\n") <= 400, "a module of more than 400 lines"
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", text)
    assert path.stem not in {"utils", "helpers", "common", "manager", "misc"}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 60, f"{node.name} has {length} lines"


def test_only_the_engine_and_the_outermost_layer_catch_everything() -> None:
    broad = [
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in {"Exception", "BaseException"})
    ]
    assert sorted(broad) == ["scanner/cli.py", "scanner/engine.py"]


def test_every_level_of_tests_is_a_package() -> None:
    folders = {p.parent for p in (ROOT / "tests").rglob("*.py")}
    assert all((folder / "__init__.py").exists() for folder in folders)


def test_nothing_names_the_place_it_was_built_in() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    forbidden = re.compile(
        "|".join([r"/wo" + "rk/", r"\.lib" + "rary", r"pypi\.o" + "rg", r"files\.python" + "hosted"])
    )
    for name in tracked:
        path = ROOT / name
        if path.suffix in {".py", ".toml", ".md", ".lock", ".sh", ".html", ".txt", ""} and path.is_file():
            assert not forbidden.search(path.read_text(errors="replace")), name
