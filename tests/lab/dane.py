"""Domains whose mail TLSA records bind, in every way of real life: zones signed by BIND, Knot, unbound and Postfix."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from probes.facts.mail.exchange import Exchangers
from probes.interface import Asset, AssetKind, Sight
from probes.mail.probe import MailProbe, MailSettings
from scanner.demo.certificates import Identity, authority, leaf
from tests.lab.line import open_line
from tests.lab.mail import postfix
from tests.lab.nameservers import serving, validating
from tests.lab.signing import delegations, sign

PORT, ROOT, ZONES = 53053, "127.51.0.1", "127.51.0.2"
#: A resolver that validates nothing, and one that does.
RESOLVER, VALIDATING = "127.51.0.53", "127.51.0.54"
#: A server with a certificate of its own, one whose authority is in the chain, and one without TLS.
OWN, ISSUED, BARE = "127.51.0.25", "127.51.0.26", "127.51.0.27"
#: The domain whose signatures have expired, so that nobody who validates has an answer.
LATE = "perime"
#: Domains of the lab: TLSA records of their exchanger, where it is, and whether the zone is signed.
RECORDS: dict[str, tuple[tuple[str, ...], str, bool]] = {
    "juste": (("3 1 1 own-key",), OWN, True),
    "faux": (("3 1 1 other-key",), OWN, True),
    "releve": (("3 1 1 other-key", "3 1 1 own-key"), OWN, True),
    "autorite": (("2 1 1 authority-key",), ISSUED, True),
    "autre-nom": (("2 1 1 authority-key",), ISSUED, True),
    "public": (("1 1 1 other-key", "0 0 1 authority"), OWN, True),
    "nu": (("3 1 1 other-key",), OWN, False),
    "clair": (("3 1 1 own-key",), BARE, True),
    "renvoi": (("alias",), OWN, True),
    "sans": ((), OWN, True),
    LATE: (("3 1 1 own-key",), OWN, True),
}
#: A domain that is not signed, with the exchanger of one that is.
GUEST = "invite"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lab:
    """The configuration that scans the domains, the root's trust anchor, and the records of each exchanger."""

    config: Path
    anchor: str
    records: dict[str, tuple[str, ...]]


@contextlib.contextmanager
def staged(folder: Path) -> Iterator[Lab]:
    """Sign the zones, serve them and their mail; the folder must be reachable by every user."""
    os.chmod(folder, 0o755)
    now = datetime.now(UTC)
    signer = authority("Autorité du laboratoire", now)
    own, issued = leaf(None, ("localhost",), now), leaf(signer, ("mx.autorite.test",), now)
    digests = _digests(own, signer)
    records = {name: tuple(_record(r, digests) for r in texts) for name, (texts, _, _) in RECORDS.items()}
    with contextlib.ExitStack() as stack:
        anchor = _names(stack, folder, records)
        for place, identity, address in (("own", own, OWN), ("issued", issued, ISSUED), ("bare", None, BARE)):
            stack.enter_context(postfix(folder / place, address, settings=_settings(folder, place, identity)))
        config = folder / "config.toml"
        config.write_text(_configuration(anchor))
        yield Lab(config=config, anchor=anchor, records=records)


async def exchangers(name: str, resolver: str, anchors: tuple[str, ...]) -> Exchangers:
    """Who takes the mail of a domain of the lab, as the mail probe sees it."""
    line = open_line(domains=[f"{name}.test"], dns_port=PORT, resolver=resolver, resolver_port=PORT)
    probe = MailProbe(MailSettings(resolver=resolver, roots=(ROOT,), dns_anchors=anchors))
    async for seen in probe.look(Asset(kind=AssetKind.DOMAIN, name=f"{name}.test"), line):
        if isinstance(seen, Sight) and isinstance(seen.fact, Exchangers):
            return seen.fact
    raise AssertionError(name)


def _digests(own: Identity, signer: Identity) -> dict[str, str]:
    def key(certificate: x509.Certificate) -> str:
        spki = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return hashlib.sha256(spki).hexdigest()

    whole = hashlib.sha256(signer.chain[0].public_bytes(Encoding.DER)).hexdigest()
    return {"own-key": key(own.chain[0]), "authority-key": key(signer.chain[0]), "authority": whole,
            "other-key": "99" * 32}  # fmt: skip


