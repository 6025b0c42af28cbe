"""Group policies: passwords they spread, where they lead, who may change their files, what they set on controllers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from probes.facts.identifiers import rid
from probes.facts.sysvol import SysvolFile
from probes.interface import Part
from rules.interface import ObjectRef, Verdict, met, not_met, rule, undetermined
from rules.views.gpo import GpoView, Policy, Setting
from rules.views.objects import Account

DIRECTORY = Part.DIRECTORY
_LSA, _SERVICES = "system\\currentcontrolset\\control\\lsa\\", "system\\currentcontrolset\\services\\"
#: A command or path on a server: ``\\server\share\...``.
_SERVER = re.compile(r"\\\\([^\\\s\"]{1,255})\\([^\\\s\"]{1,255})")
#: Everyone, anonymous, Authenticated Users, Users, Guests; users, guests and computers of a domain.
_EVERYBODY = frozenset({"S-1-1-0", "S-1-5-7", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546"})
_WIDE_RIDS = frozenset({513, 514, 515})
#: User rights by which whoever holds them takes a computer over (MS-LSAD 3.1.1.2.1).
_POWERS = frozenset(
    {"setcbprivilege", "secreatetokenprivilege", "sedebugprivilege", "seloaddriverprivilege", "sebackupprivilege",
     "serestoreprivilege", "setakeownershipprivilege", "seenabledelegationprivilege", "seassignprimarytokenprivilege",
     "seimpersonateprivilege", "sesecurityprivilege", "setrustedcredmanaccessprivilege"}
)  # fmt: skip
#: Files that run when opened, which a script may call.
_RUNS = (".bat", ".cmd", ".ps1", ".vbs", ".vbe", ".js", ".jse", ".wsf", ".hta", ".kix", ".exe", ".msi", ".reg")


def _files_missing(seen: GpoView) -> Verdict | None:
    """What a rule on files says when they were not all read."""
    if seen.sysvol is None:
        return undetermined(f"sysvol:{seen.why}" if seen.why != "sysvol-not-read" else seen.why)
    return None if seen.sysvol.complete else undetermined(f"sysvol:{seen.sysvol.cut}")


def _found(seen: GpoView, objects: list[ObjectRef], unread: bool = False) -> Verdict:
    """Not met with the objects; without any, met only when nothing that could hold one was missed."""
    if objects:
        return not_met(*objects, count=len(objects), first=objects[0].name)
    missing = _files_missing(seen)
    if missing is not None:
        return missing
    if not seen.table.complete:
        return undetermined("collection-cut")
    return undetermined("file-not-readable") if unread else met()


@rule("gpo-spreads-no-password", reads=GpoView, part=DIRECTORY)
def gpo_spreads_no_password(seen: GpoView) -> Verdict:
    """No group policy preference holds a password (MS14-025: its key is public)."""
    found = [
        ObjectRef(id=f"{policy.guid}/{path}/{account}", name=f"{policy.ref.name} : {account or path}", dn=policy.ref.dn)
        for policy in seen.policies.values()
        for path, account in policy.passwords()
    ]
    known = {file.path for policy in seen.policies.values() for file in policy.files.values()}
    found += [
        ObjectRef(id=file.path, name=file.path)
        for file in (seen.sysvol.files if seen.sysvol else ())
        if file.secrets and file.path not in known
    ]
    unread = any(
        f.unread and f.path.lower().endswith((".xml", "/*")) for f in (seen.sysvol.files if seen.sysvol else ())
    )
    return _found(seen, found, unread)


@rule("gpo-links-lead-to-policies", reads=GpoView, part=DIRECTORY)
def gpo_links_lead_to_policies(seen: GpoView) -> Verdict:
    """Every link of the domain leads to a policy that exists, with its folder in SYSVOL."""
    home = seen.table.fact.dn.lower()
    lost = []
    for container in seen.containers.values():
        for link in container.links:
            policy = seen.policies.get(link.guid)
            if policy is None and link.policy.endswith(f"cn=policies,cn=system,{home}"):
                name = f"{container.ref.name} → {link.guid or link.policy}"
                lost.append(ObjectRef(id=f"{container.ref.id}/{link.guid}", name=name, dn=container.ref.dn))
    if seen.sysvol is not None and seen.sysvol.complete:
        lost += [policy.ref for guid, policy in seen.policies.items() if guid in seen.linked and not policy.files]
    if lost:
        return not_met(*lost, count=len(lost), first=lost[0].name)
    return met(policies=len(seen.policies)) if seen.whole else _files_missing(seen) or undetermined("collection-cut")


def _writable(seen: GpoView, files: Iterator[tuple[str, SysvolFile]]) -> tuple[list[ObjectRef], bool]:
    """The principals that may change files without being privileged, and whether some rights were not read."""
    held: dict[str, tuple[ObjectRef, list[str]]] = {}
    unread = False
    for where, file in files:
        writers = seen.writers(file)
        unread |= writers is None
        for one in writers or ():
            held.setdefault(one.id, (one, []))[1].append(where)
    told = []
    for one, places in held.values():
        more = f" +{len(set(places)) - 1}" if len(set(places)) > 1 else ""
        told.append(ObjectRef(id=one.id, name=f"{one.name} → {places[0]}{more}", dn=one.dn))
    return told, unread


@rule("privileged-gpo-files-protected", reads=GpoView, part=DIRECTORY)
def privileged_gpo_files_protected(seen: GpoView) -> Verdict:
    """Only privileged principals may change the files of policies that apply to privileged accounts and controllers."""
    wanted = seen.over_privileged()
    files = (
        (policy.ref.name, file)
        for guid, policy in seen.policies.items()
        if guid in wanted
        for file in policy.files.values()
    )
    return _found(seen, *_writable(seen, files))


@rule("gpo-files-protected", reads=GpoView, part=DIRECTORY)
def gpo_files_protected(seen: GpoView) -> Verdict:
    """Only privileged principals may change the files of the policies in use."""
    linked = seen.linked
    files = (
        (policy.ref.name, file)
        for guid, policy in seen.policies.items()
        if guid in linked
        for file in policy.files.values()
    )
    return _found(seen, *_writable(seen, files))


@rule("logon-scripts-protected", reads=GpoView, part=DIRECTORY)
def logon_scripts_protected(seen: GpoView) -> Verdict:
    """Only privileged principals may change the scripts that SYSVOL serves."""
    files = (
        (file.path, file)
        for file in (seen.sysvol.files if seen.sysvol else ())
        if file.path.lower().startswith("scripts") and (file.folder or file.path.lower().endswith(_RUNS))
    )
    return _found(seen, *_writable(seen, files))


@rule("scripts-stay-in-sysvol", reads=GpoView, part=DIRECTORY)
def scripts_stay_in_sysvol(seen: GpoView) -> Verdict:
    """Every script that policies or accounts run lies in SYSVOL, which controllers protect."""
    ours = _controllers(seen)
    found = [
        ObjectRef(id=f"{policy.guid}/{command}", name=f"{policy.ref.name} : {command[:200]}", dn=policy.ref.dn)
        for policy in seen.policies.values()
        for command in policy.scripts()
        if _elsewhere(command, ours)
    ]
    found += [
        ObjectRef(id=account.sid, name=f"{account.name} : {path[:200]}", dn=account.dn)
        for account in seen.table.accounts
        if account.enabled and (path := _script(account)) and _elsewhere(path, ours)
    ]
    return _found(seen, found, any(policy.unread for policy in seen.policies.values()))


def _script(account: Account) -> str:
    return next(iter(account.rare.get("scriptpath", ())), b"").decode("utf-8", "replace")


def _controllers(seen: GpoView) -> frozenset[str]:
    """The names by which the domain's controllers, or the domain itself, serve SYSVOL."""
    domain = seen.table.fact.domain
    names = [account.name.lower().rstrip("$") for account in seen.table.accounts if account.controller]
    return frozenset({domain, domain.partition(".")[0], *names, *(f"{name}.{domain}" for name in names)})


