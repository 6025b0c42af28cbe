"""Rules on what answers by UDP: silence proves nothing there, only an answer or a refusal does."""

from __future__ import annotations

from collections.abc import Mapping

from probes.facts.services.answered import DatagramsAsked
from probes.interface import Observation
from rules.interface import Severity, Verdict, met, not_applicable, not_met, rule, undetermined

Seen = Observation[DatagramsAsked]
#: How much each answer weighs, by protocol; one that is not here may answer to the Internet.
_MANAGEMENT = {
    "ipmi": Severity.HIGH, "netbios": Severity.HIGH, "sql-browser": Severity.MEDIUM, "ssdp": Severity.MEDIUM,
    "tftp": Severity.HIGH, "snmp-3": Severity.INFO,
}  # fmt: skip
_REFLECTION = {
    "memcached": Severity.HIGH, "cldap": Severity.HIGH, "portmapper": Severity.HIGH, "ntp-control": Severity.MEDIUM,
    "ssdp": Severity.MEDIUM, "chargen": Severity.HIGH, "quote": Severity.MEDIUM, "echo": Severity.MEDIUM,
}  # fmt: skip
_BUILDING = {"bacnet": Severity.CRITICAL, "knx": Severity.CRITICAL}
#: What shows that the service itself is not there, or does not do what was asked.
_DENIED = frozenset({"refused", "other"})


def _answers(seen: Seen, weights: Mapping[str, Severity]) -> Verdict:
    asked = [(protocol, outcome) for _, protocol, _, outcome in seen.fact.asked if protocol in weights]
    if not asked:
        return not_applicable("not-asked")
    found = sorted({protocol for protocol, outcome in asked if outcome == "answered"})
    if found:
        worst = min((weights[protocol] for protocol in found), key=lambda severity: severity.rank)
        return not_met(severity=worst, protocols=", ".join(found))
    return met() if all(outcome in _DENIED for _, outcome in asked) else undetermined("silent")


@rule("snmp-public-community-refused", reads=DatagramsAsked)
def snmp_public(seen: Seen) -> Verdict:
    """No SNMP agent answers to the community "public"; an agent drops a wrong community without a word (RFC 3584)."""
    return _denied(seen, "snmp-public", ("snmp-3",))


@rule("ike-aggressive-mode-refused", reads=DatagramsAsked)
def aggressive_mode(seen: Seen) -> Verdict:
    """No VPN gateway agrees to aggressive mode with a pre-shared key, which hands out what to guess it from."""
    return _denied(seen, "ike-aggressive", ("ike", "ike-1"))


def _denied(seen: Seen, wanted: str, signs: tuple[str, ...]) -> Verdict:
    """Judge what a service denies by its silence: it counts where one of ``signs`` shows the service there."""
    places: dict[str, dict[str, str]] = {}
    for address, protocol, _, outcome in seen.fact.asked:
        places.setdefault(address, {})[protocol] = outcome
    outcomes = {a: p for a, p in places.items() if wanted in p}
    if not outcomes:
        # Where the service is, the question was above the level; elsewhere there is nobody to ask.
        there = any(p.get(sign) == "answered" for p in places.values() for sign in signs)
        return undetermined("level") if there else not_applicable("not-asked")
    open_to_all = sorted(a for a, p in outcomes.items() if p[wanted] == "answered")
    if open_to_all:
        return not_met(count=len(open_to_all), addresses=", ".join(open_to_all[:8]))
    sure = all(p[wanted] in _DENIED or "answered" in (p.get(sign) for sign in signs) for p in outcomes.values())
    return met() if sure else undetermined("silent")


@rule("management-datagrams-not-reachable", reads=DatagramsAsked)
def management(seen: Seen) -> Verdict:
    """No management or naming service answers the Internet by UDP."""
    return _answers(seen, _MANAGEMENT)


@rule("building-datagrams-not-reachable", reads=DatagramsAsked)
def building(seen: Seen) -> Verdict:
    """No building automation (BACnet, KNX) answers by UDP; it is asked only where the mandate says so."""
    return _answers(seen, _BUILDING)


@rule("datagram-reflection-not-offered", reads=DatagramsAsked)
def reflection(seen: Seen) -> Verdict:
    """Nothing answers forged questions with more than was asked (reflected denial of service)."""
    return _answers(seen, _REFLECTION)
