"""Group policies over a forest made in a few lines: met, not met, undetermined, and near misses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.group_policy import REG_DWORD, RegistryValue, write_preg
from probes.facts.sysvol import SysvolFile, SysvolRead
from probes.interface import Asset, AssetKind, Attempt, Observation, Reason, Status, Vantage
from rules.catalogue import directory_gpo as gpo
from rules.interface import ObjectRef, Outcome, Rule, Verdict
from rules.subject import Record
from rules.views.gpo import GpoView, group_policies
from rules.views.gpo_links import Container, applied, links_of
from tests.lab.descriptors import ace, descriptor
from tests.lab.healthy import CONTROLLERS, CONTROLLERS_POLICY, DOMAIN_POLICY, SITE, USER
from tests.lab.healthy import healthy as forest
from tests.lab.synthetic import BASE, CONFIG, DOMAIN, NOW, World, sid

MET, NOT_MET, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.UNDETERMINED
FULL, READ, MODIFY = 0x1F01FF, 0x1200A9, 0x1301BF
ON_DOMAIN, ON_CONTROLLERS = (dn.partition(",")[0][3:].lower() for dn in (DOMAIN_POLICY, CONTROLLERS_POLICY))
USUAL = (ace("S-1-5-18", FULL), ace(sid(512), FULL), ace("S-1-5-11", READ))
TEMPLATE = "MACHINE/Microsoft/Windows NT/SecEdit/GptTmpl.inf"
LSA, NTDS = "MACHINE\\System\\CurrentControlSet\\Control\\Lsa", "MACHINE\\System\\CurrentControlSet\\Services\\NTDS"
SIGNING = "MACHINE\\System\\CurrentControlSet\\Services\\LanManServer\\Parameters\\RequireSecuritySignature"


APPLY = "edacfd8f-ffb3-11d1-b41d-00a0c968f939"


def allowed(world: World) -> World:
    """Let every account apply both policies, as in a fresh domain."""
    for dn in (DOMAIN_POLICY, CONTROLLERS_POLICY):
        world.allow(dn, "S-1-5-11", 0x100, APPLY)
    return world


def healthy() -> World:
    return allowed(forest())


@dataclass(slots=True)
class Files:
    """A SYSVOL under construction: contents, DACLs and what went wrong, by path under the domain's folder."""

    contents: dict[str, bytes] = field(default_factory=dict)
    dacls: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    secrets: dict[str, int] = field(default_factory=dict)
    unread: dict[str, str] = field(default_factory=dict)
    cut: str = ""

    def put(self, guid: str, path: str, content: str | bytes, *, secrets: int = 0) -> Files:
        where = f"Policies/{guid.upper()}/{path}"
        self.contents[where] = content.encode() if isinstance(content, str) else content
        self.secrets[where] = secrets
        return self

    def script(self, name: str, *aces: bytes) -> Files:
        self.contents[f"scripts/{name}"] = b""
        self.dacls[f"scripts/{name}"] = (*USUAL, *aces)
        return self

    def allow(self, guid: str, who: str, mask: int) -> Files:
        self.dacls[f"Policies/{guid.upper()}/GPT.INI"] = (*USUAL, ace(who, mask))
        return self

    def denied(self, guid: str, path: str) -> Files:
        self.put(guid, path, b"")
        self.unread[f"Policies/{guid.upper()}/{path}"] = "denied"
        return self


def files(*guids: str) -> Files:
    """The files of a fresh domain."""
    found = Files()
    for guid in guids or (ON_DOMAIN, ON_CONTROLLERS):
        found.put(guid, "GPT.INI", "[General]\r\nVersion=1\r\n")
    return found


def template(access: Mapping[str, str] | None = None, registry: Mapping[str, int] | None = None) -> str:
    lines = ["[System Access]", *(f"{k} = {v}" for k, v in (access or {}).items())]
    lines += ["[Registry Values]", *(f"{k}=4,{v}" for k, v in (registry or {}).items())]
    return "\r\n".join(lines)


