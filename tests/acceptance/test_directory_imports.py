"""One domain read live, through LDIF and an ORADAD-shaped export: the same findings where the data is the same."""

from __future__ import annotations

import asyncio
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from probes.facts.directory import NamingContextRead, NamingContextRole
from probes.facts.entries import Entry, decode_entries
from probes.interface import Part
from reports.dossier import Dossier
from rules.interface import Finding, Outcome
from scanner import run
from scanner.config.load import Settings, parse
from scanner.imports import import_file
from scanner.judging import judge_scan
from scanner.store.store import Store, open_store
from tests.acceptance.directory_lab import CONFIG
from tests.lab import oradad, samba

pytestmark = pytest.mark.samba


@dataclass(frozen=True, slots=True, kw_only=True)
class Roads:
    """The three roads to one domain."""

    live: Dossier
    ldif: Dossier
    oradad: Dossier
    settings: Settings
    store: Store
    folder: Path


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    folder = tmp_path_factory.mktemp("roads")
    with (
        samba.domain(faults=["all"]) as dc,
        pytest.MonkeyPatch.context() as patch,
        open_store(folder / "hygie.sqlite") as store,
    ):
        text = CONFIG.format(address=dc.address, host=dc.host, user=dc.user("lecteur"), ca=dc.ca_file)
        patch.setenv("HYGIE_LAB_PASSWORD", samba.USER_PASSWORD)
        settings = parse(folder / "hygie.toml", text)
        scan, _ = asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
        live = judge_scan(settings, store, scan.id)
        (folder / "export.ldif").write_bytes(b"".join(exported(dc, base) for base in bases(dc)))
        (folder / "silent.ldif").write_bytes(b"".join(exported(dc, base, "-LLL") for base in bases(dc)))
        record = store.record(scan.id)
        contexts: dict[NamingContextRole, list[Entry]] = defaultdict(list)
        for seen in record.observations:
            if isinstance(seen.fact, NamingContextRead):
                at = seen.fact.current_time
                for digest in seen.captures:
                    contexts[seen.fact.role] += decode_entries(record.read_capture(digest))
        export = oradad.write(folder / "oradad", contexts, domain=dc.realm, at=at)
        yield Roads(
            live=live,
            ldif=imported(settings, store, "ldif", folder / "export.ldif"),
            oradad=imported(settings, store, "oradad", export),
            settings=settings,
            store=store,
            folder=folder,
        )


def bases(dc: samba.Domain) -> list[str]:
    configuration = f"CN=Configuration,{dc.base}"
    zones = [f"DC=DomainDnsZones,{dc.base}", f"DC=ForestDnsZones,{dc.base}"]
    return ["", dc.base, configuration, f"CN=Schema,{configuration}", *zones]


def exported(dc: samba.Domain, base: str, *options: str) -> bytes:
    """Return what ldapsearch writes of a naming context, as the import's own documentation says to ask it."""
    everything = ["-s", "base", "*", "+"] if not base else ["(objectClass=*)", "*", "nTSecurityDescriptor"]
    command = ["ldapsearch", "-x", "-H", f"ldaps://{dc.address}", "-D", dc.user(), "-w", samba.USER_PASSWORD]
    command += ["-E", "pr=500/noprompt", "-E", "!1.2.840.113556.1.4.801=::MAMCAQc=", *options, "-b", base, *everything]
    done = subprocess.run(command, env={"LDAPTLS_REQCERT": "never"}, capture_output=True, check=True)
    return done.stdout


def imported(settings: Settings, store: Store, kind: str, path: Path, *, declared_whole: bool = False) -> Dossier:
    scan, interrupted = asyncio.run(import_file(settings, store, kind, path, declared_whole=declared_whole))
    assert not interrupted
    return judge_scan(settings, store, scan.id)


def told(dossier: Dossier) -> dict[tuple[str, str], tuple[str, tuple[int, ...], tuple[str, ...]]]:
    """What a dossier says of the directory itself (SYSVOL is in no export), without dates and evidence."""
    return {
        (f.rule, f.asset): (f"{f.outcome.value} {f.reason}".strip(), f.levels, tuple(o.id for o in f.objects))
        for f in dossier.findings
        if f.family.startswith("directory") and f.family != "directory_gpo"
    }


