"""An export of the shape that ORADAD writes, made from entries that a controller sent."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from probes.directory.attributes import asked
from probes.directory.rootdse import sid_text
from probes.facts.directory import NamingContextRole
from probes.facts.entries import Entry

FOLDERS = {
    NamingContextRole.DOMAIN: "domain\\{domain}",
    NamingContextRole.CONFIGURATION: "configuration",
    NamingContextRole.SCHEMA: "schema",
    NamingContextRole.DOMAIN_DNS: "domaindns\\{domain}",
    NamingContextRole.FOREST_DNS: "forestdns",
}
#: Attributes by the type that ORADAD's own schema file gives them; the rest is text.
GUIDS = {"objectguid", "schemaidguid", "attributesecurityguid"}
SIDS = {"objectsid", "sidhistory", "securityidentifier", "ms-ds-creatorsid"}
BYTES = {"ntsecuritydescriptor", "dnsproperty", "cacertificate", "usercertificate", "msds-keycredentiallink",
         "msds-allowedtoactonbehalfofotheridentity", "msds-groupmsamembership", "wellknownobjects",
         "otherwellknownobjects", "ldapipdenylist", "pkiexpirationperiod", "pkioverlapperiod"}  # fmt: skip
COUNTED = {"accountexpires", "lastlogon", "lastlogontimestamp", "lockouttime", "pwdlastset"}
DATES = {"whencreated", "whenchanged"}
FLAGS = {"useraccountcontrol", "grouptype", "systemflags", "searchflags", "trustattributes", "trustdirection",
         "trusttype", "msds-supportedencryptiontypes"}  # fmt: skip
#: What ``top.tsv`` has of every object; every other attribute stands in the table of a class.
TOP = ("objectclass", "ntsecuritydescriptor", "whencreated", "whenchanged", "usnchanged", "systemflags", "revision",
       "name", "objectguid", "isdeleted", "iscriticalsystemobject", "flags", "fsmoroleowner", "displayname",
       "wellknownobjects", "otherwellknownobjects")  # fmt: skip
#: Attributes above the level that ORADAD collects unless told otherwise.
LEFT_OUT = {"adminpropertypages", "contextmenu", "homedirectory", "profilepath", "ldapadminlimits", "ldapipdenylist",
            "msds-oidtogrouplink", "isdefunct", "showinadvancedviewonly", "msds-optionalfeatureguid"}  # fmt: skip
CLASSES = ("root", "user", "computer", "group", "trustedDomain", "ou", "gpo", "class", "other")


def write(folder: Path, contexts: Mapping[NamingContextRole, Sequence[Entry]], *, domain: str, at: datetime) -> Path:
    """Write an export of a forest of one domain and return its folder."""
    run = folder / domain / f"{at:%Y%m%d-%H%M%S}"
    lines = [f"{domain}_{at:%Y%m%d-%H%M%S}"]
    for role, entries in contexts.items():
        place = FOLDERS[role].format(domain=domain)
        lines.append(_table(run, f"{place}\\top.tsv", TOP, entries, top=True))
        rest = sorted({name.lower() for name in asked(role)} - set(TOP) - LEFT_OUT)
        for table in CLASSES:
            mine = [entry for entry in entries if _class(entry) == table]
            lines.append(_table(run, f"{place}\\{table}.tsv", rest, mine))
    (run / "tables.tsv").write_text("\n".join(lines) + "\n")
    (run / "metadata.tsv").write_text(f"forest|rootdns\t{domain}\noradad_processtime\t12\n")
    return run


def add_sysvol(run: Path, domain: str, files: Mapping[str, bytes | None], descriptor: bytes) -> None:
    """Add the table of SYSVOL to an export, and the contents taken; None was not taken."""
    names = ("forest", "domain", "guid", "path", "filename", "archivename", "securitydescriptor", "fileattributes",
             "filesize", "take")  # fmt: skip
    rows = []
    for place, (path, content) in enumerate(files.items()):
        guid = next((part for part in path.split("/") if part.startswith("{")), "")
        name = path.rpartition("/")[2]
        cells = [domain, domain, guid, path.replace("/", "\\"), name, str(9000 + place), descriptor.hex(), "32",
                 str(len(content or b"")), "1" if content is not None else "0"]  # fmt: skip
        rows.append("\t".join(cells) + "\r\n")
        if content is not None:
            taken = run.with_name(f"{run.name}_SYSVOL") / domain / guid / f"{9000 + place}_{name}"
            taken.parent.mkdir(parents=True, exist_ok=True)
            taken.write_bytes(content)
    table = run / "domain" / domain / "sysvol.tsv"
    table.write_bytes(b"\xff\xfe" + "".join(rows).encode("utf-16-le"))
    columns = "\t".join(f"{name}\tnvarchar(9)" for name in names)
    with (run / "tables.tsv").open("a") as tables:
        tables.write(f"domain\\{domain}\\sysvol.tsv\tx\tx\t{len(names)}\t{columns}\n")


def _class(entry: Entry) -> str:
    classes = {one.decode().lower() for one in entry.attributes.get("objectclass", ())}
    if {"domaindns", "domain"} & classes:
        return "root"
    known = {"computer": "computer", "user": "user", "group": "group", "trusteddomain": "trustedDomain",
             "organizationalunit": "ou", "grouppolicycontainer": "gpo", "classschema": "class"}  # fmt: skip
    return next((table for name, table in known.items() if name in classes), "other")


def _table(run: Path, path: str, names: Iterable[str], entries: Iterable[Entry], *, top: bool = False) -> str:
    columns = [("dn", "nvarchar(99)"), *([("shortname", "nvarchar(9)"), ("shortdn", "nvarchar(9)")] if top else [])]
    for name in names:
        columns += [(name, _sql(name))] + ([(f"{name}_int", "int")] if name in FLAGS else [])
    rows = []
    for entry in entries:
        cells = [_clean(entry.dn), *(["x", "x"] if top else [])]
        for name in names:
            cells += [_cell(name, entry.attributes.get(name, ()))]
            cells += [_text(entry.attributes.get(name, ()))] if name in FLAGS else []
        rows.append("\t".join(cells) + "\r\n")
    file = run / path.replace("\\", "/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"\xff\xfe" + "".join(rows).encode("utf-16-le"))
    return "\t".join([path, path.replace("\\", "_"), path, str(len(columns)), *(c for pair in columns for c in pair)])


def _sql(name: str) -> str:
    if name in GUIDS:
        return "uniqueidentifier"
    if name in SIDS | BYTES:
        return "varchar(max)"
    return "datetime2" if name in COUNTED | DATES else "nvarchar(50)"


def _cell(name: str, values: Sequence[bytes]) -> str:
    if not values:
        return ""
    if name in GUIDS:
        return str(uuid.UUID(bytes_le=values[0]))
    if name in SIDS:
        return ";".join(map(sid_text, values))
    if name in BYTES:
        return ";".join(value.hex() for value in values)
    if name in COUNTED:
        return _counted(int(values[0]))
    if name in DATES:
        at = datetime.strptime(values[0].decode()[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        return f"{at:%Y-%m-%d %H:%M:%S}"
    return "A_FLAG | ANOTHER" if name in FLAGS else _text(values)


def _counted(value: int) -> str:
    if value == 0:
        return ""
    if value == 0x7FFFFFFFFFFFFFFF:
        return "2999-12-12 23:59:59"
    return f"{datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=value // 10):%Y-%m-%d %H:%M:%S}"


def _text(values: Sequence[bytes]) -> str:
    return ";".join(_clean(value.decode(errors="replace")) for value in values)


def _clean(text: str) -> str:
    return text.replace("\t", " ").replace("\r", " ").replace("\n", " ")
