"""Zones with every state of DNSSEC, signed by BIND, and what Hygie and delv say of them."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from probes.dns.dnssec import DnssecProbe, DnssecSettings
from probes.facts.dnssec import Flaw, Security, ZoneSecurity
from probes.interface import Asset, AssetKind, Sight
from tests.lab.line import open_line
from tests.lab.nameservers import serving, validating
from tests.lab.signing import SignedZone, delegations, sign

PORT, ROOT, LEAVES, DEEP, DELV = 53053, "127.78.3.1", "127.78.3.2", "127.78.3.3", "127.0.0.1"
#: A resolver that validates from the lab's anchor.
VALIDATING = "127.78.3.53"
TEXT = f"@ SOA ns dsi 1 7200 3600 1209600 3600\n@ NS ns\nns A {LEAVES}\n@ A 192.0.2.1\n@ MX 0 .\n"
WITHIN = "chu NS ns.chu\nns.chu A 127.78.3.3\nsoins.pole NS ns.soins.pole\nns.soins.pole A 127.78.3.3\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """The trust anchor of the zones' root, for us and in delv's own words."""

    anchor: str
    keys: Path


def _tampered(zone: SignedZone) -> Path:
    """The signed zone with another address under the old signature."""
    text = zone.file.read_text()
    zone.file.write_text(text.replace("192.0.2.1", "192.0.2.66"))
    return zone.file


def _other_digest(signers: tuple[str, ...]) -> list[str]:
    return [s.replace(" ", "", 0)[:-8] + "DEADBEEF" for s in signers]


def _unknown_algorithm(signers: tuple[str, ...]) -> list[str]:
    return [re.sub(r"^(\d+) \d+ ", r"\1 200 ", s) for s in signers]


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Lab]:
    """Sign the zones by BIND, and serve them by Knot, NSD and, for delv, BIND."""
    deep = sign(folder, "chu.good.", TEXT.replace(LEAVES, DEEP))
    beneath = sign(folder, "soins.pole.good.", TEXT.replace(LEAVES, DEEP))
    inside = WITHIN + "".join(f"chu DS {s}\n" for s in deep.signers)
    inside += "".join(f"soins.pole DS {s}\n" for s in beneath.signers) + "nu NS ns.nu\nns.nu A 127.78.3.3\n"
    good = sign(folder, "good.", TEXT + inside)
    past, future = ("-s", "20260101000000", "-e", "20260201000000"), ("-s", "20300101000000", "-e", "20301231000000")
    zones = {
        "hashed.": sign(folder, "hashed.", TEXT + "nu NS ns.nu\nns.nu A 127.78.3.3\n", "-3", "AABB", "-H", "10"),
        "optout.": sign(folder, "optout.", TEXT + "nu NS ns.nu\nns.nu A 127.78.3.3\n", "-3", "-", "-H", "0", "-A"),
        "rsa.": sign(folder, "rsa.", TEXT, algorithm="RSASHA1", bits=1024),
        "edwards.": sign(folder, "edwards.", TEXT, algorithm="ED25519"),
        "late.": sign(folder, "late.", TEXT, *past),
        "early.": sign(folder, "early.", TEXT, *future),
        "changed.": sign(folder, "changed.", TEXT),
        "swapped.": sign(folder, "swapped.", TEXT),
        "exotic.": sign(folder, "exotic.", TEXT),
    }
    _tampered(zones["changed."])
    parents = {name: (LEAVES, zone.signers) for name, zone in {"good.": good, **zones}.items()}
    parents["swapped."] = (LEAVES, tuple(_other_digest(zones["swapped."].signers)))
    parents["exotic."] = (LEAVES, tuple(_unknown_algorithm(zones["exotic."].signers)))
    parents["stripped."] = (LEAVES, good.signers)
    parents["plain."] = (LEAVES, ())
    root_text = f"@ SOA a.root. h. 1 7200 3600 1209600 3600\n@ NS a.root.\na.root. A {ROOT}\n" + delegations(parents)
    root = sign(folder, ".", root_text)
    leaves: dict[str, str | Path] = {name: zone.file for name, zone in {"good.": good, **zones}.items()}
    leaves |= {"stripped.": TEXT, "plain.": TEXT}
    within: dict[str, str | Path] = {"chu.good.": deep.file, "soins.pole.good.": beneath.file}
    within |= {f"nu.{parent}.": TEXT.replace(LEAVES, DEEP) for parent in ("good", "hashed", "optout")}
    tag, algorithm, kind, *digest = root.signers[0].split()
    keys = folder / "anchors"
    keys.write_text(f'trust-anchors {{ . static-ds {tag} {algorithm} {kind} "{"".join(digest)}"; }};\n')
    with contextlib.ExitStack() as stack:
        stack.enter_context(serving("knot", folder, ROOT, {".": root.file}))
        stack.enter_context(serving("knot", folder, LEAVES, leaves))
        stack.enter_context(serving("nsd", folder, DEEP, within))
        stack.enter_context(serving("bind", folder, DELV, {".": root.file, **leaves, **within}))
        anchor = f"{tag} {algorithm} {kind} {''.join(digest)}"
        places = {".": ROOT, **dict.fromkeys(leaves, LEAVES), **dict.fromkeys(within, DEEP)}
        stack.enter_context(serving("unbound", folder, VALIDATING, {}, more=validating(anchor, places, PORT)))
        yield Lab(anchor=anchor, keys=keys)


async def seen(domain: str, anchors: tuple[str, ...]) -> ZoneSecurity:
    line = open_line(domains=[domain], dns_port=PORT)
    probe = DnssecProbe(DnssecSettings(roots=(ROOT,), anchors=anchors))
    found = [y async for y in probe.look(Asset(kind=AssetKind.DOMAIN, name=domain), line)]
    (sight,) = found
    assert isinstance(sight, Sight)
    assert isinstance(sight.fact, ZoneSecurity)
    return sight.fact


def delv(domain: str, keys: Path) -> Security:
    """The verdict of BIND's own validator."""
    words = ["delv", f"@{DELV}", "-p", str(PORT), "-a", str(keys), "+root=.", f"{domain}.", "A"]
    done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
    text = done.stdout + done.stderr
    if "; fully validated" in text:
        return Security.SECURE
    return (
        Security.INSECURE
        if "; unsigned answer" in text
        else Security.BOGUS
        if "failed" in text
        else Security.INDETERMINATE
    )


#: Each domain with the verdict that was planted.
CASES = [
    ("good", Security.SECURE, Flaw.NONE),
    ("chu.good", Security.SECURE, Flaw.NONE),
    ("soins.pole.good", Security.SECURE, Flaw.NONE),
    ("hashed", Security.SECURE, Flaw.NONE),
    ("optout", Security.SECURE, Flaw.NONE),
    ("rsa", Security.SECURE, Flaw.NONE),
    ("edwards", Security.SECURE, Flaw.NONE),
    ("plain", Security.INSECURE, Flaw.NO_DS),
    ("nu.good", Security.INSECURE, Flaw.NO_DS),
    ("nu.hashed", Security.INSECURE, Flaw.NO_DS),
    ("nu.optout", Security.INSECURE, Flaw.NO_DS),
    ("exotic", Security.INSECURE, Flaw.UNSUPPORTED),
    ("late", Security.BOGUS, Flaw.EXPIRED),
    ("early", Security.BOGUS, Flaw.NOT_YET),
    ("changed", Security.BOGUS, Flaw.WRONG),
    ("swapped", Security.BOGUS, Flaw.DS_MISMATCH),
    ("stripped", Security.BOGUS, Flaw.NO_KEYS),
]