def record(world: World, sysvol: Files | None, reason: Reason | None = None) -> Record:
    seen = world.record()
    if sysvol is None:
        probe, at = "directory-sysvol@1", NOW
        tried = Attempt(probe=probe, asset="directory:ad", status=Status.FAILED, reason=reason or Reason.NONE,
                        started_at=at, ended_at=at)  # fmt: skip
        return replace(seen, attempts=(tried,) if reason else ())
    captures = {hashlib.sha256(data).hexdigest(): data for data in sysvol.contents.values()}
    written = {path: descriptor(sid(512), sysvol.dacls.get(path, USUAL)).hex() for path in sysvol.contents}
    distinct = sorted(set(written.values()))
    fact = SysvolRead(
        domain=DOMAIN, server="dc1", address="192.0.2.1", dialect="3.1.1", signed=True, encrypted=True,
        files=tuple(
            SysvolFile(
                path=path, folder=False, size=len(data), secrets=sysvol.secrets.get(path, 0),
                descriptor=-1 if path in sysvol.unread else distinct.index(written[path]),
                content="" if path in sysvol.unread else hashlib.sha256(data).hexdigest(),
                unread=sysvol.unread.get(path, ""),
            )
            for path, data in sysvol.contents.items()
        ),
        descriptors=tuple(distinct), requests=1, bytes_read=1, seconds=1.0, complete=not sysvol.cut, cut=sysvol.cut,
    )  # fmt: skip
    observation = Observation(
        id="sysvol", asset=Asset(kind=AssetKind.AD_DOMAIN, name=DOMAIN), fact=fact, seen_at=NOW,
        probe="directory-sysvol@1", vantage=Vantage.INSIDE, captures=tuple(captures),
    )  # fmt: skip
    known = seen.read_capture
    return replace(
        seen,
        observations=(*seen.observations, observation),
        read_capture=lambda digest: captures[digest] if digest in captures else known(digest),
    )


def judged(rule: Rule, world: World, sysvol: Files | None, reason: Reason | None = None) -> Verdict:
    (view,) = group_policies.build(record(world, sysvol, reason))
    assert isinstance(view, GpoView)
    verdict = rule.judge(view)
    assert isinstance(verdict, Verdict)
    return verdict


GROUPS = '<Groups><User><Properties userName="admin-local" cpassword="***"/></User></Groups>'
LOGON, STARTUP = "USER/Scripts/scripts.ini", "MACHINE/Scripts/scripts.ini"
WEAK = template({"ClearTextPassword": "1"})


def on_controllers(registry: Mapping[str, int], **more: Mapping[str, int]) -> Files:
    found = files().put(ON_CONTROLLERS, TEMPLATE, template(registry=registry))
    for name, values in more.items():
        found.put({"domain": ON_DOMAIN}[name], TEMPLATE, template(registry=values))
    return found


def rights(guid: str, line: str) -> Files:
    return files().put(guid, TEMPLATE, f"[Privilege Rights]\r\n{line}\r\n")


def cut(sysvol: Files) -> Files:
    sysvol.cut = "connection-lost"
    return sysvol


def unlinked(world: World) -> World:
    return world.put(BASE, gPLink=f"[LDAP://{DOMAIN_POLICY};1]")


def lost_link(world: World) -> World:
    gone = DOMAIN_POLICY.replace("31B2F340", "DEADBEEF")
    return world.put(f"OU=Médecins,{BASE}", gPLink=f"[LDAP://{gone};0]")


def scripted(world: World, path: str) -> World:
    return world.put(USER, scriptPath=path)


def filtered(world: World, *aces: bytes) -> World:
    """Let only some apply the controllers' policy."""
    return world.secured(CONTROLLERS_POLICY, aces=list(aces))


def on_site(world: World, site: str) -> World:
    """Link the controllers' policy on a site instead of their unit."""
    link = f"[LDAP://{CONTROLLERS_POLICY};0]"
    return world.put(CONTROLLERS, gPLink=None).put(site, gPLink=link)


