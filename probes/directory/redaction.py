"""What is taken out of the files of SYSVOL before they are kept: passwords, and what may hold one."""

from __future__ import annotations

import codecs
import re
from dataclasses import replace

from probes.facts.group_policy import TAKEN_OUT, PolicyError, read_preg, text_of, write_preg

#: Attributes of preferences that are, or may hold, a secret; anybody can decrypt a ``cpassword`` (MS-GPPREF 2.2.1).
_ATTRIBUTES = re.compile(r'\b(cpassword|password|args|arguments|connectionstring|dsnpassword)(\s*=\s*)"([^"]+)"', re.I)
_ELEMENTS = re.compile(r"<(Arguments|Password)>([^<]+)</", re.I)
_PARAMETERS = re.compile(r"(?im)^([ \t]{0,99}\d{1,9}parameters[ \t]{0,99}=)[^\r\n]*")
#: Registry values that hold a secret, by a word of their name.
_SECRET = re.compile(r"passw|pwd|secret|\bpsk|credential|privatekey", re.I)


def redacted(name: str, data: bytes) -> tuple[bytes, int]:
    """Return a file of this name (lower case) without its secrets, and how many passwords of preferences it had.

    Raise ``PolicyError`` when it cannot be read well enough to know: such a file is not kept.
    """
    if name.endswith(".xml"):
        text = text_of(data)
        count = sum(1 for found in _ATTRIBUTES.finditer(text) if found[1].lower() == "cpassword")
        text = _ATTRIBUTES.sub(rf'\1\2"{TAKEN_OUT}"', text)
        return _ELEMENTS.sub(rf"<\1>{TAKEN_OUT}</", text).encode(), count
    if name in {"scripts.ini", "psscripts.ini"}:
        text = _PARAMETERS.sub(rf"\1{TAKEN_OUT}", text_of(data))
        return codecs.BOM_UTF8 + text.encode("utf-8", "replace"), 0
    if name == "registry.pol":
        values = [
            replace(value, data=b"\0" * len(value.data)) if _SECRET.search(value.name.rpartition("\\")[2]) else value
            for value in read_preg(data)
        ]
        return write_preg(values), 0
    if name in {"gpt.ini", "gpttmpl.inf", "audit.csv"}:
        return data, 0
    raise PolicyError(f"no way known to take secrets out of {name}")
