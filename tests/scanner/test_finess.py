"""The FINESS register: the flat file, the daily JSON, and what is refused with one sentence."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from rules.territory import region_of
from scanner.cli import app
from scanner.finess.number import FinessError, key_holds
from scanner.finess.own import is_own
from scanner.finess.own import read as own
from scanner.finess.read import Read, content, parse, unfolded
from scanner.store.store import open_store

TODAY = date(2026, 11, 24)


def flat(dated: str = "2026-05-12", site: str = "990000010", columns: int = 32, more: str = "") -> bytes:
    row = ["structureet", site, "990000028", "CH VALMOREL", "Centre hospitalier de Valmorel", *[""] * 27]
    row[13], row[18], row[19] = "9D", "355", "Centre Hospitalier (C.H.)"
    return f"finess;etalab;1;{dated}\n{';'.join(row[:columns])}\n{more}".encode("cp1252")


#: The shape of the schema v1 of structures, with the fields that are read.
DAILY: dict[str, Any] = {
    "schemaVersion": "v1.0.0",
    "generatedAt": "2026-11-23T02:06:22Z",
    "gcc": [
        {"nomGcc": "GHT de la Réunion", "typeGcc": "001", "etatObjet": "A",
         "pmejDuGcc": [{"pmSmsseId": "7", "typeRoleEntiteGroupe": "S"}]},
        {"nomGcc": "ancien groupe", "typeGcc": "002", "etatObjet": "I", "pmejDuGcc": [{"pmSmsseId": "7"}]},
        {"nomGcc": "autre convention", "typeGcc": "003", "etatObjet": "A", "pmejDuGcc": [{"pmSmsseId": "7"}]},
    ],
    "pmej": [
        {
            "informationsGeneralesPMEJ": {
                "pmSmsseId": "7", "numFinessPm": "990000028", "denominationPm": "CH", "denominationLonguePmSmsse": "",
            },
            "adresse": [{"cogCommune": "97411", "codePostal": "97400"}],
            "etatObjet": "A",
            "ege": [
                {"informationsGeneralesEGE": {"numFinessEge": "990000010", "nomEgeCourt": "Site nord"},
                 "categorieentiteGeographiqueExercice": "355", "etatObjet": "A"},
                {"informationsGeneralesEGE": {"numFinessEge": "990000036", "nomEgeCourt": "Long séjour"},
                 "categorieentiteGeographiqueExercice": "101", "etatObjet": "I"},
            ],
        }
    ],
}  # fmt: skip


def read(path: Path, today: date) -> Read:
    return parse(path, content(path), today)


def daily(**changed: object) -> bytes:
    return json.dumps(DAILY | changed).encode()


@pytest.mark.parametrize("number", ["010000024", "2A0000014", "750712184"])
def test_a_wrong_key_is_told(number: str) -> None:
    last = int(number[-1])
    others = [number[:-1] + str(d) for d in range(10) if d != last]
    assert sum(key_holds(n) for n in [number, *others]) == 1


def test_the_flat_file_and_the_daily_json_give_the_same_establishments(tmp_path: Path) -> None:
    (tmp_path / "etalab.csv").write_bytes(flat(more="geolocalisation;990000010;1;2;3,ATLASANTE;2026-05-01\n"))
    (tmp_path / "structures.json.gz").write_bytes(gzip.compress(daily()))
    former, new = read(tmp_path / "etalab.csv", TODAY), read(tmp_path / "structures.json.gz", TODAY)
    told = {e.number: (e.entity, e.category, e.region, e.closed) for e in former.entries}
    assert told == {
        "990000028": ("990000028", "355", "04", False),
        "990000010": ("990000028", "355", "04", False),
    }
    again = {e.number: (e.entity, e.category, e.region, e.closed) for e in new.entries}
    assert again == told | {"990000036": ("990000028", "101", "04", True)}
    assert {e.ght for e in new.entries} == {"GHT de la Réunion"}
    assert (former.dated, new.dated) == (date(2026, 5, 12), date(2026, 11, 23))


def test_ones_own_list_stays_through_the_next_register(tmp_path: Path) -> None:
    for name, data in (("etalab.csv", flat()), ("new.json", daily())):
        (tmp_path / name).write_bytes(data)
    mine = tmp_path / "mine.csv"
    mine.write_bytes("FINESS;GHT;Lits\n990000028;GHT à nous;412\n010000024;;\n\n".encode("cp1252"))
    assert [is_own((tmp_path / name).read_bytes()) for name in ("mine.csv", "etalab.csv", "new.json")] == [
        True,
        False,
        False,
    ]
    with open_store(tmp_path / "s.sqlite") as store:
        assert store.register.replace(read(tmp_path / "etalab.csv", TODAY).entries, "etalab.csv", "2026-05-12") == 2
        assert store.register.complete(
            {c.number: (c.ght, c.beds) for c in own(mine, mine.read_bytes())}, "mine.csv"
        ) == ("010000024",)
        store.register.replace(read(tmp_path / "new.json", TODAY).entries, "new.json", "2026-11-23")
        found = store.register.of(["990000028", "990000010"])
        assert {number: (e.group, e.beds) for number, e in found.items()} == {
            "990000028": ("GHT à nous", 412),
            "990000010": ("GHT à nous", None),
        }
        assert [site.number for site in store.register.sites("990000028")] == ["990000010", "990000036"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("990000028;GHT;beaucoup", "line 2: 'beaucoup' is no number of beds"),
        ("990000028;GHT;-3", "line 2: '-3' is no number"),
        ("990000028;GHT", "line 2: 2 columns, 3 expected"),
        ("990000028;GHT;1\n99000002;GHT;1", "line 3: '99000002' is no FINESS number"),
        ("990000028;GHT;1\n990000028;GHT;1", "line 3: 990000028 stands twice"),
    ],
)
def test_a_list_that_is_wrong_is_refused_with_its_line(tmp_path: Path, rows: str, said: str) -> None:
    (tmp_path / "mine.csv").write_text(f"finess;ght;lits\n{rows}\n")
    with pytest.raises(FinessError, match=re.escape(said)):
        own(tmp_path / "mine.csv", (tmp_path / "mine.csv").read_bytes())


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("etalab.csv", flat("2019-03-01"), "of 2019"),
        ("etalab.csv", flat("2031-03-01"), "to come"),
        ("etalab.csv", flat(columns=12), "line 2: 12 columns"),
        ("etalab.csv", flat(site="12"), "line 2: '12' is no FINESS number"),
        ("etalab.csv", flat(more="structureej;990000028\n"), "line 3: a row of kind 'structureej'"),
        ("etalab.csv", b"finess;etalab;1;2026-05-12\n", "no establishment"),
        ("etalab.csv", b"nom;adresse\n", "first line"),
        ("any.json", daily(generatedAt="2019-01-01T00:00:00Z"), "of 2019"),
        ("finess-20190101.json", daily(generatedAt=""), "of 2019"),
        ("finess.json", daily(generatedAt=None), "a date"),
        ("finess.json", daily(schemaVersion="v2.0.0"), "schema v2.0.0"),
        ("finess.json", b"{}", "pmej"),
        ("finess.json", daily(pmej=[*DAILY["pmej"], {}]), "legal entity 2 lacks"),
        ("finess.json", daily(pmej=[7]), "legal entity 1 has not the shape"),
        ("finess.json", daily(gcc=[7]), r"group \(gcc\)"),
        ("finess.json", b"[" * 100_000, "finess.json"),
        ("finess-20261123.json.gz", b"\x1f\x8bdamaged", "damaged"),
    ],
)
def test_what_is_refused(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(FinessError, match=said):
        read(tmp_path / name, TODAY)


def test_what_unfolds_too_far_is_refused() -> None:
    with pytest.raises(FinessError, match="unfolds to more than 2 MiB"):
        unfolded(Path("finess.json.gz"), gzip.compress(bytes(3 << 20)), 2 << 20)


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_command_refuses_a_register_of_another_year_and_keeps_the_one_before(tmp_path: Path, language: str) -> None:
    today = datetime.now(UTC).date()
    config = tmp_path / "hygie.toml"
    config.write_text("")
    files = {
        "good.csv": flat(today.isoformat()),
        "old.csv": flat("2019-03-01"),
        "mine.csv": b"finess;lits\n990000028;412\n",
        "wrong.csv": b"finess;lits\n990000028;douze\n",
    }
    told = {}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        done = CliRunner().invoke(app, ["finess", str(tmp_path / name), "-c", str(config), "--lang", language])
        told[name] = (done.exit_code, done.output)
    assert {name: code for name, (code, _) in told.items()} == {
        "good.csv": 0, "old.csv": 3, "mine.csv": 0, "wrong.csv": 3,
    }  # fmt: skip
    assert told["good.csv"][1].startswith(
        {"fr": "2\u00a0établissements au ", "en": "2\u00a0establishments of "}[language]
    )
    assert "is of 2019" in told["old.csv"][1]
    assert "line 2: 'douze' is no number of beds" in told["wrong.csv"][1]
    with open_store(tmp_path / "hygie.sqlite") as store:
        assert store.register.of(["990000028"])["990000028"].beds == 412
        events = [e.event for e in store.audit.events() if e.event.startswith("register")]
        assert events == ["register-imported", "register-completed"]


def test_each_department_has_its_region() -> None:
    departments = [f"{n:02}" for n in range(1, 96) if n != 20] + ["2A", "2B", "971", "972", "973", "974", "976"]
    assert len({region_of(d) for d in departments}) == 18
    assert "" not in {region_of(d) for d in departments}
    assert [region_of(d) for d in ("975", "988", "9J", "")] == [""] * 4
    assert [region_of(f"9{letter}") for letter in "ABCDF"] == ["01", "02", "03", "04", "06"]