CASES: list[tuple[str, Rule, World, Files | None, Outcome]] = [
    ("fresh", gpo.gpo_spreads_no_password, healthy(), files(), MET),
    ("a password", gpo.gpo_spreads_no_password, healthy(),
     files().put(ON_DOMAIN, "MACHINE/Preferences/Groups/Groups.xml", GROUPS, secrets=1), NOT_MET),
    ("an empty one", gpo.gpo_spreads_no_password, healthy(),
     files().put(ON_DOMAIN, "MACHINE/Preferences/Groups/Groups.xml", GROUPS.replace("***", "")), MET),
    ("in an orphan folder", gpo.gpo_spreads_no_password, healthy(),
     files().put("{deadbeef-016d-11d2-945f-00c04fb984f9}", "MACHINE/x/Groups.xml", GROUPS, secrets=1), NOT_MET),
    ("a refused file", gpo.gpo_spreads_no_password, healthy(), files().denied(ON_DOMAIN, "USER/Groups.xml"),
     UNDETERMINED),
    ("a refused file beside a found one", gpo.gpo_spreads_no_password, healthy(),
     files().denied(ON_DOMAIN, "USER/Drives.xml").put(ON_DOMAIN, "MACHINE/Groups.xml", GROUPS, secrets=1), NOT_MET),
    ("not read", gpo.gpo_spreads_no_password, healthy(), None, UNDETERMINED),
    ("cut", gpo.gpo_spreads_no_password, healthy(), cut(files()), UNDETERMINED),
    ("links are good", gpo.gpo_links_lead_to_policies, healthy(), files(), MET),
    ("a policy is gone", gpo.gpo_links_lead_to_policies, lost_link(healthy()), files(), NOT_MET),
    ("a policy is gone, files unread", gpo.gpo_links_lead_to_policies, lost_link(healthy()), None, NOT_MET),
    ("a policy of another domain", gpo.gpo_links_lead_to_policies,
     healthy().put(f"OU=Médecins,{BASE}", gPLink="[LDAP://cn={DEADBEEF-016D-11D2-945F-00C04FB984F9},cn=policies,"
                   "cn=system,DC=autre,DC=test;0]"), files(), MET),
    ("a folder is gone", gpo.gpo_links_lead_to_policies, healthy(), files(ON_DOMAIN), NOT_MET),
    ("a folder is gone, its link is off", gpo.gpo_links_lead_to_policies, unlinked(healthy()), files(ON_CONTROLLERS),
     MET),
    ("nothing read", gpo.gpo_links_lead_to_policies, healthy(), None, UNDETERMINED),
    ("owners' rights", gpo.privileged_gpo_files_protected, healthy(), files(), MET),
    ("a user writes", gpo.privileged_gpo_files_protected, healthy(), files().allow(ON_CONTROLLERS, sid(1104), MODIFY),
     NOT_MET),
    ("a user reads", gpo.privileged_gpo_files_protected, healthy(), files().allow(ON_CONTROLLERS, sid(1104), READ),
     MET),
    ("everybody writes", gpo.privileged_gpo_files_protected, healthy(),
     files().allow(ON_DOMAIN, "S-1-1-0", 0x40000000), NOT_MET),
    ("an administrator writes", gpo.privileged_gpo_files_protected, healthy(),
     files().allow(ON_DOMAIN, sid(1105), FULL), MET),
    ("a policy of nobody", gpo.privileged_gpo_files_protected, unlinked(healthy()),
     files().allow(ON_DOMAIN, sid(1104), FULL), MET),
    ("a descriptor unread", gpo.privileged_gpo_files_protected, healthy(), files().denied(ON_DOMAIN, "x"),
     UNDETERMINED),
    ("files", gpo.gpo_files_protected, healthy(), files(), MET),
    ("files a user writes", gpo.gpo_files_protected, healthy(), files().allow(ON_DOMAIN, sid(1104), 0x2), NOT_MET),
    ("files of an unlinked one", gpo.gpo_files_protected, unlinked(healthy()),
     files().allow(ON_DOMAIN, sid(1104), 0x2), MET),
    ("files not read", gpo.gpo_files_protected, healthy(), None, UNDETERMINED),
    ("scripts", gpo.logon_scripts_protected, healthy(), files().script("a.bat"), MET),
    ("a writable script", gpo.logon_scripts_protected, healthy(),
     files().script("a.bat", ace("S-1-5-11", MODIFY)), NOT_MET),
    ("a writable note", gpo.logon_scripts_protected, healthy(), files().script("a.txt", ace("S-1-5-11", MODIFY)), MET),
    ("scripts not read", gpo.logon_scripts_protected, healthy(), None, UNDETERMINED),
    ("no script", gpo.scripts_stay_in_sysvol, healthy(), files(), MET),
    ("a relative script", gpo.scripts_stay_in_sysvol, scripted(healthy(), "ouverture.bat"),
     files().put(ON_DOMAIN, LOGON, "[Logon]\n0CmdLine=ouverture.bat\n0Parameters=***\n"), MET),
    ("in netlogon", gpo.scripts_stay_in_sysvol, scripted(healthy(), rf"\\{DOMAIN}\NETLOGON\a.bat"), files(), MET),
    ("on a controller", gpo.scripts_stay_in_sysvol, healthy(),
     files().put(ON_DOMAIN, STARTUP, f"[Startup]\n0CmdLine=\\\\DC1.{DOMAIN}\\SysVol\\a.ps1\n"), MET),
    ("on a file server", gpo.scripts_stay_in_sysvol, healthy(),
     files().put(ON_DOMAIN, STARTUP, "[Startup]\n0CmdLine=\\\\nas\\outils\\a.ps1\n"), NOT_MET),
    ("of an account, on a file server", gpo.scripts_stay_in_sysvol, scripted(healthy(), r"\\nas\x\a.bat"), None,
     NOT_MET),
    ("on another share of a controller", gpo.scripts_stay_in_sysvol, scripted(healthy(), r"\\dc1\d$\a.bat"), files(),
     NOT_MET),
    ("scripts unread", gpo.scripts_stay_in_sysvol, healthy(), None, UNDETERMINED),
    ("NTLMv2 only", gpo.controllers_refuse_lm_and_ntlmv1, healthy(),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), MET),
    ("NTLMv1 accepted", gpo.controllers_refuse_lm_and_ntlmv1, healthy(),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 3}), NOT_MET),
    ("unset", gpo.controllers_refuse_lm_and_ntlmv1, healthy(), files(), NOT_MET),
    ("unset, unread", gpo.controllers_refuse_lm_and_ntlmv1, healthy(), None, UNDETERMINED),
    ("the nearest wins", gpo.controllers_refuse_lm_and_ntlmv1, healthy(),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 3}, domain={f"{LSA}\\LmCompatibilityLevel": 5}), NOT_MET),
    ("the enforced wins", gpo.controllers_refuse_lm_and_ntlmv1,
     healthy().put(BASE, gPLink=f"[LDAP://{DOMAIN_POLICY};2]"),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 3}, domain={f"{LSA}\\LmCompatibilityLevel": 5}), MET),
    ("blocked", gpo.controllers_refuse_lm_and_ntlmv1, healthy().put(CONTROLLERS, gPOptions=1),
     files().put(ON_DOMAIN, TEMPLATE, template(registry={f"{LSA}\\LmCompatibilityLevel": 5})), NOT_MET),
    ("in Registry.pol", gpo.controllers_refuse_lm_and_ntlmv1, healthy(),
     files().put(ON_CONTROLLERS, "MACHINE/Registry.pol", write_preg([RegistryValue(
         name="system\\currentcontrolset\\control\\lsa\\lmcompatibilitylevel", type=REG_DWORD, data=b"\5\0\0\0")])),
     MET),
    ("a broken Registry.pol", gpo.controllers_refuse_lm_and_ntlmv1, healthy(),
     files().put(ON_CONTROLLERS, "MACHINE/Registry.pol", b"PReg\1\0\0\0[\0"), UNDETERMINED),
    ("computers off", gpo.controllers_refuse_lm_and_ntlmv1, healthy().put(CONTROLLERS_POLICY, flags=2),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), NOT_MET),
    ("not for controllers", gpo.controllers_refuse_lm_and_ntlmv1, filtered(healthy(), ace(sid(515), 0x100, APPLY)),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), NOT_MET),
    ("for all but controllers", gpo.controllers_refuse_lm_and_ntlmv1,
     filtered(healthy(), ace("S-1-5-11", 0x100, APPLY), ace(sid(516), 0x100, APPLY, deny=True)),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), NOT_MET),
    ("for controllers by their group", gpo.controllers_refuse_lm_and_ntlmv1,
     filtered(healthy(), ace(sid(516), 0x100, APPLY)), on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), MET),
    ("linked on the controller's site", gpo.controllers_refuse_lm_and_ntlmv1, on_site(healthy(), SITE),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), MET),
    ("linked on another site", gpo.controllers_refuse_lm_and_ntlmv1,
     on_site(healthy().add(f"CN=Lyon,CN=Sites,{CONFIG}", "site"), f"CN=Lyon,CN=Sites,{CONFIG}"),
     on_controllers({f"{LSA}\\LmCompatibilityLevel": 5}), NOT_MET),
    ("SMB signed", gpo.controllers_require_smb_signing, healthy(), on_controllers({SIGNING: 1}), MET),
    ("SMB unsigned", gpo.controllers_require_smb_signing, healthy(), on_controllers({SIGNING: 0}), NOT_MET),
    ("LDAP signed", gpo.controllers_require_ldap_signing, healthy(),
     on_controllers({f"{NTDS}\\Parameters\\LDAPServerIntegrity": 2}), MET),
    ("LDAP negotiated", gpo.controllers_require_ldap_signing, healthy(),
     on_controllers({f"{NTDS}\\Parameters\\LDAPServerIntegrity": 1}), NOT_MET),
    ("anonymous out", gpo.gpo_keeps_anonymous_out, healthy(), on_controllers({f"{LSA}\\RestrictAnonymousSAM": 1}), MET),
    ("anonymous in", gpo.gpo_keeps_anonymous_out, healthy(),
     on_controllers({f"{LSA}\\RestrictAnonymousSAM": 0}), NOT_MET),
    ("anonymous names", gpo.gpo_keeps_anonymous_out, healthy(),
     files().put(ON_DOMAIN, TEMPLATE, template({"LSAAnonymousNameLookup": "1"})), NOT_MET),
    ("anonymous unread", gpo.gpo_keeps_anonymous_out, healthy(), None, UNDETERMINED),
    ("powers of administrators", gpo.gpo_grants_no_power_to_everybody, healthy(),
     rights(ON_DOMAIN, "SeDebugPrivilege = *S-1-5-32-544,CHU\\sauvegarde"), MET),
    ("powers of everybody", gpo.gpo_grants_no_power_to_everybody, healthy(),
     rights(ON_DOMAIN, "SeDebugPrivilege = *S-1-5-32-544, *S-1-1-0"), NOT_MET),
    ("powers of the domain's users", gpo.gpo_grants_no_power_to_everybody, healthy(),
     rights(ON_DOMAIN, f"SeRestorePrivilege = *{sid(513)}"), NOT_MET),
    ("a harmless right of everybody", gpo.gpo_grants_no_power_to_everybody, healthy(),
     rights(ON_DOMAIN, "SeChangeNotifyPrivilege = *S-1-1-0"), MET),
    ("powers unread", gpo.gpo_grants_no_power_to_everybody, healthy(), None, UNDETERMINED),
    ("sessions of administrators", gpo.controllers_closed_to_ordinary_logon, healthy(),
     rights(ON_CONTROLLERS, "SeInteractiveLogonRight = *S-1-5-32-544"), MET),
    ("sessions of users", gpo.controllers_closed_to_ordinary_logon, healthy(),
     rights(ON_CONTROLLERS, f"SeRemoteInteractiveLogonRight = *{sid(513)}"), NOT_MET),
    ("sessions of users, overruled", gpo.controllers_closed_to_ordinary_logon, healthy(),
     rights(ON_CONTROLLERS, "SeInteractiveLogonRight = *S-1-5-32-544").put(
         ON_DOMAIN, TEMPLATE, "[Privilege Rights]\nSeInteractiveLogonRight = *S-1-5-11\n"), MET),
    ("sessions unread", gpo.controllers_closed_to_ordinary_logon, healthy(), None, UNDETERMINED),
    ("no weak secret", gpo.gpo_keeps_no_weak_secret, healthy(), files(), MET),
    ("reversible", gpo.gpo_keeps_no_weak_secret, healthy(), files().put(ON_DOMAIN, TEMPLATE, WEAK), NOT_MET),
    ("reversible, unlinked", gpo.gpo_keeps_no_weak_secret, unlinked(healthy()),
     files().put(ON_DOMAIN, TEMPLATE, WEAK), MET),
    ("LM hashes", gpo.gpo_keeps_no_weak_secret, healthy(), on_controllers({f"{LSA}\\NoLMHash": 0}), NOT_MET),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "world", "sysvol", "outcome"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_a_policy_is_judged(rule: Rule, world: World, sysvol: Files | None, outcome: Outcome) -> None:
    assert judged(rule, world, sysvol).outcome is outcome


