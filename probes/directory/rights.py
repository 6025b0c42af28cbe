"""The probe of the audit account's own rights: a dozen base searches, before a domain is read."""

from __future__ import annotations

from collections.abc import AsyncIterator

from probes.directory.blocking import blocking
from probes.directory.connection import Session, refusal
from probes.directory.messages import SHOW_DELETED, Scope, control, descriptor_parts
from probes.directory.probe import connected, directory_of, expected
from probes.directory.search import NO_SUCH_OBJECT, OWNER_GROUP_DACL, TOO_BIG
from probes.directory.sysvol import open_sysvol
from probes.directory.target import DirectorySettings, DirectoryTarget
from probes.facts.directory import RootDse
from probes.facts.directory_rights import DirectoryRights, ObjectReach
from probes.facts.entries import EntryError, decode_entries
from probes.interface import Asset, AssetKind, Line, Part, Probe, ProbeError, Reason, Sight, Yield

#: What is looked at, by our word for it: under the domain, or under the configuration.
IN_DOMAIN = {
    "domain": "",
    "admin-holder": "CN=AdminSDHolder,CN=System,",
    "pso": "CN=Password Settings Container,CN=System,",
    "policies": "CN=Policies,CN=System,",
    "deleted": "CN=Deleted Objects,",
    "dpapi": "CN=BCKUPKEY_PREFERRED Secret,CN=System,",
    "dns": "CN=MicrosoftDNS,CN=System,",
}
IN_CONFIGURATION = {
    "pki": "CN=Public Key Services,CN=Services,",
    "kds": "CN=Master Root Keys,CN=Group Key Distribution Service,CN=Services,",
    "service": "CN=Directory Service,CN=Windows NT,CN=Services,",
}
#: Results by which a server hides an object: none such, insufficient rights, and Active Directory's 1 for both.
HIDDEN = frozenset({NO_SUCH_OBJECT, 50})


class DirectoryReach(Probe[DirectorySettings]):
    """Asks for the objects that points depend on, and says which of them came with their descriptors."""

    name = "directory-rights"
    version = "1"
    level = 2
    part = Part.DIRECTORY
    looks_at = frozenset({AssetKind.CONTROLLER})
    Settings = DirectorySettings

    def wants(self, asset: Asset) -> bool:
        """Tell whether it was found through a directory of the configuration."""
        return self.settings.names(directory_of(asset))

    async def look(self, asset: Asset, line: Line) -> AsyncIterator[Yield]:
        """Yield the reach of the account."""
        target = self.settings.target(directory_of(asset))
        async with connected(target, line) as (session, root):
            expected(target, root)
            reaches = []
            for key, dn in _wanted(root).items():
                await line.pace(session.address)
                reaches.append(await blocking(session, target.page_seconds, lambda k=key, d=dn: _reach(session, k, d)))  # type: ignore[misc]
        yield Sight(
            fact=DirectoryRights(
                server=root.server,
                domain=root.domain,
                sids=root.account_sids,
                reaches=tuple(reaches),
                sysvol=await _sysvol(target, line),
            )
        )


async def _sysvol(target: DirectoryTarget, line: Line) -> str:
    try:
        share, _ = await open_sysvol(target, line)
    except ProbeError as error:
        return error.reason.value
    share.abort()
    return ""


def _wanted(root: RootDse) -> dict[str, str]:
    found = {key: start + root.default_naming_context for key, start in IN_DOMAIN.items()}
    found |= {key: start + root.configuration_naming_context for key, start in IN_CONFIGURATION.items()}
    zones = f"DC=DomainDnsZones,{root.default_naming_context}"
    if zones.lower() in {dn.lower() for dn in root.naming_contexts}:  # a controller that holds no zone answers for none
        found["zone"] = f"DC={root.domain},CN=MicrosoftDNS,{zones}"
    return found


def _reach(session: Session, key: str, dn: str) -> ObjectReach:
    controls = [descriptor_parts(OWNER_GROUP_DACL), control(SHOW_DELETED, critical=False)]
    base = session.read(dn.encode(), Scope.BASE, ["objectClass", "nTSecurityDescriptor"], controls)
    if base.answer.code and base.answer.code not in HIDDEN:
        raise refusal(base.answer)
    children = 0
    if key in {"pso", "kds", "deleted"}:
        below = session.read(dn.encode(), Scope.ONE, ["1.1"], controls)
        if below.answer.code and below.answer.code not in HIDDEN | TOO_BIG:
            raise refusal(below.answer)
        children = len(below.entries)
    try:
        entry = next(decode_entries(b"".join(base.entries)), None)
    except EntryError as error:
        raise ProbeError(Reason.MALFORMED, str(error)) from None
    described = entry is not None and "ntsecuritydescriptor" in entry.attributes
    return ObjectReach(key=key, dn=dn, found=entry is not None, descriptor=described, children=children)
