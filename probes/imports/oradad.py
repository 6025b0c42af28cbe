"""ORADAD's plain output (``outputFiles=1``): tab-separated tables of a forest.

Written from ORADAD's public source (3.6): no real export was at hand. ``tables.tsv`` names each file, then its columns
and their SQL types; each file is UTF-16 with a byte order mark and no head. ``top.tsv`` of a context has every object
with its descriptor, the other tables the attributes of one class: they are joined by name. An export without
``oradad_processtime`` in ``metadata.tsv`` was not finished. The contents taken from SYSVOL lie in a second folder,
named like the run's with ``_SYSVOL``: give the folder that holds both.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from probes.imports import Importer
from probes.imports.oradad_sysvol import sysvol_of
from probes.imports.oradad_values import value_of
from probes.imports.tree import Context, Tree
from probes.interface import Asset, ProbeError, Reason, Shortfall, Sight, Vantage, Yield
from probes.interface.files import FileLine, Member

#: Longest row and longest list of tables, in bytes.
ROW, TABLES = 16 << 20, 16 << 20
#: Characters of a context held in memory, to be joined to its objects.
HELD = 6 << 30
#: The folders of naming contexts; application partitions are not read.
FOLDERS = ("domain/", "configuration/", "schema/", "domaindns/", "forestdns/")


class OradadImport(Importer):
    """The tables of one ORADAD run, in a folder or an archive."""

    kind = "oradad"
    name = "import-oradad"
    version = "1"
    vantage = Vantage.INSIDE
    caveat = "this format was written from ORADAD's public source, without a real export: to be reviewed"

    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield the naming contexts of the forest."""
        export = opened(line)
        tree = Tree(line)
        for folder in sorted({table.folder for table in export.tables}):
            yield from _context(export, folder, tree)
        for table in export.sysvols:
            yield _sysvol(export, table)
        root = next(_dicts(export, "rootDSE.tsv"), {})
        yield from tree.seen(
            _instant(root.get("currenttime", [b""])[0].decode()) or export.at or line.made_at,
            root=root.get("rootdomainnamingcontext", [b""])[0].decode(errors="replace"),
            server=root.get("dnshostname", [b""])[0].decode(errors="replace").lower(),
            found_by=asset,
        )


@dataclass(slots=True, kw_only=True)
class Table:
    """A file of the export: its columns as (lower-case attribute, SQL type), its file when it is there."""

    path: str
    columns: list[tuple[str, str]]
    member: Member | None
    #: Why it is not whole, or "".
    cut: str = ""

    @property
    def folder(self) -> str:
        """The folder of its naming context."""
        return self.path.rpartition("/")[0]


@dataclass(slots=True, kw_only=True)
class Export:
    """One run: its tables, its own instant, and whether it went to its end."""

    line: FileLine
    tables: list[Table] = field(default_factory=list)
    others: list[Table] = field(default_factory=list)
    sysvols: list[Table] = field(default_factory=list)
    #: The files taken from each SYSVOL, by lower-case path under the folder that holds them.
    contents: dict[str, Member] = field(default_factory=dict)
    at: datetime | None = None
    finished: bool = False


def opened(line: FileLine) -> Export:
    """Find the one export inside and read what its files are made of; raise ``ProbeError``."""
    members = {member.name.lower(): member for member in line.members()}
    lists = [name for name in members if name.rpartition("/")[2] == "tables.tsv"]
    if len(lists) != 1:
        found = "several exports inside: give one of them" if lists else "no tables.tsv: no ORADAD export inside"
        raise ProbeError(Reason.NOT_SPOKEN, found)
    prefix = lists[0].removesuffix("tables.tsv")
    text = line.read(members[lists[0]], most=TABLES).decode("utf-8", "replace").lstrip("\ufeff")
    first, *rest = text.splitlines() or [""]
    export = Export(line=line, at=_instant_of_name(first))
    for row in rest:
        table = _table(row.split("\t"), prefix, members)
        if table is not None and table.path.endswith("/sysvol.tsv"):
            export.sysvols.append(table)
        elif table is not None:
            (export.tables if table.path.startswith(FOLDERS) else export.others).append(table)
    taken = f"{prefix.removesuffix('/')}_sysvol/" if prefix else ""
    export.contents = {n.removeprefix(taken): m for n, m in members.items() if taken and n.startswith(taken)}
    metadata = members.get(f"{prefix}metadata.tsv")
    if metadata is not None:
        said = line.read(metadata, most=TABLES)
        export.finished = b"oradad_processtime" in said.replace(b"\0", b"")
    return export


def _table(cells: list[str], prefix: str, members: dict[str, Member]) -> Table | None:
    if len(cells) < 6 or not cells[3].isdigit():
        return None
    path = cells[0].replace("\\", "/").lower()
    columns = list(zip((name.lower() for name in cells[4::2]), cells[5::2], strict=False))
    return Table(path=path, columns=columns[: int(cells[3])], member=members.get(prefix + path))


