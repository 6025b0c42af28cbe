"""SPF and DMARC beside checkdmarc: the same domains, the same name server, verdict by verdict.

checkdmarc is installed in an environment of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

import dns.name
import dns.zone

from bench.measure import Section, peer
from probes.facts.dns import Presence
from probes.facts.mail.dmarc import parse
from probes.facts.mail.policies import DmarcPolicy, SpfTree
from probes.interface import Asset, AssetKind, Sight
from probes.mail.probe import MailProbe, MailSettings
from scanner.demo import nameserver
from scanner.demo.nameserver import NameServer
from tests.lab.line import open_line

ADDRESS, PORT = "127.79.0.53", 53053
_MANY = " ".join(f"a:h{n}.banc.test" for n in range(8))
ZONE = f"""
@ 60 SOA ns hygie 1 7200 3600 1209600 3600
@ 60 NS ns
ns 60 A 192.0.2.1
mx.banc 60 A 192.0.2.25
{"".join(f"h{n}.banc 60 A 192.0.2.{n}{chr(10)}" for n in range(8))}
plain 60 TXT "v=spf1 ip4:192.0.2.0/28 -all"
_dmarc.plain 60 TXT "v=DMARC1; p=reject; rua=mailto:d@plain.test"
soft 60 TXT "v=spf1 a:mx.banc.test ~all"
_dmarc.soft 60 TXT "v=DMARC1; p=none"
mx 60 MX 10 mx.banc
mx 60 TXT "v=spf1 mx -all"
_dmarc.mx 60 TXT "v=DMARC1; p=quarantine; sp=none; pct=50"
nested 60 TXT "v=spf1 include:plain.test include:soft.test -all"
_dmarc.nested 60 TXT "v=DMARC1; rua=mailto:d@nested.test"
ten 60 TXT "v=spf1 {_MANY} a:mx.banc.test a:h0.banc.test -all"
eleven 60 TXT "v=spf1 {_MANY} include:soft.test a:h0.banc.test -all"
macro 60 TXT "v=spf1 exists:%{{i}}._spf.macro.test -all"
redirect 60 TXT "v=spf1 redirect=plain.test"
pointer 60 TXT "v=spf1 ptr -all"
void 60 TXT "v=spf1 a:n1.void.test a:n2.void.test a:n3.void.test -all"
twice 60 TXT "v=spf1 -all"
twice 60 TXT "v=spf1 ~all"
typo 60 TXT "v=spf1 ipv4:192.0.2.1 -all"
dead 60 TXT "v=spf1 include:nowhere.banc.test -all"
loop 60 TXT "v=spf1 include:loop2.test -all"
loop2 60 TXT "v=spf1 include:loop.test -all"
after 60 TXT "v=spf1 -all include:nowhere.banc.test"
open 60 TXT "v=spf1 +all"
none 60 A 192.0.2.9
spaced 60 TXT " v=spf1 -all"
child.parent 60 TXT "v=spf1 -all"
_dmarc.parent 60 TXT "v=DMARC1; p=none; sp=reject; rua=mailto:d@parent.test"
pair 60 TXT "v=spf1 -all"
_dmarc.pair 60 TXT "v=DMARC1; p=reject"
_dmarc.pair 60 TXT "v=DMARC1; p=none"
broken 60 TXT "v=spf1 -all"
_dmarc.broken 60 TXT "v=DMARC1; p=destroy"
crowd 60 TXT "v=spf1 mx -all"
{"".join(f"crowd 60 MX {n} h{n % 8}x{n}.banc{chr(10)}h{n % 8}x{n}.banc 60 A 192.0.2.{n}{chr(10)}" for n in range(11))}
upper 60 TXT "V=SPF1 A:MX.BANC.TEST -ALL"
split 60 TXT "v=spf1 ip4:192.0" ".2.1 -all"
modifier 60 TXT "v=spf1 moo=cow -all"
cidr 60 TXT "v=spf1 a:mx.banc.test/24//64 -all"
two 60 TXT "v=spf1 a:n1.two.test a:n2.two.test -all"
ignored 60 TXT "v=spf1 -all redirect=nowhere.banc.test"
exists 60 TXT "v=spf1 exists:h1.banc.test ?all"
open-ended 60 TXT "v=spf1 ip4:192.0.2.1"
twofold 60 TXT "v=spf1 redirect=plain.test redirect=soft.test"
bits 60 TXT "v=spf1 ip4:192.0.2.1/33 -all"
_dmarc.upper 60 TXT "v=DMARC1;p=REJECT"
_dmarc.split 60 TXT "v=DMARC1 ; p=rej" "ect"
_dmarc.modifier 60 TXT "v=dmarc1; p=reject"
_dmarc.cidr 60 TXT "p=reject; v=DMARC1"
_dmarc.two 60 TXT "v=DMARC1; p=reject; unknown=1"
a.b.c.d.e.f.g.deep.parent 60 TXT "v=spf1 -all"
"""
DOMAINS = (
    "plain", "soft", "mx", "nested", "ten", "eleven", "macro", "redirect", "pointer", "void", "twice", "typo", "dead",
    "loop", "after", "open", "none", "spaced", "child.parent", "pair", "broken", "crowd", "upper", "split", "modifier",
    "cidr", "two", "ignored", "exists", "open-ended", "twofold", "bits", "a.b.c.d.e.f.g.deep.parent",
)  # fmt: skip
#: Why the two differ, where they do.
KNOWN = {
    ("pointer", "spf"): "ptr looks the sender's address up: what it finds depends on the message, so it is not counted "
    "as void (RFC 7208 5.5)",
    ("upper", "spf"): "names in a record are case-insensitive (RFC 7208 4.6.1, RFC 5234 2.3): receivers accept it",
}
UNEXPLAINED = "**unexplained**"
_CHILD = """
import json, sys
import dns.resolver
from checkdmarc.dmarc import check_dmarc
from checkdmarc.spf import check_spf
resolver = dns.resolver.Resolver(configure=False)
resolver.nameservers, resolver.port, resolver.cache = [sys.argv[1]], int(sys.argv[2]), None
told = {}
for name in sys.argv[3:]:
    spf, dmarc = check_spf(name, resolver=resolver), check_dmarc(name, resolver=resolver)
    parsed = spf.get("parsed") or {}
    policy = {key: (dmarc.get("tags") or {}).get(key, {}).get("value") for key in ("p", "sp")}
    told[name] = {
        "spf": {"valid": bool(spf.get("valid")), "record": spf.get("record"), "lookups": spf.get("dns_lookups"),
                "voids": spf.get("void_dns_lookups"), "all": parsed.get("all"), "error": str(spf.get("error", ""))},
        "dmarc": {"valid": bool(dmarc.get("valid")), "record": dmarc.get("record"), "at": dmarc.get("location"),
                  "policy": policy, "error": str(dmarc.get("error", ""))},
    }
