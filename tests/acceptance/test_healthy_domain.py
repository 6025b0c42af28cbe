"""A fresh domain, as its server makes it: every finding that remains is listed in the docs with its reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rules.interface import Outcome
from tests.acceptance.directory_lab import scanned
from tests.lab import samba

pytestmark = pytest.mark.samba
PAGE = Path(__file__).parents[2] / "docs" / "healthy-domain.md"


def test_what_remains_of_a_fresh_domain_is_what_the_page_says() -> None:
    with samba.domain(sysvol=lambda folder: {}) as lab:
        dossier = scanned(lab)
    seen = {
        f.rule: f.outcome.value
        for f in dossier.findings
        if f.outcome in {Outcome.NOT_MET, Outcome.UNDETERMINED} and f.family.startswith("directory")
    }
    said = dict(re.findall(r"^\| `([a-z0-9-]+)` \| (not-met|undetermined) \|", PAGE.read_text(), re.M))
    assert seen == said
