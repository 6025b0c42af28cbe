"""The trust anchors of the root zone: those of a configuration, or IANA's, shipped."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files

import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.rdtypes.ANY.DS import DS

from probes.dns.probe import ROOTS


def anchors_of(roots: tuple[str, ...], own: tuple[str, ...] | None) -> tuple[tuple[DS, ...], str]:
    """Return the anchors and where they come from.

    ``own`` are texts (``tag algorithm digest-type digest``); None stands for IANA's with IANA's roots, else for none.
    """
    texts, label = (own or (), "configuration") if roots != ROOTS or own is not None else _shipped()
    records = (dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.DS, text) for text in texts)
    return tuple(record for record in records if isinstance(record, DS)), label


@cache
def _shipped() -> tuple[tuple[str, ...], str]:
    data = tomllib.loads((files(__package__) / "root-anchors.toml").read_text("utf-8"))
    return tuple(data["anchors"]), f"{data['source']}, {data['dated']}"
