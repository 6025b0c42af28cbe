"""How a domain's mail travels: exchangers with their TLSA records, MTA-STS with its policy file, and TLS-RPT."""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace

from probes.facts.dns import Presence
from probes.facts.mail import transport
from probes.facts.mail.exchange import Exchanger, Exchangers, PolicyState, Tlsa, TransportPolicies
from probes.facts.mail.tags import TagSyntaxError
from probes.interface import MANDATED, Line, ProbeError, Reason, canonical_name
from probes.mail.lookup import Lookup
from probes.web.fetch import Answer, fetch

_MOST_HOSTS = 20


async def exchangers(lookup: Lookup, domain: str) -> Exchangers:
    """Return who takes the domain's mail."""
    found = await lookup.find(domain, "MX")
    own = await lookup.addressed(domain)
    if found.presence is Presence.UNKNOWN:
        return Exchangers(presence=Presence.UNKNOWN, address=own.presence, reason=found.reason)
    pairs = sorted(_pair(value) for value in found.values)
    null = [name for _, name in pairs] == [""]
    hosts = [await _exchanger(lookup, name, number) for number, name in pairs[:_MOST_HOSTS] if name]
    bound = any(host.tlsa_secure for host in hosts)
    return Exchangers(
        presence=found.presence,
        null=null,
        hosts=tuple(hosts),
        address=own.presence,
        secure=await lookup.secure(domain, "MX") if bound else None,
    )


def _pair(value: str) -> tuple[int, str]:
    number, _, name = value.partition(" ")
    return int(number), canonical_name(name)


async def _exchanger(lookup: Lookup, name: str, preference: int) -> Exchanger:
    addressed = await lookup.addressed(name)
    gone = addressed.nonexistent
    service = f"_25._tcp.{name}"
    tlsa = await lookup.find(service, "TLSA")
    return Exchanger(
        name=name,
        preference=preference,
        addressed=addressed.presence,
        alias=addressed.alias,
        nonexistent=gone,
        registered=await lookup.registered(name) if gone else Presence.UNKNOWN,
        tlsa=tuple(filter(None, map(_tlsa, tlsa.values[:20]))),
        tlsa_presence=tlsa.presence,
        tlsa_secure=await lookup.secure(service, "TLSA") if tlsa.values else None,
        reason=addressed.reason,
    )


def _tlsa(value: str) -> Tlsa | None:
    match = re.fullmatch(r"(\d{1,3}) (\d{1,3}) (\d{1,3}) ([0-9a-fA-F ]{1,8192})", value)
    if match is None:
        return None
    return Tlsa(
        usage=int(match[1]), selector=int(match[2]), matching=int(match[3]), data=match[4].replace(" ", "").lower()
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyHost:
    """How the policy host is reached: its port and the trust anchors (PEM file, "" for the system's)."""

    port: int
    anchors: str


async def transport_policies(lookup: Lookup, line: Line, domain: str, host: PolicyHost) -> TransportPolicies:
    """Return MTA-STS and TLS-RPT as senders would read them."""
    sts = await lookup.find(f"_mta-sts.{domain}", "TXT")
    reports = await lookup.find(f"_smtp._tls.{domain}", "TXT")
    texts = [text for text in sts.values if text.startswith("v=STSv1")]
    presence = sts.presence if texts or sts.presence is Presence.UNKNOWN else Presence.ABSENT
    seen = TransportPolicies(
        sts=presence,
        sts_fault=_fault(texts, transport.parse_record),
        reports=_presence(reports.presence, reports.values, "v=TLSRPTv1"),
        reports_fault=_fault([t for t in reports.values if t.startswith("v=TLSRPTv1")], transport.parse_tls_rpt),
        reason=sts.reason,
    )
    return await _with_policy(seen, line, domain, host) if texts else seen


def _presence(presence: Presence, values: tuple[str, ...], start: str) -> Presence:
    if presence is not Presence.PRESENT:
        return presence
    return Presence.PRESENT if any(text.startswith(start) for text in values) else Presence.ABSENT


def _fault(texts: list[str], parse: Callable[[str], object]) -> str:
    if len(texts) > 1:
        return f"{len(texts)} records"
    for text in texts:
        try:
            parse(text)
        except TagSyntaxError as error:
            return str(error)[:200]
    return ""


async def _with_policy(seen: TransportPolicies, line: Line, domain: str, host: PolicyHost) -> TransportPolicies:
    """Add the policy file, fetched as RFC 8461 3.3 wants: strict TLS, no redirect, plain text."""
    name = f"mta-sts.{domain}"
    try:
        addresses = await line.resolve(name)
        if not addresses:
            return replace(seen, policy=PolicyState.ABSENT, policy_detail="no-address")
        answer = await fetch(
            line,
            str(addresses[0]),
            f"https://{name}:{host.port}/.well-known/mta-sts.txt",
            tls=_strict(host.anchors),
            cap=transport.LONGEST_POLICY,
        )
    except ProbeError as error:
        if error.reason is Reason.INTERRUPTED:
            raise
        state = _state(error)
        return replace(seen, policy=state, policy_detail="" if state is PolicyState.CERTIFICATE else error.reason.value)
    return _read(seen, answer)


def _strict(anchors: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=anchors or None)


def _state(error: ProbeError) -> PolicyState:
    if error.reason in MANDATED:
        return PolicyState.OUT_OF_SCOPE
    if error.reason is Reason.CERTIFICATE:
        return PolicyState.CERTIFICATE
    return PolicyState.ABSENT if error.reason in {Reason.UNKNOWN_HOST, Reason.REFUSED} else PolicyState.UNKNOWN


def _read(seen: TransportPolicies, answer: Answer) -> TransportPolicies:
    if 300 <= answer.status < 400:
        return replace(seen, policy=PolicyState.REDIRECTED, policy_detail=str(answer.status))
    if answer.status != 200:
        state = PolicyState.ABSENT if answer.status in {404, 410} else PolicyState.UNKNOWN
        return replace(seen, policy=state, policy_detail=str(answer.status))
    if not answer.header("content-type").lower().startswith("text/plain"):
        return replace(seen, policy=PolicyState.MALFORMED, policy_detail="not text/plain")
    try:
        policy = transport.parse_policy(answer.text)
    except TagSyntaxError as error:
        return replace(seen, policy=PolicyState.MALFORMED, policy_detail=str(error)[:200])
    return replace(
        seen,
        policy=PolicyState.READ,
        mode=policy.mode.value,
        max_age=policy.max_age,
        patterns=policy.mx[:50],
    )
