"""LDIF (RFC 2849), as ``ldapsearch`` and ``ldifde`` write it: entries, not changes.

An export that can be judged is one search of each naming context, and one of the rootDSE, one after the other:
``ldapsearch -E pr=1000/noprompt -E '!1.2.840.113556.1.4.801=::MAMCAQc=' -b BASE '(objectClass=*)' '*'
nTSecurityDescriptor`` (the control asks for descriptors without SACL), and ``ldapsearch -s base -b '' '*' '+'``.
What ``ldapsearch`` says at the end of a search proves that it is whole. Without it (``-LLL``, ``ldifde``) nothing does:
what is in the file is judged, what is not in it proves nothing, unless the person declares the export whole and it ends
between two entries. A folder may also hold a copy of SYSVOL, ``<domain>/Policies``.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from probes.directory.rootdse import instant
from probes.facts.directory import UNPROVEN
from probes.imports import Importer
from probes.imports.sysvol_copy import place, sysvols
from probes.imports.tree import EVERYTHING, Context, Tree
from probes.interface import Asset, ProbeError, Reason, Shortfall, Vantage, Yield
from probes.interface.files import FileLine

#: Longest logical line, in bytes, and most lines of a record.
LONGEST = 16 << 20
MOST_LINES = 4_000_000
#: Malformed records told one by one; more are only counted.
TOLD = 20
#: What ``ldifde`` writes of every entry that it exports.
ADDED = ("changetype", b"add")
#: The lines by which ``ldapsearch`` ends a search.
ENDINGS = (b"search: ", b"result: ", b"control: ", b"pagedresults: ")
UTF_16 = (b"\xff\xfed\0n\0:\0", b"\xfe\xff\0d\0n\0:")
EVERY_OBJECT = re.compile(rb"\(objectclass=\*\)", re.I)


class LdifImport(Importer):
    """Entries of a directory in LDIF."""

    kind = "ldif"
    name = "import-ldif"
    version = "1"
    vantage = Vantage.INSIDE

    def read(self, asset: Asset, line: FileLine) -> Iterator[Yield]:
        """Yield the naming contexts of every file inside, as one directory, and the copies of SYSVOL beside them."""
        reading = Reading(Tree(line), declared_whole=line.declared_whole)
        for member in line.members():
            if any(place(member.name)):
                continue
            yield from reading.file(line.lines(member, longest=LONGEST))
        root = reading.root
        yield from reading.tree.seen(
            _current_time(root) or line.made_at,
            root=_text(root, "rootdomainnamingcontext"),
            server=_text(root, "dnshostname").lower(),
            found_by=asset,
        )
        yield from sysvols(line)


class Search:
    """What ``ldapsearch`` says of one search in its comments and at its end, and the contexts it gave entries of."""

    def __init__(self) -> None:
        self.said = False
        self.partial = ""
        self.base = b""
        self.requested: frozenset[str] | None = None
        self.contexts: dict[str, Context] = {}

    def comment(self, text: bytes) -> None:
        """Take note of a comment of the head."""
        if found := re.fullmatch(rb"base <(.*)>(?: \(default\))? with scope (\w+)", text):
            self.said, self.base = True, found[1]
            self.partial = "" if found[2] == b"subtree" else "partial-search"
        elif text.startswith(b"filter: ") and not EVERY_OBJECT.fullmatch(text[8:].strip()):
            self.partial = "partial-search"
        elif text.startswith(b"requesting: "):
            names = {name.lower() for name in text[12:].decode(errors="replace").split()}
            self.requested = frozenset(names - {"all"} | ({EVERYTHING} if names & {"all", EVERYTHING} else set()))

    def close(self, cut: str) -> None:
        """Say whether its contexts are whole."""
        for context in self.contexts.values():
            elsewhere = self.said and self.base.decode(errors="replace").lower() != context.dn.lower()
            context.cut = cut or self.partial or ("partial-search" if elsewhere else "")
            context.requested = self.requested


class Reading:
    """The reading of LDIF files into a tree; ``root`` is the rootDSE when one of them has it."""

    def __init__(self, tree: Tree, *, declared_whole: bool = False) -> None:
        self.tree = tree
        self._unproven = "" if declared_whole else UNPROVEN
        self.root: dict[str, list[bytes]] = {}
        self._search = Search()
        self._bad = 0
        self._spoilt = ""

    def file(self, lines: Iterable[bytes]) -> Iterator[Yield]:
        """Read one file; yield what of it cannot be believed."""
        self._search, self._spoilt, last = Search(), "", b""
        record: list[bytes] = []
        for last in logical(lines):
            if last.startswith(UTF_16):
                raise ProbeError(Reason.MALFORMED, "UTF-16 text (ldifde -u): export again without -u")
            if last:
                record.append(last)
                if len(record) > MOST_LINES:
                    raise ProbeError(Reason.TOO_LARGE, f"a record of more than {MOST_LINES} lines")
                continue
            yield from self._believed(record)
            record = []
        # what no blank line ends may be cut in a value: only the end of a search is taken from it
        yield from self._believed([line for line in record if line.startswith((b"#", *ENDINGS))])
        if self._search.contexts:
            ended = (not last or last.startswith(b"#")) and not self._search.said
            self._search.close(self._spoilt or (self._unproven if ended else "truncated-answer"))
        if self._bad > TOLD:
            yield Shortfall(reason=Reason.MALFORMED, detail=f"{self._bad - TOLD} more records that are no LDIF")

    def _believed(self, record: list[bytes]) -> Iterator[Yield]:
        try:
            self._take(record)
        except ProbeError as error:
            self._spoilt = error.reason.value
            self._bad += 1
            if self._bad <= TOLD:
                yield Shortfall(reason=error.reason, detail=error.detail)

    def _take(self, record: list[bytes]) -> None:
        for line in record:
            if line.startswith(b"# "):
                self._search.comment(line[2:])
        pairs = [pair(line) for line in record if not line.startswith(b"#") and line != b"version: 1"]
        pairs = [one for one in pairs if one != ADDED]
        if not pairs or pairs[0][0] == "ref":
            return
        if pairs[0][0] == "search":
            self._ended(dict(pairs))
        elif pairs[0][0] != "dn" or any(name in {"changetype", "control"} for name, _ in pairs):
            raise ProbeError(Reason.MALFORMED, f"a record that is no entry: {record[0][:100]!r}")
        else:
            self._entry(pairs[0][1], pairs[1:])

    def _entry(self, dn: bytes, pairs: Iterable[tuple[str, bytes]]) -> None:
        attributes: dict[str, list[bytes]] = {}
        for name, value in pairs:
            attributes.setdefault(name, []).append(value)
        if not dn:
            self.root = attributes
            return
        context = self.tree.add(dn.decode(errors="backslashreplace"), attributes)
        context.deleted = context.deleted or "isdeleted" in attributes
        self._search.contexts[context.dn] = context

    def _ended(self, said: dict[str, bytes]) -> None:
        """The end of a search, or of one page of it."""
        code = said.get("result", b"").partition(b" ")[0]
        cookie = said.get("pagedresults", b"").removeprefix(b"cookie=")
        if code == b"0" and cookie:
            return
        self._search.close(self._spoilt or ("" if code == b"0" else f"ldap-result-{code.decode(errors='replace')[:9]}"))
        self._search, self._spoilt = Search(), ""


def logical(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the lines unfolded: one that begins with a space goes on the last (RFC 2849, note 2)."""
    pieces: list[bytes] = []
    size = 0
    for line in lines:
        if line[:1] == b" " and pieces and pieces[0]:
            pieces.append(line[1:])
            size += len(line)
            if size > LONGEST:
                raise ProbeError(Reason.TOO_LARGE, f"a line of more than {LONGEST} bytes")
            continue
        if pieces:
            yield b"".join(pieces)
        pieces, size = [line], len(line)
    if pieces:
        yield b"".join(pieces)


def pair(line: bytes) -> tuple[str, bytes]:
    """Return (lower-case attribute description, value) of a line; a value kept elsewhere (``:<``) is refused."""
    name, colon, value = line.partition(b":")
    if not colon or not re.fullmatch(rb"[A-Za-z0-9.;=*_-]{1,200}", name):
        raise ProbeError(Reason.MALFORMED, f"a line that is no attribute: {line[:100]!r}")
    if value[:1] == b"<":
        raise ProbeError(Reason.MALFORMED, f"a value that lies in another file or place: {name[:100]!r}")
    if value[:1] != b":":
        return name.decode().lower(), value.lstrip(b" ")
    try:
        return name.decode().lower(), base64.b64decode(value[1:].strip(), validate=True)
    except binascii.Error:
        raise ProbeError(Reason.MALFORMED, f"a value that is no base64: {name[:100]!r}") from None


def _text(root: dict[str, list[bytes]], name: str) -> str:
    return next(iter(root.get(name, ())), b"").decode(errors="replace")


def _current_time(root: dict[str, list[bytes]]) -> datetime | None:
    try:
        return instant(_text(root, "currenttime"))
    except ValueError:
        return None