def test_ldif_and_live_give_the_same_findings(roads: Roads) -> None:
    assert len(told(roads.live)) > 30
    assert told(roads.ldif) == told(roads.live)
    assert [(level.asset, str(level.level)) for level in roads.ldif.directory] == [
        (level.asset, str(level.level)) for level in roads.live.directory
    ]


def test_an_oradad_export_and_live_give_the_same_findings(roads: Roads) -> None:
    assert told(roads.oradad) == told(roads.live)


def test_an_import_says_its_file_its_instant_and_no_cost_on_the_controller(roads: Roads) -> None:
    (part,) = roads.ldif.scan.parts
    assert (part.kind, part.box, part.vantage.value) == (Part.IMPORT, "hygie", "inside")
    (file,) = (seen.asset for seen in roads.ldif.assets if seen.asset.kind == "file")
    assert file.name == "export.ldif"
    assert not [a for a in roads.ldif.attempts if a.reason != "none"]


def test_an_export_that_does_not_tell_its_end_concludes_on_what_it_holds_alone(roads: Roads) -> None:
    """``ldapsearch -LLL`` says nothing of its end: what it gave is true, what it did not give proves nothing."""
    live, found = told(roads.live), told(imported(roads.settings, roads.store, "ldif", roads.folder / "silent.ldif"))
    concluded = {key for key, (outcome, *_) in found.items() if not outcome.startswith("undetermined")}
    assert {key: found[key][0] for key in concluded} == {key: live[key][0] for key in concluded}
    assert all(set(found[key][2]) <= set(live[key][2]) for key in concluded)
    faults = {key for key, (outcome, *_) in live.items() if outcome == "not-met"}
    # what cannot be said of it: shares of all accounts
    assert {rule for rule, _ in faults - concluded} == {"local-passwords-managed", "passwords-expire"}
    assert {"guest-disabled", "functional-level-current"} <= {rule for rule, _ in concluded}


def test_what_is_missing_from_such_an_export_is_unknown_and_missing_once_it_is_declared_whole(
    roads: Roads, tmp_path: Path
) -> None:
    """The very export of an attacker, or of a full disk: krbtgt and AdminSDHolder are not in it."""
    records = (roads.folder / "silent.ldif").read_bytes().split(b"\n\n")
    lacking = tmp_path / "lacking.ldif"
    kept = (r for r in records if not r.startswith((b"dn: CN=krbtgt,", b"dn: CN=AdminSDHolder,")))
    lacking.write_bytes(b"\n\n".join(kept))
    rule = ("critical-objects-readable", "ad-domain:chu.example")
    open_, whole = (
        told(imported(roads.settings, roads.store, "ldif", lacking, declared_whole=declared))
        for declared in (False, True)
    )
    assert open_[rule][0] == "undetermined collection-cut"
    assert whole[rule] == ("not-met", (1,), ("AdminSDHolder", "RID 502"))


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_a_cut_export_leaves_open_what_could_change(roads: Roads, tmp_path: Path, share: float) -> None:
    whole = (roads.folder / "export.ldif").read_bytes()
    cut = tmp_path / "cut.ldif"
    cut.write_bytes(whole[: int(len(whole[: whole.index(b"dn: CN=Configuration")]) * share)])
    dossier = imported(roads.settings, roads.store, "ldif", cut)
    live, open_ = told(roads.live), {f.rule for f in dossier.findings if f.outcome is Outcome.UNDETERMINED}
    assert open_
    assert not [f.rule for f in dossier.findings if f.outcome is Outcome.MET and is_bad(live, f)]
    assert [a for a in dossier.attempts if a.reason.value == "truncated-answer"]
    assert dossier.directory[0].level.guaranteed <= roads.live.directory[0].level.guaranteed


def is_bad(live: dict[tuple[str, str], tuple[str, tuple[int, ...], tuple[str, ...]]], finding: Finding) -> bool:
    return live.get((finding.rule, finding.asset), ("",))[0] == Outcome.NOT_MET.value