def test_an_undetermined_rule_says_why_the_files_are_missing() -> None:
    assert judged(gpo.gpo_spreads_no_password, healthy(), None).reason == "sysvol-not-read"
    assert judged(gpo.gpo_spreads_no_password, healthy(), None, Reason.REFUSED).reason == "sysvol:refused"
    assert judged(gpo.gpo_spreads_no_password, healthy(), cut(files())).reason == "sysvol:connection-lost"


def test_a_finding_names_the_policy_the_account_and_the_writer() -> None:
    spread = files().put(ON_DOMAIN, "MACHINE/Groups.xml", GROUPS, secrets=1)
    (one,) = judged(gpo.gpo_spreads_no_password, healthy(), spread).objects
    assert (one.name, one.dn) == ("Stratégie : admin-local", DOMAIN_POLICY)
    powers = rights(ON_DOMAIN, f"SeDebugPrivilege = *S-1-1-0,*{sid(513)}")
    (power,) = judged(gpo.gpo_grants_no_power_to_everybody, healthy(), powers).objects
    assert power.name == "Stratégie : sedebugprivilege → Everyone, Utilisateurs du domaine"
    writable = files().allow(ON_DOMAIN, sid(1104), MODIFY)
    (writer,) = judged(gpo.gpo_files_protected, healthy(), writable).objects
    assert (writer.id, writer.name) == (sid(1104), "Hélène → Stratégie")


