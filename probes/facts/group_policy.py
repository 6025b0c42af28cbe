"""The files of a group policy, read as text that may lie: INF, PReg, preferences, lists of scripts (MS-GPOD)."""

from __future__ import annotations

import codecs
import re
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

#: Registry types (MS-DTYP, MS-GPREG 2.2.1).
REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ = 1, 2, 3, 4, 7
#: What stands where a secret was taken out of a capture.
TAKEN_OUT: Final = "***"


class PolicyError(ValueError):
    """A file that is not what its name says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryValue:
    """A value that a policy sets: ``name`` is the key, a backslash and the value, in lower case."""

    name: str
    type: int
    data: bytes

    @property
    def number(self) -> int | None:
        """The number of a REG_DWORD."""
        return int.from_bytes(self.data, "little") if self.type == REG_DWORD and len(self.data) == 4 else None

    @property
    def text(self) -> str:
        """The text of a REG_SZ or REG_EXPAND_SZ."""
        return self.data.decode("utf-16-le", "replace").rstrip("\0") if self.type in {REG_SZ, REG_EXPAND_SZ} else ""


def text_of(data: bytes) -> str:
    """Return the text of a file in UTF-16 or UTF-8, by its byte order mark, else in the Windows code page."""
    for mark, encoding in ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            return data[2:].decode(encoding, "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_inf(data: bytes) -> Mapping[str, Mapping[str, str]]:
    """Return the sections of an INI or INF file (GPT.INI, GptTmpl.inf, scripts.ini), names in lower case."""
    sections: dict[str, dict[str, str]] = {}
    current: dict[str, str] = {}
    for line in text_of(data).splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            current = sections.setdefault(line[1:-1].strip().lower(), {})
        elif line and not line.startswith(";"):
            name, _, value = line.partition("=")
            current[name.strip().strip('"').lower()] = value.strip()
    return sections


def read_preg(data: bytes) -> Iterator[RegistryValue]:
    """Yield the values of a Registry.pol (MS-GPREG 2.2.1); raise ``PolicyError`` at the first that is not whole."""
    if data[:8] != b"PReg\1\0\0\0":
        raise PolicyError("no PReg header")
    at = 8
    while at < len(data):
        if data[at : at + 2] != b"[\0":
            raise PolicyError(f"no value at byte {at}")
        key, at = _name(data, at + 2)
        value, at = _name(data, at)
        if len(data) < at + 12:
            raise PolicyError(f"cut at byte {at}")
        kind, size = struct.unpack_from("<I2xI2x", data, at)
        at += 12
        if len(data) < at + size + 2 or data[at + size : at + size + 2] != b"]\0":
            raise PolicyError(f"a value of {size} bytes at byte {at}")
        yield RegistryValue(name=f"{key}\\{value}".lower(), type=kind, data=data[at : at + size])
        at += size + 2


def write_preg(values: Iterator[RegistryValue] | list[RegistryValue]) -> bytes:
    """Return the Registry.pol of values."""
    found = [b"PReg\1\0\0\0"]
    for value in values:
        key, _, name = value.name.rpartition("\\")
        head = f"[{key}\0;{name}\0;".encode("utf-16-le")
        found.append(head + struct.pack("<I2sI2s", value.type, b";\0", len(value.data), b";\0") + value.data + b"]\0")
    return b"".join(found)


def preferences(data: bytes) -> Iterator[Mapping[str, str]]:
    """Yield the attributes of each ``Properties`` element of a preference file (MS-GPPREF 2.2.1), names lower case."""
    for element in re.finditer(r"<Properties\s([^<>]{1,20000})>", text_of(data)):
        yield {name.lower(): value for name, value in re.findall(r'([\w:]{1,64})\s*=\s*"([^"]{0,4096})"', element[1])}


def scripts(data: bytes) -> Iterator[str]:
    """Yield the command of each script that a scripts.ini or psscripts.ini lists (MS-GPSCR 2.2.2)."""
    for section in read_inf(data).values():
        yield from (value for name, value in section.items() if re.fullmatch(r"\d+cmdline", name) and value)


def _name(data: bytes, at: int) -> tuple[str, int]:
    """The UTF-16 text that ends with a null and a semicolon, and where it ends."""
    end = at
    while data[end : end + 2] != b"\0\0":
        end += 2
        if end >= len(data):
            raise PolicyError(f"a name without end at byte {at}")
    if data[end + 2 : end + 4] != b";\0":
        raise PolicyError(f"no separator at byte {end}")
    return data[at:end].decode("utf-16-le", "replace"), end + 4
