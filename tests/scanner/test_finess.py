"""The FINESS register: the flat file, the daily JSON, and what is refused with one sentence."""

from __future__ import annotations

import gzip
import json
from datetime import date
from pathlib import Path

import pytest

from scanner.finess import FinessError, key_holds, read
from scanner.store.store import open_store

TODAY = date(2026, 11, 24)


def flat(dated: str = "2026-05-12", site: str = "990000010", columns: int = 32) -> bytes:
    row = ["structureet", site, "990000028", "CH VALMOREL", "Centre hospitalier de Valmorel", *[""] * 27]
    row[13], row[18], row[19] = "99", "355", "Centre Hospitalier (C.H.)"
    return f"finess;etalab;1;{dated}\n{';'.join(row[:columns])}\n".encode("cp1252")


DAILY = {
    "pmej": [
        {
            "informationsGeneralesPMEJ": {"numFinessPm": "990000028", "denominationPm": "CH de Valmorel"},
            "ege": [{"informationsGeneralesEGE": {"numFinessEge": "990000010", "nomEgeCourt": "Site nord"}}],
        }
    ]
}


@pytest.mark.parametrize("number", ["010000024", "2A0000014", "750712184"])
def test_a_wrong_key_is_told(number: str) -> None:
    last = int(number[-1])
    others = [number[:-1] + str(d) for d in range(10) if d != last]
    assert sum(key_holds(n) for n in [number, *others]) == 1


def test_the_flat_file_and_the_daily_json_give_the_same_establishments(tmp_path: Path) -> None:
    (tmp_path / "etalab.csv").write_bytes(flat())
    daily = tmp_path / "finess-20261123.json.gz"
    daily.write_bytes(gzip.compress(json.dumps(DAILY).encode()))
    found = [read(tmp_path / "etalab.csv", TODAY), read(daily, TODAY)]
    assert [{e.number: e.entity for e in r.entries} for r in found] == 2 * [
        {"990000028": "990000028", "990000010": "990000028"}
    ]
    with open_store(tmp_path / "s.sqlite") as store:
        assert store.register.replace(found[0].entries, "etalab.csv", "2026-05-12") == 2
        assert store.register.of(["990000010"])["990000010"].category == "355"
        assert [site.number for site in store.register.sites("990000028")] == ["990000010"]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("etalab.csv", flat("2019-03-01"), "of 2019"),
        ("etalab.csv", flat("2031-03-01"), "to come"),
        ("etalab.csv", flat(columns=12), "12 columns"),
        ("etalab.csv", flat(site="12"), "no FINESS number"),
        ("etalab.csv", b"nom;adresse\n", "first line"),
        ("finess-20190101.json", json.dumps(DAILY).encode(), "of 2019"),
        ("finess.json", json.dumps(DAILY).encode(), "no date"),
        ("finess-20261123.json", b"{}", "pmej"),
        ("finess-20261123.json", b'{"pmej": [{}]}', "lacks"),
        ("finess-20261123.json.gz", b"\x1f\x8bdamaged", "damaged"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FinessError, match=said):
        read(tmp_path / name, TODAY)