def _context(export: Export, folder: str, tree: Tree) -> Iterator[Yield]:
    """Join the tables of a folder into entries, and say what of them cannot be believed."""
    tables = [table for table in export.tables if table.folder == folder]
    top = next((table for table in tables if table.path.endswith("/top.tsv")), None)
    others = [table for table in tables if table is not top]
    beside: dict[str, list[tuple[Table, str]]] = {}
    held = 0
    for table in others:
        for row in _rows(export.line, table):
            held += len(row)
            if held > HELD:
                raise ProbeError(Reason.TOO_LARGE, f"{folder}: more than {HELD} characters to join")
            beside.setdefault(row.partition("\t")[0].lower(), []).append((table, row))
    contexts: dict[str, Context] = {}
    for row in _rows(export.line, top) if top else ():
        dn = row.partition("\t")[0]
        joined = [(top, row), *beside.pop(dn.lower(), ())] if top else []
        _add(tree, dn, joined, contexts)
    for rows in beside.values():
        _add(tree, rows[0][1].partition("\t")[0], rows, contexts)
    cut = "" if export.finished else "interrupted"
    cut = next((table.cut for table in tables if table.cut), cut) or ("" if top else "truncated-answer")
    requested = frozenset(name.removesuffix("_int") for table in tables for name, _ in table.columns)
    for context in contexts.values():
        context.cut, context.requested = cut, requested
    for table in tables:
        if table.cut:
            yield Shortfall(reason=Reason.MALFORMED, detail=f"{table.path}: {table.cut}")


def _sysvol(export: Export, table: Table) -> Sight:
    domain = table.folder.rpartition("/")[2]
    names = [name for name, _ in table.columns]
    rows = [dict(zip(names, row.split("\t"), strict=False)) for row in _rows(export.line, table)]
    inside = {n.partition("/")[2]: m for n, m in export.contents.items() if n.partition("/")[0] == domain}
    cut = table.cut or ("" if export.finished else "interrupted")
    return sysvol_of(domain, rows, inside, export.line, cut)


def _add(tree: Tree, dn: str, rows: list[tuple[Table, str]], contexts: dict[str, Context]) -> None:
    attributes: dict[str, list[bytes]] = {}
    for table, row in rows:
        try:
            attributes |= _values(table, row)
        except ValueError:
            table.cut = "malformed-answer"
    try:
        context = tree.add(dn, attributes)
    except ProbeError as error:
        rows[0][0].cut = error.reason.value
        return
    context.deleted = context.deleted or attributes.get("isdeleted") == [b"TRUE"]
    contexts[context.dn] = context


def _values(table: Table, row: str) -> dict[str, list[bytes]]:
    """The attributes of a row; raise ``ValueError`` when it does not have the columns announced."""
    cells = row.split("\t")
    if len(cells) != len(table.columns):
        raise ValueError("columns")
    numbers = {name for name, _ in table.columns if name.endswith("_int")}
    found = {}
    for (name, sql), cell in zip(table.columns[1:], cells[1:], strict=True):
        if cell and f"{name}_int" not in numbers and name not in {"shortname", "shortdn"}:
            real = name.removesuffix("_int") if name in numbers else name
            found[real] = value_of(real, sql, cell)
    return found


def _dicts(export: Export, name: str) -> Iterator[dict[str, list[bytes]]]:
    for table in export.others:
        if table.path.rpartition("/")[2] == name.lower():
            for row in _rows(export.line, table):
                try:
                    yield _values(table, row)
                except ValueError:
                    continue


def _rows(line: FileLine, table: Table) -> Iterator[str]:
    """Yield the rows of a table; note why it is not whole."""
    if table.member is None:
        table.cut = "missing"
        return
    rest, decoder = "", None
    for block in line.blocks(table.member):
        if decoder is None:
            wide = block[:2] == b"\xff\xfe"
            decoder = codecs.getincrementaldecoder("utf-16-le" if wide else "utf-8")("replace")
        *whole, rest = (rest + decoder.decode(block)).split("\n")
        if len(rest) > ROW:
            raise ProbeError(Reason.TOO_LARGE, f"{table.path}: a row of more than {ROW} characters")
        for row in whole:
            row = row.lstrip("\ufeff").removesuffix("\r")
            if row and not row.startswith(("dn\t", "server\t", "forest\tdomain\t")):
                yield row
    if rest.strip("\ufeff"):
        table.cut = "truncated-answer"


def _instant_of_name(name: str) -> datetime | None:
    """The instant in the name of a run, ``<forest>_YYYYMMDD-HHMMSS`` (UTC)."""
    try:
        return datetime.strptime(name.strip().rpartition("_")[2], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _instant(text: str) -> datetime | None:
    try:
        return datetime.strptime(text.partition(".")[0], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
