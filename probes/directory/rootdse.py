"""The rootDSE of a domain controller (MS-ADTS 3.1.1.3.2), read on a bound session."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from probes.directory.connection import Session, refusal
from probes.directory.messages import Scope
from probes.facts.directory import NamingContextRole, RootDse
from probes.facts.entries import Entry, EntryError, decode_entries
from probes.interface import ProbeError, Reason

#: What a domain controller always says, and what it may say.
CERTAIN = (
    "currentTime",
    "defaultNamingContext",
    "rootDomainNamingContext",
    "configurationNamingContext",
    "schemaNamingContext",
    "namingContexts",
)
POSSIBLE = (
    "dnsHostName",
    "domainFunctionality",
    "forestFunctionality",
    "domainControllerFunctionality",
    "supportedControl",
    "supportedCapabilities",
    "tokenGroups",
)
#: systemFlags of the cross reference of a domain: a naming context, of a domain.
CROSS_REFERENCE_DOMAIN = 0x3
#: The capability only a read-only controller has (MS-ADTS 3.1.1.3.4.3.7).
PARTIAL_SECRETS = "1.2.840.113556.1.4.1920"


def read_root_dse(session: Session) -> RootDse:
    """Read the rootDSE; raise ``ProbeError`` when the server is no domain controller or says nonsense."""
    page = session.read(b"", Scope.BASE, CERTAIN + POSSIBLE)
    if page.answer.code:
        raise refusal(page.answer)
    try:
        entry = next(decode_entries(b"".join(page.entries)), None)
        if entry is None or not all(entry.attributes.get(name.lower()) for name in CERTAIN):
            raise ProbeError(Reason.NOT_SPOKEN, "the server does not answer as a domain controller")
        return _fact(entry, session)
    except (EntryError, ValueError) as error:
        raise ProbeError(Reason.MALFORMED, f"rootDSE: {error}") from None


def role_of(dn: str, root: RootDse) -> NamingContextRole:
    """Return what a naming context of this controller holds."""
    roles = {
        root.default_naming_context: NamingContextRole.DOMAIN,
        root.configuration_naming_context: NamingContextRole.CONFIGURATION,
        root.schema_naming_context: NamingContextRole.SCHEMA,
        f"DC=DomainDnsZones,{root.default_naming_context}": NamingContextRole.DOMAIN_DNS,
        f"DC=ForestDnsZones,{root.root_domain_naming_context}": NamingContextRole.FOREST_DNS,
    }
    return {known.lower(): role for known, role in roles.items()}.get(dn.lower(), NamingContextRole.OTHER)


def domain_name(dn: str) -> str:
    """Return the DNS name that the ``DC=`` components of a naming context spell (RFC 2247)."""
    parts = (part.strip().partition("=") for part in dn.split(","))
    return ".".join(value for name, _, value in parts if name.upper() == "DC").lower()


def forest_domains(messages: Iterable[bytes]) -> list[str]:
    """Return the DNS names of the domains that cross references name among entries (MS-ADTS 6.1.1.2.1.1)."""
    found = []
    try:
        for message in messages:
            if b"nETBIOSName" in message:
                for entry in decode_entries(message):
                    flags = next(iter(entry.attributes.get("systemflags", ())), b"")
                    names = entry.attributes.get("ncname", ())
                    if flags.isdigit() and int(flags) & CROSS_REFERENCE_DOMAIN == CROSS_REFERENCE_DOMAIN:
                        found += [domain_name(name.decode(errors="replace")) for name in names]
    except EntryError as error:
        raise ProbeError(Reason.MALFORMED, str(error)) from None
    return found


def _fact(entry: Entry, session: Session) -> RootDse:
    def texts(name: str) -> tuple[str, ...]:
        return tuple(value.decode() for value in entry.attributes.get(name.lower(), ()))

    def level(name: str) -> int | None:
        return int(texts(name)[0]) if texts(name) else None

    domain, root = texts("defaultNamingContext")[0], texts("rootDomainNamingContext")[0]
    return RootDse(
        server=next(iter(texts("dnsHostName")), session.target.host).lower(),
        address=str(session.address),
        transport=session.target.transport.value,
        bind=session.target.bind.value,
        tls_version=session.tls_version,
        forest=domain_name(root),
        domain=domain_name(domain),
        default_naming_context=domain,
        root_domain_naming_context=root,
        configuration_naming_context=texts("configurationNamingContext")[0],
        schema_naming_context=texts("schemaNamingContext")[0],
        naming_contexts=texts("namingContexts"),
        current_time=instant(texts("currentTime")[0]),
        domain_functionality=level("domainFunctionality"),
        forest_functionality=level("forestFunctionality"),
        controller_functionality=level("domainControllerFunctionality"),
        supported_controls=tuple(sorted(texts("supportedControl"))),
        account_sids=tuple(sorted(map(sid_text, entry.attributes.get("tokengroups", ())))),
        read_only=PARTIAL_SECRETS in texts("supportedCapabilities"),
    )


def sid_text(data: bytes) -> str:
    """Return the text of a binary SID (MS-DTYP 2.4.2.2); raise ``ValueError``."""
    if len(data) < 8 or data[0] != 1 or len(data) != 8 + 4 * data[1]:
        raise ValueError("not a SID")
    parts = (int.from_bytes(data[at : at + 4], "little") for at in range(8, len(data), 4))
    return "-".join(("S-1", str(int.from_bytes(data[2:8], "big")), *map(str, parts)))


def instant(text: str) -> datetime:
    """Return a generalized time, to the second; raise ``ValueError``."""
    return datetime.strptime(text.partition(".")[0].rstrip("Z"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