def _elsewhere(command: str, ours: frozenset[str]) -> bool:
    """Tell whether a command runs from another server than the domain's controllers, or another share of theirs."""
    return any(
        server.lower() not in ours or share.lower() not in {"sysvol", "netlogon"}
        for server, share in _SERVER.findall(command[:4096])
    )


def _on_controllers(seen: GpoView, name: str, good: Callable[[int], bool]) -> Verdict:
    """Whether the policy that wins on each controller sets a number rightly; unset counts as not set rightly."""
    settings = seen.on_controllers(name)
    for setting in settings:
        number = _number(setting)
        if setting is not None and number is not None and not good(number):
            return not_met(setting.policy, value=setting.value, policy=setting.policy.name)
    missing = _files_missing(seen)
    if missing is not None or any(policy.unread for policy in seen.policies.values()):
        return missing or undetermined("file-not-readable")
    if not settings:
        return undetermined("object-not-readable")
    if not seen.table.complete:
        return undetermined("collection-cut")
    told = [setting for setting in settings if setting is not None and _number(setting) is not None]
    if len(told) < len(settings):
        return not_met(value="-", policy="-")
    return met(value=told[0].value, policy=told[0].policy.name)


def _number(setting: Setting | None) -> int | None:
    return int(setting.value) if setting and re.fullmatch(r"\d{1,10}", setting.value) else None