def _record(text: str, digests: dict[str, str]) -> str:
    head, _, name = text.rpartition(" ")
    return f"{head} {digests[name]}" if head else f"3 1 1 {digests['own-key']}"


def _names(stack: contextlib.ExitStack, folder: Path, records: dict[str, tuple[str, ...]]) -> str:
    """Serve the zones; give the root's trust anchor."""
    soa = "@ SOA ns dsi 1 7200 3600 1209600 3600\n@ NS ns\n"
    files: dict[str, str | Path] = {}
    children: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name, (texts, address, signed) in RECORDS.items():
        own = f"{soa}ns A {ZONES}\n@ MX 10 mx\nmx A {address}\n"
        owner = "_dane" if texts == ("alias",) else "_25._tcp.mx"
        own += "_25._tcp.mx CNAME _dane\n" if texts == ("alias",) else ""
        own += "".join(f"{owner} TLSA {record}\n" for record in records[name])
        dates = ("-s", "20260101000000", "-e", "20260201000000") if name == LATE else ()
        zone = sign(folder, f"{name}.test.", own, *dates) if signed else None
        files[f"{name}.test."] = zone.file if zone else own
        children[name] = (ZONES, zone.signers if zone else ())
    files[f"{GUEST}.test."] = f"{soa}ns A {ZONES}\n@ MX 10 mx.juste.test.\n"
    children[GUEST] = (ZONES, ())
    top = sign(folder, "test.", f"{soa}ns A {ZONES}\n" + delegations(children))
    start = f"@ SOA a.root. h. 1 7200 3600 1209600 3600\n@ NS a.root.\na.root. A {ROOT}\n"
    root = sign(folder, ".", start + delegations({"test.": (ZONES, top.signers)}))
    stack.enter_context(serving("knot", folder, ROOT, {".": root.file}))
    stack.enter_context(serving("knot", folder, ZONES, {"test.": top.file, **files}))
    tag, algorithm, kind, *digest = root.signers[0].split()
    anchor = f"{tag} {algorithm} {kind} {''.join(digest)}"
    places = {".": ROOT, "test.": ZONES, **dict.fromkeys(files, ZONES)}
    free = '  local-zone: "test." nodefault\n'
    stubs = "".join(f'stub-zone:\n  name: "{zone}"\n  stub-addr: {at}@{PORT}\n' for zone, at in places.items())
    stack.enter_context(serving("unbound", folder, RESOLVER, {}, more=free + stubs))
    stack.enter_context(serving("unbound", folder, VALIDATING, {}, more=free + validating(anchor, places, PORT)))
    return anchor


def _settings(folder: Path, place: str, identity: Identity | None) -> dict[str, str]:
    bare = {"myhostname": f"{place}.test", "smtpd_banner": "$myhostname ESMTP"}
    if identity is None:
        return bare
    chain, key = identity.pem()
    (folder / f"{place}.pem").write_bytes(key + chain)
    return {**bare, "smtpd_tls_security_level": "may", "smtpd_tls_chain_files": f"{folder}/{place}.pem"}


def _configuration(anchor: str) -> str:
    today = datetime.now(UTC).date()
    domains = ", ".join(f'"{name}.test"' for name in (*RECORDS, GUEST))
    return f"""
[box]
vantage = "internet"
[dns]
resolver = "{RESOLVER}"
resolver_port = {PORT}
port = {PORT}
[pace]
connections = 5000.0
connections_per_network = 5000.0
connections_per_address = 2000.0
questions = 5000.0
questions_per_server = 5000.0
burst = 500
[run]
second_look_seconds = 0.2
[store]
url = "hygie.sqlite"
[probes.dns]
roots = ["{ROOT}"]
[probes.dnssec]
anchors = ["{anchor}"]
[probes.ports]
short = [25]
patience = 0.5
[[mandates]]
reference = "LAB-DANE"
signatory = "Laboratoire"
valid_from = {today - timedelta(days=1)}
valid_until = {today + timedelta(days=1)}
domains = [{domains}]
networks = ["127.51.0.0/24"]
[[perimeters]]
id = "courrier"
name = "Domaines du courrier"
mandate = "LAB-DANE"
"""
