"""Rules on how a TLS endpoint reacts to messages that must be refused (CVE-2014-0160, CVE-2014-0224)."""

from __future__ import annotations

from probes.facts.tls_behaviour import Reaction, TlsBehaviour
from probes.interface import Observation
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined


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
