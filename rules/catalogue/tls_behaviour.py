"""Rules on how a TLS endpoint reacts to messages that must be refused (CVE-2014-0160, CVE-2014-0224, ROBOT…)."""

from __future__ import annotations

from probes.facts.tls_behaviour import Oracle, Reaction, TlsBehaviour
from probes.interface import Observation
from rules.interface import Severity, Verdict, met, not_applicable, not_met, rule, undetermined


def _refused(seen: Observation[TlsBehaviour], reaction: Reaction) -> Verdict:
    if not seen.fact.older_spoken:
        return not_applicable("tls12-not-spoken")
    if reaction is Reaction.UNKNOWN:
        return undetermined("reaction-not-told")
    return met() if reaction is Reaction.NOT_VULNERABLE else not_met(address=seen.fact.address)


@rule("tls-heartbeat-bounded", reads=TlsBehaviour)
def heartbeat_bounded(seen: Observation[TlsBehaviour]) -> Verdict:
    """A heartbeat that announces more than it holds is not answered (Heartbleed)."""
    return _refused(seen, seen.fact.heartbleed)


@rule("tls-early-cipher-change-refused", reads=TlsBehaviour)
def early_cipher_change_refused(seen: Observation[TlsBehaviour]) -> Verdict:
    """A ChangeCipherSpec that comes before the keys is refused."""
    return _refused(seen, seen.fact.early_cipher_change)


@rule("tls-rsa-exchange-tells-nothing", reads=TlsBehaviour)
def rsa_exchange_tells_nothing(seen: Observation[TlsBehaviour]) -> Verdict:
    """Whatever the padding of an encrypted key, the answer is the same (RFC 5246 7.4.7.1); a weak oracle is slow."""
    oracle = seen.fact.padding_oracle
    if not seen.fact.older_spoken:
        return not_applicable("tls12-not-spoken")
    if oracle is Oracle.NO_OBJECT:
        return not_applicable("no-rsa-exchange")
    if oracle is Oracle.NONE:
        return met()
    if oracle in {Oracle.WEAK, Oracle.STRONG}:
        severity = Severity.MEDIUM if oracle is Oracle.WEAK else None
        return not_met(severity=severity, address=seen.fact.address, oracle=oracle.value)
    return undetermined("reaction-not-told" if oracle is Oracle.UNKNOWN else "reactions-inconsistent")


@rule("tls-ticket-echo-bounded", reads=TlsBehaviour)
def ticket_echo_bounded(seen: Observation[TlsBehaviour]) -> Verdict:
    """A session resumed by ticket is answered with the session id that was sent, and no more (RFC 5077 3.4)."""
    return _refused(seen, seen.fact.ticket_echo)