def container(dn: str, links: str, *, blocks: bool = False) -> tuple[str, Container]:
    ref = ObjectRef(id=dn, name=dn, dn=dn)
    return dn.lower(), Container(ref=ref, links=links_of(links), blocks=blocks)


def link(name: str, options: int = 0) -> str:
    return f"[LDAP://CN={name},DC=x;{options}]"


@pytest.mark.parametrize(
    ("top", "middle", "blocks", "order"),
    [
        (link("a") + link("b"), link("c"), False, "abc"),
        (link("a") + link("b"), link("c"), True, "c"),
        (link("a", 2) + link("b"), link("c"), True, "ca"),
        (link("a", 2), link("b", 2) + link("c"), False, "cba"),
        (link("a", 1) + link("b"), link("c", 3), False, "b"),
        ("", "", False, ""),
    ],
)
def test_links_apply_in_the_order_of_the_protocol(top: str, middle: str, blocks: bool, order: str) -> None:
    known = dict(
        [container("DC=x", top), container("OU=m,DC=x", middle, blocks=blocks), container("OU=o,DC=x", link("z"))]
    )
    found = applied("CN=Dupont\\, Élodie,OU=m,DC=x", known)
    assert "".join(one.policy[3] for one in found) == order


@given(st.text(max_size=200))
def test_any_text_is_links_or_nothing(text: str) -> None:
    assert all(one.policy == one.policy.lower() for one in links_of(text))


def test_two_views_of_one_record_are_equal_in_what_they_say() -> None:
    rules: list[Callable[..., Verdict]] = [case[1].judge for case in CASES]
    (one,) = group_policies.build(record(healthy(), files()))
    (two,) = group_policies.build(record(healthy(), files()))
    assert [rule(one) for rule in rules] == [rule(two) for rule in rules]