@rule("controllers-refuse-lm-and-ntlmv1", reads=GpoView, part=DIRECTORY)
def controllers_refuse_lm_and_ntlmv1(seen: GpoView, *, least: int = 5) -> Verdict:
    """A policy makes domain controllers refuse LM and NTLMv1 (LmCompatibilityLevel 5)."""
    return _on_controllers(seen, f"{_LSA}lmcompatibilitylevel", lambda number: number >= least)


@rule("controllers-require-smb-signing", reads=GpoView, part=DIRECTORY)
def controllers_require_smb_signing(seen: GpoView) -> Verdict:
    """A policy makes domain controllers require signed SMB."""
    name = f"{_SERVICES}lanmanserver\\parameters\\requiresecuritysignature"
    return _on_controllers(seen, name, lambda number: number == 1)


@rule("controllers-require-ldap-signing", reads=GpoView, part=DIRECTORY)
def controllers_require_ldap_signing(seen: GpoView) -> Verdict:
    """A policy makes domain controllers require signed LDAP."""
    return _on_controllers(seen, f"{_SERVICES}ntds\\parameters\\ldapserverintegrity", lambda number: number == 2)


def _policies_at_fault(seen: GpoView, fault: Callable[[Policy], bool]) -> Verdict:
    found = [p.ref for guid, p in seen.policies.items() if guid in seen.linked and p.for_computers and fault(p)]
    return _found(seen, found, any(policy.unread for policy in seen.policies.values()))


@rule("gpo-keeps-anonymous-out", reads=GpoView, part=DIRECTORY)
def gpo_keeps_anonymous_out(seen: GpoView) -> Verdict:
    """No policy in use opens enumeration or names to anonymous connections."""

    def opens(policy: Policy) -> bool:
        access = policy.template.get("system access", {})
        return (
            policy.registry.get(f"{_LSA}restrictanonymoussam") == "0"
            or policy.registry.get(f"{_LSA}everyoneincludesanonymous") == "1"
            or access.get("lsaanonymousnamelookup") == "1"
        )

    return _policies_at_fault(seen, opens)


@rule("gpo-keeps-no-weak-secret", reads=GpoView, part=DIRECTORY)
def gpo_keeps_no_weak_secret(seen: GpoView) -> Verdict:
    """No policy in use keeps LM hashes or reversible passwords."""

    def keeps(policy: Policy) -> bool:
        return (
            policy.registry.get(f"{_LSA}nolmhash") == "0"
            or policy.template.get("system access", {}).get("cleartextpassword") == "1"
        )

    return _policies_at_fault(seen, keeps)


def _wide(holders: str) -> list[str]:
    """The principals among a right's holders that stand for everybody; accounts given by name are nobody's group."""
    sids = [part.strip().lstrip("*") for part in holders.split(",") if part.strip().startswith("*")]
    return [sid for sid in sids if sid in _EVERYBODY or (sid.startswith("S-1-5-21-") and rid(sid) in _WIDE_RIDS)]


def _named(seen: GpoView, sids: list[str]) -> str:
    return ", ".join(seen.control.name(sid).name for sid in sids)


@rule("gpo-grants-no-power-to-everybody", reads=GpoView, part=DIRECTORY)
def gpo_grants_no_power_to_everybody(seen: GpoView) -> Verdict:
    """No policy in use gives everybody a right by which a computer is taken over."""
    found = [
        ObjectRef(id=f"{guid}/{right}", name=f"{policy.ref.name} : {right} → {_named(seen, wide)}", dn=policy.ref.dn)
        for guid, policy in seen.policies.items()
        if guid in seen.linked and policy.for_computers
        for right, holders in policy.rights.items()
        if right in _POWERS and (wide := _wide(holders))
    ]
    return _found(seen, found, any(policy.unread for policy in seen.policies.values()))


@rule("controllers-closed-to-ordinary-logon", reads=GpoView, part=DIRECTORY)
def controllers_closed_to_ordinary_logon(seen: GpoView) -> Verdict:
    """No policy lets everybody log on to domain controllers, at the console or by Remote Desktop."""
    found = [
        ObjectRef(id=f"{setting.policy.id}/{right}", name=f"{setting.policy.name} : {right}", dn=setting.policy.dn)
        for right in ("seinteractivelogonright", "seremoteinteractivelogonright")
        for setting in seen.holders_on_controllers(right)
        if setting is not None and _wide(setting.value)
    ]
    return _found(seen, found, any(policy.unread for policy in seen.policies.values()))
