"""What `hygie doctor` says of a directory: what its account may read, which points stay open, what closes them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from probes.facts.directory_rights import DirectoryRights, ObjectReach
from probes.facts.identifiers import rid
from probes.interface import Asset, AssetKind, Digest, ProbeError, Reason, Sight
from reports.advice import advice
from reports.visible import visible
from reports.words import Words, load
from scanner.catalogue import build_probes, directory_settings, probe_settings
from scanner.clock import utc_now
from scanner.config.load import Settings
from scanner.line import GuardedLine
from scanner.reach import line_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Delegation:
    """What one hidden object leaves open, and the smallest right that shows it; ``points`` is "" for none.

    ``command`` quotes ``{dn}``, ``{parent}`` (of the object) and ``{account}``. Where a secret lies beside what is
    needed, only the descriptor and the class are given.
    """

    what: tuple[str, str]
    points: str
    command: str


#: French, then English. Rights: GR reads, LC lists children, RP reads properties, RC reads the descriptor.
DELEGATIONS = {
    "domain": Delegation(
        what=("la racine du domaine", "the root of the domain"),
        points="tous les points",
        command='dsacls "{dn}" /G "{account}:GR"',
    ),
    "admin-holder": Delegation(
        what=("AdminSDHolder", "AdminSDHolder"),
        points="vuln_permissions_adminsdholder, vuln_privileged_members_perm, vuln_critical_objects",
        command='dsacls "{dn}" /G "{account}:GR"',
    ),
    "pso": Delegation(
        what=("les stratégies de mot de passe affinées (PSO)", "the fine-grained password policies (PSO)"),
        points="vuln_privileged_members_password, vuln_spn_priv, vuln_kerberos_properties_preauth",
        command='dsacls "{dn}" /I:T /G "{account}:GR"',
    ),
    "policies": Delegation(
        what=("les objets des stratégies de groupe", "the objects of group policies"),
        points="vuln_permissions_gpo_priv",
        command='dsacls "{dn}" /I:T /G "{account}:GR"',
    ),
    "deleted": Delegation(
        what=("les objets supprimés", "deleted objects"),
        points="",
        command='dsacls "{dn}" /takeOwnership && dsacls "{dn}" /G "{account}:LCRP"',
    ),
    "pki": Delegation(
        what=("les objets de l'infrastructure de clés", "the objects of the public key infrastructure"),
        points="vuln_adcs_control, vuln_adcs_template_control, vuln_adcs_template_auth_enroll_with_name, "
        "vuln_certificates_vuln",
        command='dsacls "{dn}" /I:T /G "{account}:GR"',
    ),
    "zone": Delegation(
        what=("la zone DNS du domaine", "the DNS zone of the domain"),
        points="vuln_dnszone_bad_prop",
        command='dsacls "{parent}" /I:T /G "{account}:GR"',
    ),
    "kds": Delegation(
        what=("les clés racines KDS (gMSA)", "the KDS root keys (gMSA)"),
        points="vuln_permissions_gmsa_keys",
        command='dsacls "{dn}" /I:T /G "{account}:LCRC" "{account}:RP;objectClass"',
    ),
    "dpapi": Delegation(
        what=("les clés de secours DPAPI du domaine", "the domain's DPAPI backup keys"),
        points="vuln_permissions_dpapi",
        command='dsacls "{parent}" /I:S /G "{account}:LCRC;;secret" "{account}:RP;objectClass;secret"',
    ),
    "dns": Delegation(
        what=("les réglages des serveurs DNS", "the settings of the DNS servers"),
        points="vuln_permissions_msdns",
        command='dsacls "{dn}" /I:T /G "{account}:GR"',
    ),
    "service": Delegation(
        what=("les réglages du service d'annuaire (dSHeuristics)", "the settings of the directory service"),
        points="vuln_dsheuristics_bad",
        command='dsacls "{dn}" /G "{account}:GR"',
    ),
}


class Mark(StrEnum):
    """How a line of the doctor begins; only what is missing keeps a scan from running."""

    OK = "ok"
    PARTIAL = "partial"
    MISSING = "missing"
    #: Not there, and not needed by what is configured.
    OPTIONAL = "optional"


def examine_directories(settings: Settings, w: Words) -> list[tuple[Mark, str]]:
    """Return (mark, line) of every directory of every perimeter that has its password, read as a scan would."""
    found: list[tuple[Mark, str]] = []
    locked = directory_settings(settings, settings.directories).locked
    for perimeter in settings.perimeters.values():
        for name in (name for name in perimeter.directories if name not in locked):
            found += asyncio.run(_examine(settings, perimeter.id, name, w))
    return found


def locked_directories(settings: Settings, w: Words) -> list[tuple[Mark, str]]:
    """Return (mark, line) of every directory whose password is not on this machine: a scan does not try them."""
    locked = directory_settings(settings, settings.directories).locked
    return [_unread(w, name, ProbeError(Reason.MISSING_SECRET, told)) for name, told in locked.items()]


async def _examine(settings: Settings, perimeter: str, name: str, w: Words) -> list[tuple[Mark, str]]:
    mandate = settings.mandates[settings.perimeter_mandates[perimeter]]
    line = GuardedLine(mandate, 2, line_settings(settings), keep=_forgotten, clock=utc_now)
    (probe,) = (p for p in build_probes(probe_settings(settings)) if p.name == DirectoryRights.seen_by)
    controller = Asset(kind=AssetKind.CONTROLLER, name=name, found_by=f"{AssetKind.DIRECTORY.value}:{name}")
    try:
        async for seen in probe.look(controller, line):
            if isinstance(seen, Sight) and isinstance(seen.fact, DirectoryRights):
                return list(told(seen.fact, name, settings.directories[name].user, w.language))
    except ProbeError as error:
        return [_unread(w, name, error)]
    return []


def _unread(w: Words, name: str, error: ProbeError) -> tuple[Mark, str]:
    return Mark.MISSING, w("doctor.directory", name=name, told=w("doctor.unreached", reason=_why(w, error)))


def _why(w: Words, error: ProbeError) -> str:
    reason = error.reason.value
    told = w.reason(reason) + (w("advice.detail", detail=visible(w.detail(error.detail), 300)) if error.detail else "")
    found = advice(w, DirectoryRights.seen_by, reason)
    return told + (w("advice.do", advice=found) if found else "")


def told(rights: DirectoryRights, name: str, account: str, language: str) -> Iterator[tuple[Mark, str]]:
    """Yield (mark, line) of what an account may read."""
    w = load(language)
    server = visible(rights.server, 200)

    def said(text: str) -> str:
        return w("doctor.reached", name=name, server=server, told=text)

    administers = is_administrator(rights)
    who = "administrator" if administers else "who"
    yield Mark.OK, said(w(f"doctor.{who}", account=account, count=len(rights.sids)))
    # what an administrator does not find is not there
    missing = [reach for reach in rights.reaches if is_hidden(reach) and (reach.found or not administers)]
    if not missing:
        yield Mark.OK, said(w("doctor.everything"))
    for reach in missing:
        known = DELEGATIONS[reach.key]
        what = known.what[0 if language == "fr" else 1]
        command = known.command.format(dn=reach.dn, parent=reach.dn.partition(",")[2], account=account)
        points = known.points or w("doctor.no-point")
        yield Mark.PARTIAL, said(w("doctor.hidden", what=what, points=points, command=command))
    if rights.sysvol:
        found = advice(w, "directory-sysvol", rights.sysvol)
        text = w("doctor.sysvol", reason=w.reason(rights.sysvol), advice=found and f"{found[0].upper()}{found[1:]}.")
        yield Mark.PARTIAL, said(text.rstrip())


def is_administrator(rights: DirectoryRights) -> bool:
    """Tell whether the account belongs to Administrators or to the domain's."""
    return any(sid == "S-1-5-32-544" or (sid.startswith("S-1-5-21-") and rid(sid) == 512) for sid in rights.sids)


def is_hidden(reach: ObjectReach) -> bool:
    """Tell whether an object that every domain has did not come, or came without the descriptor its points need.

    A container that shows no child may be empty: only the container itself is proof.
    """
    return not reach.found or (not reach.descriptor and reach.key not in {"deleted", "service"})


def _forgotten(data: bytes) -> Digest:
    return ""
