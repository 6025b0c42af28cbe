"""The demonstration of a region: its scans are scans as any other, and the dashboard shows them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from scanner.config.load import load
from scanner.demo.region.play import play
from scanner.demo.region.towns import towns
from scanner.store.store import open_store
from tests.scanner.web import stage

#: The level guaranteed of a forest that has one fault alone: none leaves what nothing could tell.
LEVELS = {"": 4, "late-server": 3, "owned": 3, "stale-server": 2, "weak-policy": 2, "pre-2000": 2, "old-controller": 1,
          "template-open": 1, "open-zone": 1}  # fmt: skip


def test_what_a_forest_holds_is_told_whole(tmp_path: Path) -> None:
    """Faults decide the level of a forest, not what the play left out."""
    known = [
        replace(town, forest=f"ad.f{number}.test", trusts=(), present={fault: (0, 99)} if fault else {})
        for number, (town, fault) in enumerate(zip(towns(), LEVELS, strict=False))
    ]
    config, _ = play(tmp_path, lambda month: None, known=tuple(known), months=1)
    with open_store(load(config).store_location()) as store:
        found = [store.boards.standings(town.id)["directory"] for town in known]
    assert {fault: (at.guaranteed, at.best) for fault, at in zip(LEVELS, found, strict=True)} == {
        fault: (level, level) for fault, level in LEVELS.items()
    }


async def test_the_region_is_there_and_read(tmp_path: Path) -> None:
    known, told = towns()[:4], list[str]()
    config, password = play(tmp_path, told.append, known=known, months=2)
    assert told == ["11 / 12", "12 / 12"]
    settings = load(config)
    with open_store(settings.store_location()) as store:
        for town in known:
            assert [s.kinds for s in store.sightings.scans(town.id)] == [("exposure", "directory")] * 2
            assert {*store.boards.standings(town.id)} == {"exposure", "directory"}
        async with stage.served(settings, store) as client:
            assert await stage.log_in(client, "demo", password) == 303
            home = await client.get("/")
            assert home.status == 200
            shown = await home.text()
            assert [town.name for town in known if town.name not in shown] == []
            for page in ("/region", f"/p/{known[0].id}/directory", f"/ght/{known[0].ght}"):
                assert (await client.get(page)).status == 200, page
