"""What the doctor says of a directory: rights, points left open, the smallest delegation; and of one out of reach."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from probes.facts.directory_rights import DirectoryRights, ObjectReach
from reports.words import load
from rules.levels import anssi_points
from scanner import doctor
from scanner.config.load import Settings, parse
from scanner.doctor_directory import DELEGATIONS, Mark, examine_directories, is_hidden, told
from tests.acceptance.directory_lab import CONFIG
from tests.lab import samba


def reach(key: str, *, found: bool = True, descriptor: bool = True) -> ObjectReach:
    return ObjectReach(key=key, dn=f"CN={key},DC=x", found=found, descriptor=descriptor, children=0)


def rights(*reaches: ObjectReach, sysvol: str = "") -> DirectoryRights:
    return DirectoryRights(server="dc1.x", domain="x", sids=("S-1-5-11",), reaches=reaches, sysvol=sysvol)


def test_an_account_that_sees_everything_is_told_so() -> None:
    lines = list(told(rights(*map(reach, DELEGATIONS)), "ad", "audit", "fr"))
    assert [mark for mark, _ in lines] == [Mark.OK, Mark.OK]
    assert "tout ce que les points demandent est lisible" in lines[1][1]


def test_what_an_administrator_does_not_find_is_not_there() -> None:
    seen = replace(rights(reach("dpapi", found=False), reach("pki", descriptor=False)), sids=("S-1-5-32-544",))
    (mark, who), (_, hidden) = told(seen, "ad", "audit", "fr")
    assert mark is Mark.OK
    assert "la lecture n’en demande pas tant" in who
    assert "infrastructure de clés" in hidden


@pytest.mark.parametrize("language", ["fr", "en"])
def test_a_hidden_object_says_its_points_and_the_right_that_shows_it(language: str) -> None:
    (_, (mark, line)) = told(rights(reach("pso", found=False)), "ad", "CHU\\audit", language)
    assert mark is Mark.PARTIAL
    assert "vuln_privileged_members_password" in line
    assert 'dsacls "CN=pso,DC=x" /I:T /G "CHU\\audit:GR"' in line


def test_no_delegation_gives_more_than_reading_and_none_a_secret() -> None:
    for delegation in DELEGATIONS.values():
        rights = re.findall(r"\{account\}:([A-Z]+)", delegation.command)
        assert rights
        assert set(rights) <= {"GR", "LCRP", "LCRC", "RP"}
    assert all("GR" not in DELEGATIONS[key].command for key in ("kds", "dpapi"))


def test_an_object_without_its_descriptor_is_hidden_where_points_need_it() -> None:
    assert is_hidden(reach("admin-holder", descriptor=False))
    assert not is_hidden(reach("service", descriptor=False))


def test_every_point_named_is_one_of_the_catalogue() -> None:
    named = {p for d in DELEGATIONS.values() for p in d.points.split(", ") if p.startswith("vuln_")}
    assert named <= anssi_points().keys()


def configured(lab: samba.Domain, account: str, folder: Path) -> Settings:
    text = CONFIG.format(address=lab.address, host=lab.host, user=lab.user(account), ca=lab.ca_file)
    return parse(folder / "hygie.toml", text)


@pytest.mark.samba
def test_the_doctor_asks_a_real_controller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYGIE_LAB_PASSWORD", samba.USER_PASSWORD)
    with samba.domain(sysvol=lambda folder: {}) as lab:
        lines = examine_directories(configured(lab, "lecteur", tmp_path), load("fr"))
        refused = examine_directories(configured(lab, "expire", tmp_path), load("fr"))
        whole = CONFIG.format(address=lab.address, host=lab.host, user=lab.user(), ca=tmp_path / "absente.pem")
        misled = examine_directories(parse(tmp_path / "hygie.toml", whole), load("fr"))
        elsewhere = whole.replace(str(tmp_path / "absente.pem"), str(lab.ca_file))
        elsewhere = elsewhere.replace('name = "ad"', 'name = "ad"\nbase = "DC=autre,DC=example"')
        strange = examine_directories(parse(tmp_path / "hygie.toml", elsewhere), load("fr"))
    # an ordinary account reads no PSO and no settings of DNS; a fresh domain has no DPAPI key, this schema no KDS key
    partial = [line for mark, line in lines if mark is Mark.PARTIAL]
    assert [word for line in partial for word in ("(PSO)", "DPAPI", "serveurs DNS", "KDS") if word in line] == [
        "(PSO)",
        "DPAPI",
        "serveurs DNS",
        "KDS",
    ]
    assert [mark for mark, _ in refused] == [Mark.MISSING]
    assert "compte expiré" in refused[0][1]
    assert "Set-ADAccountExpiration" in refused[0][1]
    assert [mark for mark, _ in (*misled, *strange)] == [Mark.MISSING, Mark.MISSING]
    assert "absente.pem" in misled[0][1]
    assert "No such file" in misled[0][1]
    assert "corriger `base`" in strange[0][1]


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        (("", ""), (Mark.OK, Mark.OPTIONAL)),
        (('address = "127.0.0.1"', 'address = ""'), (Mark.OK, Mark.MISSING)),
        (("directories = [", 'domains = ["x.fr"]\ndirectories = ['), (Mark.OK, Mark.MISSING)),
        (("valid_until = 2099-12-31", "valid_until = 2026-01-02"), (Mark.MISSING, Mark.OPTIONAL)),
    ],
)
def test_a_directory_reached_by_its_number_needs_no_resolver(
    tmp_path: Path, change: tuple[str, str], marks: tuple[Mark, Mark]
) -> None:
    text = CONFIG.format(address="127.0.0.1", host="dc1.x", user="u", ca="").replace(*change, 1)
    settings, w = parse(tmp_path / "hygie.toml", text), load("fr")
    ((mandate, _),) = doctor.mandates(settings, w)
    resolver, said = doctor.resolver(settings, w)
    assert (mandate, resolver) == marks
    assert "dns.resolver" in said
