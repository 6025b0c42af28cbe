from __future__ import annotations

from pathlib import Path

from probes.interface import Part
from reports.comparison import Trait
from rules.interface import Outcome, Severity
from rules.levels import Interval
from scanner.comparing import compare
from scanner.store.register import Registered
from scanner.store.store import open_store
from tests.scanner.web.stage import FOREIGN, OURS, configuration, finding, judged


def test_a_comparison_reads_the_newest_judged_parts(tmp_path: Path) -> None:
    settings = configuration(tmp_path)
    with open_store(tmp_path / "hygie.sqlite") as store:
        judged(store, settings, OURS, (finding(OURS), finding(OURS, "tls-no-rc4", Outcome.UNDETERMINED)))
        judged(store, settings, FOREIGN, (finding(FOREIGN), finding(FOREIGN, "tls-no-rc4", Outcome.MET)), level=4)
        store.register.replace([Registered(number="010000000", entity="010000000", name="CH", ght="autre")], "f", "d")
        store.register.complete({"010000000": ("", 412)}, "mine.csv")
        told = compare(store, [FOREIGN, OURS, "ch-absent"])
        assert compare(store).entries == told.entries
    assert told.absent == ("ch-absent",)
    ours, foreign = sorted(told.entries, key=lambda entry: entry.perimeter.id, reverse=True)
    assert (ours.perimeter.id, ours.category, ours.assets, ours.size) == (OURS, "355", 1, "1")
    # What was declared prevails over the register; beds are told by no configuration.
    assert (ours.perimeter.ght, ours.beds) == (f"GHT {OURS}", 412)
    assert [g.value for g in told.groups(Trait.BEDS, Part.EXPOSURE)] == ["3"]
    assert ours.parts.keys() == {Part.EXPOSURE}
    part = ours.parts[Part.EXPOSURE]
    assert (part.level, part.open[Severity.HIGH], part.coverage) == (Interval(guaranteed=2, best=2), 1, 50)
    assert foreign.parts[Part.EXPOSURE].coverage == 100
    assert [(c.rule, c.perimeters, c.findings) for c in told.common] == [("certificate-current", 2, 2)]