print(json.dumps(told, default=str))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one tool says of a domain: words that can be compared."""

    spf: str
    dmarc: str


def run() -> Section:
    """Compare on one name server."""
    same, rows = compared()
    total = 2 * len(DOMAINS)
    head = (f"{len(DOMAINS)} domains, SPF and DMARC each: {same} of {total} verdicts are the same (validity, look-ups, "
            "void look-ups, ending; policy and the domain it stands at).")  # fmt: skip
    table = [f"| {row.name} | {row.what.upper()} | {row.ours} | {row.theirs} | {row.why} |" for row in rows]
    head_rows = ("", "| domain | | Hygie | checkdmarc | why |", "|---|---|---|---|---|") if table else ()
    return Section(title="SPF and DMARC verdicts", lines=(head, *head_rows, *table))


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One verdict that is not the same, and why."""

    name: str
    what: str
    ours: str
    theirs: str
    why: str


def compared() -> tuple[int, list[Difference]]:
    """Ask both about every domain; return how many verdicts are the same, and the others."""
    ours, theirs = asyncio.run(_both(str(peer("checkdmarc", "python"))))
    same, rows = 0, []
    for name in DOMAINS:
        for what in ("spf", "dmarc"):
            own, other = getattr(ours[name], what), getattr(theirs[name], what)
            same += own == other
            if own != other:
                why = KNOWN.get((name, what), UNEXPLAINED)
                rows.append(Difference(name=name, what=what, ours=own, theirs=other, why=why))
    return same, rows


async def _both(python: str) -> tuple[dict[str, Verdict], dict[str, Verdict]]:
    zone = dns.zone.from_text(ZONE, dns.name.from_text("test."), relativize=False)
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(nameserver.serving(NameServer(zones=(zone,), resolver=True), ADDRESS, PORT))
        ours = {name: await _ours(name) for name in DOMAINS}
        words = [python, "-c", _CHILD, ADDRESS, str(PORT), *(f"{name}.test" for name in DOMAINS)]
        child = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
        told, _ = await asyncio.wait_for(child.communicate(), 300)
    plain: dict[str, Any] = json.loads(told)
    return ours, {name: _theirs(plain[f"{name}.test"]) for name in DOMAINS}


async def _ours(name: str) -> Verdict:
    line = open_line(domains=["test"], resolver=ADDRESS, resolver_port=PORT, networks=())
    probe = MailProbe(MailSettings(resolver=ADDRESS, roots=(), usual_selectors=()))
    asset = Asset(kind=AssetKind.DOMAIN, name=f"{name}.test")
    facts = [y.fact async for y in probe.look(asset, line) if isinstance(y, Sight)]
    tree = next(f for f in facts if isinstance(f, SpfTree))
    policy = next(f for f in facts if isinstance(f, DmarcPolicy))
    return Verdict(spf=_spf(tree), dmarc=_dmarc(policy))


def _spf(tree: SpfTree) -> str:
    if tree.presence is Presence.ABSENT:
        return "absent"
    if tree.lookups > 10 or tree.voids > 2 or tree.faults:
        return "permanent error"
    return f"valid, {tree.lookups} look-ups, {tree.voids} void, {tree.ending or '?'}all"


def _dmarc(policy: DmarcPolicy) -> str:
    if not policy.record:
        return "absent or unusable"
    record = parse(policy.record)
    return f"p={record.policy.value if record.policy else 'none'} at {policy.found_at}"


def _theirs(told: dict[str, Any]) -> Verdict:
    spf, dmarc = told["spf"], told["dmarc"]
    ending = {"fail": "-", "softfail": "~", "neutral": "?", "pass": "+"}.get(str(spf["all"]), "")
    if spf["valid"]:
        said = f"valid, {spf['lookups']} look-ups, {spf['voids']} void, {ending}all"
    else:
        said = "absent" if not spf["record"] and "does not" in spf["error"] else "permanent error"
    policy = f"p={dmarc['policy']['p'] or 'none'} at {dmarc['at']}" if dmarc["valid"] else "absent or unusable"
    return Verdict(spf=said, dmarc=policy)
