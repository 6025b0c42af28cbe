"""Generated pages are current."""

from __future__ import annotations

import pytest

from docs.generate import HERE, ROOT, pages


def test_every_generated_page_is_current() -> None:
    for path, text in pages().items():
        assert path.exists(), f"{path.relative_to(ROOT)} is missing: run make docs"
        assert path.read_text() == text, f"{path.relative_to(ROOT)} is stale: run make docs"


@pytest.mark.parametrize("folder", ["rules", "criteria"])
def test_no_page_of_a_family_that_is_gone(folder: str) -> None:
    assert set((HERE / folder).glob("*.md")) <= pages().keys()
