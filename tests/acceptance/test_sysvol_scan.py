"""The whole road over a controller that serves SYSVOL: planted faults of group policies found, near misses not."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from json import loads
from pathlib import Path

import pytest

from probes.interface import Part
from reports import json
from reports.dossier import Dossier
from reports.formats import html
from rules.interface import Finding, Outcome
from rules.registry import load
from scanner import run
from scanner.config.load import parse
from scanner.judging import judge_scan
from scanner.store.store import open_store
from tests.acceptance.directory_lab import CONFIG
from tests.lab import samba

pytestmark = pytest.mark.samba
DEFAULT, CONTROLLERS = "{31B2F340-016D-11D2-945F-00C04FB984F9}", "{6AC1786C-016F-11D2-945F-00C04FB984F9}"
CANARY = "CANARI-cpassword-j1Uyj3Vx8TY9LtLZil2uAuZkFQA"
TEMPLATE = (
    "[Registry Values]\r\n"
    "MACHINE\\System\\CurrentControlSet\\Services\\LanManServer\\Parameters\\RequireSecuritySignature=4,1\r\n"
    "MACHINE\\System\\CurrentControlSet\\Control\\Lsa\\LmCompatibilityLevel=4,3\r\n"
)
#: What a controller writes by itself when somebody logs on.
LOGON = ("lastlogon", "lastlogontimestamp", "logoncount", "badpwdcount", "badpasswordtime", "lockouttime")
USUAL = "O:DAG:DAD:P(A;OICI;FA;;;DA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;AU)"


def plant(domain: Path) -> Mapping[str, str]:
    preferences = domain / "Policies" / DEFAULT / "MACHINE/Preferences/Groups"
    preferences.mkdir(parents=True)
    groups = f'<Groups><User><Properties userName="admin-local" cpassword="{CANARY}"/></User></Groups>'
    (preferences / "Groups.xml").write_text(groups)
    security = domain / "Policies" / CONTROLLERS / "MACHINE/Microsoft/Windows NT/SecEdit"
    security.mkdir(parents=True)
    (security / "GptTmpl.inf").write_bytes(TEMPLATE.encode("utf-16"))
    for name in ("ouverture.bat", "protege.bat"):
        (domain / "scripts" / name).write_text("rem")
    return {
        "scripts/ouverture.bat": f"{USUAL}(A;;0x1301bf;;;AU)",
        "scripts/protege.bat": USUAL,
        f"Policies/{CONTROLLERS}/GPT.INI": f"{USUAL}(A;;0x1301bf;;;DU)",
    }


@pytest.fixture(scope="module")
def dossier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dossier]:
    folder = tmp_path_factory.mktemp("scan")
    with (
        samba.domain(sysvol=plant) as lab,
        pytest.MonkeyPatch.context() as patch,
        open_store(folder / "hygie.sqlite") as store,
    ):
        text = CONFIG.format(address=lab.address, host=lab.host, user=lab.user("lecteur"), ca=lab.ca_file)
        patch.setenv("HYGIE_LAB_PASSWORD", samba.USER_PASSWORD)
        settings = parse(folder / "hygie.toml", text)
        scan, _ = asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
        found = judge_scan(settings, store, scan.id)
        store.close()
        assert CANARY.encode() not in b"".join(path.read_bytes() for path in folder.glob("*") if path.is_file())
        assert set(written(lab)) <= {("S-1-5-18", name) for name in LOGON}
        yield found


def written(lab: samba.Domain) -> Iterator[tuple[str, str]]:
    """Yield who changed which attribute of the directory, as the controller's own log tells it."""
    for line in lab.log.splitlines():
        if '"type": "dsdbChange"' in line:
            change = loads(line[line.index('{"timestamp"') :])["dsdbChange"]
            yield from ((change["userSid"], name.lower()) for name in change.get("attributes", {}))


def found(dossier: Dossier, rule: str) -> Finding:
    return next(f for f in dossier.findings if f.rule == rule)


@pytest.mark.parametrize(
    ("rule", "outcome", "first"),
    [
        ("gpo-spreads-no-password", Outcome.NOT_MET, "Default Domain Policy : admin-local"),
        ("gpo-links-lead-to-policies", Outcome.MET, ""),
        ("privileged-gpo-files-protected", Outcome.NOT_MET, "Domain Users → Default Domain Controllers Policy"),
        ("gpo-files-protected", Outcome.NOT_MET, "Domain Users → Default Domain Controllers Policy"),
        ("logon-scripts-protected", Outcome.NOT_MET, "Authenticated Users → scripts/ouverture.bat"),
        ("scripts-stay-in-sysvol", Outcome.MET, ""),
        ("controllers-require-smb-signing", Outcome.MET, ""),
        ("controllers-refuse-lm-and-ntlmv1", Outcome.NOT_MET, "Default Domain Controllers Policy"),
        ("controllers-require-ldap-signing", Outcome.NOT_MET, ""),
        ("gpo-keeps-anonymous-out", Outcome.MET, ""),
        ("gpo-keeps-no-weak-secret", Outcome.MET, ""),
    ],
)
def test_a_planted_fault_of_a_policy_is_found(dossier: Dossier, rule: str, outcome: Outcome, first: str) -> None:
    finding = found(dossier, rule)
    assert (finding.outcome, finding.reason) == (outcome, "")
    assert [o.name for o in finding.objects] == ([first] if first else [])


def test_no_password_reaches_a_report(dossier: Dossier) -> None:
    assert CANARY.encode() not in json.render(dossier, {})


def test_the_report_says_what_the_reading_cost_the_controller(dossier: Dossier) -> None:
    page = html.render(dossier, load().cards, "fr").decode()
    costs = re.findall(r"<li>([^<]+, requêtes [^<]+, volume [^<]+ Mo, durée [^<]+)</li>", page)
    assert len(costs) == 6
    assert any(cost.startswith("naming-context:DC=chu,DC=example, sur dc1.chu.example") for cost in costs)


def test_a_wrong_password_is_tried_once_a_scan_so_that_no_account_is_locked(tmp_path: Path) -> None:
    with samba.domain(sysvol=lambda folder: {}) as lab:
        text = CONFIG.format(address=lab.address, host=lab.host, user=lab.user("lecteur"), ca=lab.ca_file)
        with pytest.MonkeyPatch.context() as patch, open_store(tmp_path / "hygie.sqlite") as store:
            patch.setenv("HYGIE_LAB_PASSWORD", "Mot-de-passe-faux-1")
            settings = parse(tmp_path / "hygie.toml", text)
            scan, _ = asyncio.run(run.scan(settings, store, "chu", only=Part.DIRECTORY))
            attempts = store.record(scan.id).attempts
    assert [(a.probe.partition("@")[0], a.reason.value) for a in attempts] == [("directory", "credentials-refused")]
