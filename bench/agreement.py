"""Agreement with other tools on the lab, difference by difference, into docs/agreement.md.

TLS versions, suites and certificates beside sslyze and testssl.sh on the ground of the exposure bench, DNSSEC beside
delv and dig, every record set beside dig, SPF and DMARC beside checkdmarc. A difference without a written reason fails.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import mail
from bench.exposure import SSLYZE, running
from bench.ground import network, servers
from bench.ground.recall import TLS
from bench.mail import UNEXPLAINED
from bench.measure import Section, peer
from probes.facts.tls import Acceptance, CertificateChain, PathState, TlsProfile, Version
from probes.facts.tls_suites import suite
from probes.interface import Sight, service
from probes.tls.probe import TlsProbe, TlsSettings
from tests.lab import dane, dig, dnssec, establishment
from tests.lab.line import mandate, open_line

_HEAD = """# Agreement with other tools

Last output of `python -m bench agreement`: the same servers asked by Hygie and by others, and every difference with its
reason. A difference without one makes the command fail.

TLS: the ten endpoints of the exposure bench (`bench/ground/servers.py`: nginx, OpenSSL, Postfix, Dovecot), suite by
suite and version by version; certificates by two verdicts, trusted by the lab's authority (dates included) and of the
name asked for. DNSSEC: zones of every state, signed by BIND (`tests/lab/dnssec.py`), the verdict beside delv's; beside
dig, the AD flag or the refusal of unbound validating from the lab's anchor, DS, DNSKEY and NSEC3PARAM records, and the
RRSIG records with their dates at each server; TLSA records with their proof (`tests/lab/dane.py`). Records: every set
that Hygie reads about these domains and two establishments (`tests/lab/establishment.py`), from the zone's servers and
from the resolver: A, AAAA, MX, NS, SOA, TXT, CAA up to the root, DS, DNSKEY, HTTPS, SRV. SPF and DMARC: validity,
look-ups, void look-ups, ending, policy and where it stands (`bench/mail.py`).
"""
PAGE = Path(__file__).parent.parent / "docs" / "agreement.md"
SUITES, CERTIFICATE = "versions and suites", "certificates"
PROOFS, RECORDS = "DNSSEC proofs, keys and signatures", "record sets"
UNTRUSTED = "not trusted: no path to the store, or a date"
#: Why a tool differs, by tool, subject and the beginning of what differs.
KNOWN: dict[tuple[str, str, str], str] = {
    ("sslyze", SUITES, "TLS 1.2 TLS_DH_anon_WITH_CAMELLIA"): "sslyze's list of suites has not these two (RFC 5932); "
    "testssl.sh sees them accepted as Hygie does",
    (
        "dig",
        PROOFS,
        "RRSIG at",
    ): "one set of this zone was tampered with: Hygie reads a server no further than the first "
    "set that is wrong, dig was asked for each",
}


@dataclass(slots=True)
class Told:
    """What one tool says of one endpoint: suites as ``version suite``, and what is wrong with the certificate."""

    suites: set[str] = field(default_factory=set)
    faults: set[str] = field(default_factory=set)


Endpoint = tuple[str, int]


def run() -> Section:
    """Ask everybody, compare, and tell each difference with its reason."""
    lines: list[str] = [f"Tools: {', '.join(_versions())}. Command: `python -m bench agreement`.", ""]
    unexplained = 0
    for title, rows, compared in (*_tls(), _dnssec(), *_names(), _mail()):
        lines += [f"### {title}", "", f"{compared} compared, {len(rows)} differ.", ""]
        if rows:
            lines += ["| where | what | Hygie | the other | why |", "|---|---|---|---|---|", *rows, ""]
        unexplained += sum(UNEXPLAINED in row for row in rows)
    lines.append("Every difference is explained." if not unexplained else f"Unexplained differences: {unexplained}.")
    return Section(title="Compared", lines=tuple(lines), page=PAGE, head=_HEAD, failed=bool(unexplained))


Subject = tuple[str, list[str], int]


def _versions() -> Iterable[str]:
    for name in ("sslyze", "checkdmarc"):
        words: list[str | Path] = [
            peer(name, "python"),
            "-c",
            f"import importlib.metadata as m; print(m.version({name!r}))",
        ]
        yield f"{name} {subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()}"
    words = [_testssl() or "true", "--version"]
    said = re.sub(r"\x1b\[[\d;]*m", "", subprocess.run(words, capture_output=True, text=True, check=False).stdout)
    yield " ".join(
        next(
            (line for line in said.splitlines() if "testssl" in line), "no testssl.sh (apt-get install testssl.sh)"
        ).split()[:5]
    )
    delv = subprocess.run(["delv", "-v"], capture_output=True, text=True, check=False)
    yield (delv.stdout + delv.stderr).split("-")[0].strip()
    dug = subprocess.run(["dig", "-v"], capture_output=True, text=True, check=False)
    yield (dug.stdout + dug.stderr).replace("DiG", "dig").split("-")[0].strip()


def _testssl() -> str:
    return os.environ.get("TESTSSL") or shutil.which("testssl") or shutil.which("testssl.sh") or ""


def _tls() -> Iterable[Subject]:
    with tempfile.TemporaryDirectory() as text, network.far_side(servers.doors()) as side:
        folder = Path(text)
        with running(side.command(sys.executable, "-m", "bench.ground.servers", text)):
            own = {endpoint: asyncio.run(_ours(folder, endpoint)) for endpoint in TLS}
            others = {"sslyze": _sslyze(folder)}
            if _testssl():
                others["testssl.sh"] = {one: _by_testssl(folder, one) for one in TLS}
    for tool, told in others.items():
        for subject in (SUITES, CERTIFICATE):
            rows, compared = [], 0
            for endpoint in TLS:
                pair = [one.suites if subject == SUITES else one.faults for one in (own[endpoint], told[endpoint])]
                compared += len(pair[0] | pair[1]) if subject == SUITES else 1
                rows += [_row(tool, subject, endpoint, what, what in pair[0]) for what in sorted(pair[0] ^ pair[1])]
            yield f"TLS, {subject}: {tool}, {len(TLS)} endpoints", rows, compared


def _row(tool: str, subject: str, endpoint: Endpoint, what: str, ours: bool) -> str:
    why = next((w for (t, s, head), w in KNOWN.items() if (t, s) == (tool, subject) and what.startswith(head)), "")
    said = ("yes", "no") if ours else ("no", "yes")
    return f"| {endpoint[0]}:{endpoint[1]} | {what} | {said[0]} | {said[1]} | {why or UNEXPLAINED} |"


async def _ours(folder: Path, endpoint: Endpoint) -> Told:
    label, port = endpoint
    at, told = servers.NAMES[servers.OPEN][label], Told()
    probe = TlsProbe(TlsSettings(store=str(folder / "ca.pem")))
    line = open_line(granted=mandate(domains=[servers.OPEN], networks=network.NETWORKS))
    async for seen in probe.look(service("tcp", port, f"{label}.{servers.OPEN}", addresses=[at]), line):
        match seen:
            case Sight(fact=TlsProfile() as profile):
                told.suites = {
                    f"{v.version.value} {suite(n).name}"
                    for v in profile.versions
                    if v.state is Acceptance.ACCEPTED and v.version is not Version.SSL2
                    for n in v.suites
                }
            case Sight(fact=CertificateChain() as chain):
                told.faults = _faults(chain)
            case _:
                pass
    return told


def _faults(chain: CertificateChain) -> set[str]:
    now = datetime.now(UTC)
    return {
        fault
        for fault, wrong in (
            (UNTRUSTED, chain.path is not PathState.FOUND or not chain.not_before < now < chain.not_after),
            ("another name", chain.name_matches is False),
        )
        if wrong
    }


def _sslyze(folder: Path) -> dict[Endpoint, Told]:
    found: dict[Endpoint, Told] = {}
    for path, words in ((folder / "web.json", []), (folder / "mail.json", ["--starttls=smtp"])):
        chosen = [e for e in TLS if (e[1] in {25, 587}) is bool(words)]
        targets = [f"{n}.{servers.OPEN}:{p}{{{servers.NAMES[servers.OPEN][n]}}}" for n, p in chosen]
        own = [
            str(peer("sslyze", "sslyze")),
            *SSLYZE,
            f"--certinfo_ca_file={folder}/ca.pem",
            "--mozilla_config=disable",
        ]
        subprocess.run([*own, *words, f"--json_out={path}", *targets], capture_output=True, check=False)
        for server in json.loads(path.read_text())["server_scan_results"]:
            where = server["server_location"]
            found[where["hostname"].partition(".")[0], where["port"]] = _by_sslyze(where, server["scan_result"])
    return found


_VERSIONS = {
    "ssl_3_0_cipher_suites": "SSLv3", "tls_1_0_cipher_suites": "TLS 1.0", "tls_1_1_cipher_suites": "TLS 1.1",
    "tls_1_2_cipher_suites": "TLS 1.2", "tls_1_3_cipher_suites": "TLS 1.3",
}  # fmt: skip


def _by_sslyze(where: dict[str, Any], result: dict[str, Any]) -> Told:
    told = Told()
    for key, version in _VERSIONS.items():
        accepted = result[key]["result"]["accepted_cipher_suites"]
        told.suites |= {f"{version} {one['cipher_suite']['name']}" for one in accepted}
    for one in result["certificate_info"]["result"]["certificate_deployments"]:
        names = one["received_certificate_chain"][0]["subject_alternative_name"]["dns_names"]
        custom = [p for p in one["path_validation_results"] if p["trust_store"]["name"].startswith("Supplied")]
        # It checks the name within the path: what fails by the name alone is told apart here by its own list of names.
        told.faults |= {"another name"} if where["hostname"] not in names else set()
        failed = [p for p in custom if not p["was_validation_successful"]]
        told.faults |= {UNTRUSTED} if failed and not _name_alone(failed) else set()
    return told


def _name_alone(failed: list[dict[str, Any]]) -> bool:
    return all("no matching subjectAltName" in str(p["validation_error"]) for p in failed)


def _by_testssl(folder: Path, endpoint: Endpoint) -> Told:
    label, port = endpoint
    path, told = folder / f"testssl-{label}-{port}.json", Told()
    words = [_testssl(), "--quiet", "--warnings", "off", "-E", "-S", "--jsonfile", str(path),
             "--ip", servers.NAMES[servers.OPEN][label], "--add-ca", str(folder / "ca.pem"),
             *(["-t", "smtp"] if port in {25, 587} else []), f"{label}.{servers.OPEN}:{port}"]  # fmt: skip
    subprocess.run(words, capture_output=True, check=False, timeout=600)
    for entry in json.loads(path.read_text()):
        for prefix, version in _TESTSSL.items():
            if entry["id"].startswith(f"{prefix}_x"):
                told.suites.add(f"{version} {entry['finding'].split()[-1]}")
        if entry["id"].startswith("cert_trust ") or entry["id"] == "cert_trust":
            told.faults |= {"another name"} if "does not match" in entry["finding"] else set()
        trusted = entry["id"] in {"cert_chain_of_trust", "cert_expirationStatus"}
        if trusted and entry["severity"] in {"HIGH", "CRITICAL"}:
            told.faults.add(UNTRUSTED)
    return told


_TESTSSL = {"cipher-ssl3": "SSLv3", "cipher-tls1": "TLS 1.0", "cipher-tls1_1": "TLS 1.1", "cipher-tls1_2": "TLS 1.2",
            "cipher-tls1_3": "TLS 1.3"}  # fmt: skip


def _dnssec() -> Subject:
    with tempfile.TemporaryDirectory() as text, dnssec.staged(Path(text)) as lab:
        rows = []
        for domain, _, _ in dnssec.CASES:
            own, other = asyncio.run(dnssec.seen(domain, (lab.anchor,))).security, dnssec.delv(domain, lab.keys)
            if own is not other:
                rows.append(f"| {domain} | verdict | {own.value} | {other.value} | {UNEXPLAINED} |")
    return "DNSSEC verdicts: delv", rows, len(dnssec.CASES)


def _names() -> Iterable[Subject]:
    """Both subjects beside dig, over three labs that are up one after another."""
    proofs: list[dig.Compared] = []
    records: list[dig.Compared] = []
    with tempfile.TemporaryDirectory() as text, dnssec.staged(Path(text)) as lab:
        for domain, _, _ in dnssec.CASES:
            fact = asyncio.run(dnssec.seen(domain, (lab.anchor,)))
            proofs += dig.security_of(domain, fact, dnssec.VALIDATING)
            records += asyncio.run(dig.records_of(domain, dnssec.VALIDATING, (dnssec.ROOT,)))
    with tempfile.TemporaryDirectory() as text, dane.staged(Path(text)) as bound:
        for name in (*dane.RECORDS, dane.GUEST):
            seen = asyncio.run(dane.exchangers(name, dane.RESOLVER, (bound.anchor,)))
            proofs += dig.mail_of(f"{name}.test", seen, dane.VALIDATING)
            records += asyncio.run(dig.records_of(f"{name}.test", dane.VALIDATING, (dane.ROOT,)))
    with tempfile.TemporaryDirectory() as text, establishment.named(Path(text)):
        for domain in (establishment.FAULTY, establishment.HEALTHY):
            records += asyncio.run(dig.records_of(domain, establishment.RESOLVER, (establishment.TOP,)))
    for subject, compared in ((PROOFS, proofs), (RECORDS, records)):
        yield f"DNS, {subject}: dig", [_told(subject, c) for c in compared if c.ours != c.theirs], len(compared)


def _told(subject: str, one: dig.Compared) -> str:
    """A row with what one of the two alone says."""
    known = (w for (t, s, head), w in KNOWN.items() if (t, s) == ("dig", subject) and one.what.startswith(head))
    ours, theirs = one.ours.split(", "), one.theirs.split(", ")
    alone = [", ".join(x for x in a if x not in b) or "no more" for a, b in ((ours, theirs), (theirs, ours))]
    return f"| {one.where} | {one.what} | {alone[0]} | {alone[1]} | {next(known, UNEXPLAINED)} |"


def _mail() -> Subject:
    same, rows = mail.compared()
    told = [f"| {row.name} | {row.what.upper()} | {row.ours} | {row.theirs} | {row.why} |" for row in rows]
    return "SPF and DMARC verdicts: checkdmarc", told, same + len(rows)
