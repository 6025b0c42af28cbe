"""Plant what standard input asks (JSON) in the domain of a configuration file; say what was planted (JSON)."""

from __future__ import annotations

import json
import sys

from tests.lab.samba_seeds import accounts, forest, french, rights, servers
from tests.lab.samba_seeds.planting import Ground, Plant

FAULTS: dict[str, Plant] = {**accounts.FAULTS, **servers.FAULTS, **rights.FAULTS, **forest.FAULTS}


def main() -> None:
    asked = json.load(sys.stdin)
    ground = Ground(sys.argv[1], password=asked["password"])
    faults = sorted(FAULTS) if "all" in asked["faults"] else asked["faults"]
    ground.sam.transaction_start()
    try:
        accounts.ordinary(ground)
        planted = {name: FAULTS[name](ground) for name in faults}
        for name, count in asked.get("bulk", {}).items():
            planted[name] = accounts.BULK[name](ground, count)
        for name in ground.also.keys() & planted.keys():
            one = planted[name]
            one["faulty"] = sorted(ground.also[name].union(one["faulty"]).difference(one["near"]))
        if asked.get("french"):
            french.translate(ground)
    except BaseException:
        ground.sam.transaction_cancel()
        raise
    ground.sam.transaction_commit()
    print(json.dumps(planted))


main()
