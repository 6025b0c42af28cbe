"""Rules on what answers by UDP: an answer, a refusal, a silence, and what was not asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from probes.facts.services.answered import DatagramsAsked
from probes.interface import Asset, AssetKind, Observation, Vantage
from rules.catalogue import service_datagram as datagram
from rules.interface import Outcome, Rule, Severity

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
A, B = "192.0.2.1", "192.0.2.2"


def seen(*asked: tuple[str, str, str]) -> Observation[DatagramsAsked]:
    return Observation(
        id="o",
        asset=Asset(kind=AssetKind.HOST, name="www.ch.test"),
        fact=DatagramsAsked(asked=tuple((address, protocol, 1, outcome) for address, protocol, outcome in asked)),
        seen_at=datetime(2026, 11, 24, tzinfo=UTC),
        probe="datagram@1",
        vantage=Vantage.INTERNET,
    )


@pytest.mark.parametrize(
    ("rule", "asked", "outcome", "severity"),
    [
        (datagram.snmp_public, [(A, "snmp-public", "answered")], NOT_MET, None),
        (datagram.snmp_public, [(A, "snmp-public", "refused"), (B, "snmp-public", "answered")], NOT_MET, None),
        (datagram.snmp_public, [(A, "snmp-public", "refused")], MET, None),
        # an agent is there, and keeps silent to a wrong community: that is how it refuses
        (datagram.snmp_public, [(A, "snmp-3", "answered"), (A, "snmp-public", "silent")], MET, None),
        (datagram.snmp_public, [(A, "snmp-3", "answered"), (B, "snmp-public", "silent")], UNDETERMINED, None),
        (datagram.snmp_public, [(A, "snmp-public", "silent")], UNDETERMINED, None),
        # at level 2 an agent is met and not asked; where none is met there is nobody to ask
        (datagram.snmp_public, [(A, "snmp-3", "answered")], UNDETERMINED, None),
        (datagram.snmp_public, [(A, "snmp-3", "silent")], NOT_APPLICABLE, None),
        (datagram.management, [(A, "ipmi", "answered"), (A, "ssdp", "silent")], NOT_MET, Severity.HIGH),
        (datagram.management, [(A, "ssdp", "answered")], NOT_MET, Severity.MEDIUM),
        # an agent that speaks SNMPv3 tells its existence, no more
        (datagram.management, [(A, "snmp-3", "answered")], NOT_MET, Severity.INFO),
        (datagram.management, [(A, "ipmi", "refused"), (A, "netbios", "refused")], MET, None),
        (datagram.management, [(A, "ipmi", "refused"), (A, "netbios", "silent")], UNDETERMINED, None),
        (datagram.management, [(A, "ntp", "answered")], NOT_APPLICABLE, None),
        (datagram.reflection, [(A, "memcached", "answered")], NOT_MET, Severity.HIGH),
        (datagram.reflection, [(A, "ntp-control", "answered")], NOT_MET, Severity.MEDIUM),
        # a public time server tells the time
        (datagram.reflection, [(A, "ntp", "answered"), (A, "cldap", "refused")], MET, None),
        (datagram.reflection, [(A, "cldap", "silent")], UNDETERMINED, None),
        (datagram.reflection, [], NOT_APPLICABLE, None),
        (datagram.reflection, [(A, "chargen", "answered"), (A, "echo", "refused")], NOT_MET, Severity.HIGH),
        (datagram.reflection, [(A, "quote", "answered"), (A, "echo", "answered")], NOT_MET, Severity.MEDIUM),
        # another protocol lives at that port
        (datagram.reflection, [(A, "chargen", "other"), (A, "echo", "refused")], MET, None),
        (datagram.management, [(A, "tftp", "answered")], NOT_MET, Severity.HIGH),
        (datagram.management, [(A, "tftp", "silent")], UNDETERMINED, None),
        (datagram.building, [(A, "bacnet", "answered"), (A, "knx", "refused")], NOT_MET, Severity.CRITICAL),
        (datagram.building, [(A, "bacnet", "refused"), (A, "knx", "refused")], MET, None),
        (datagram.building, [(A, "bacnet", "silent"), (A, "knx", "refused")], UNDETERMINED, None),
        # the mandate does not let devices be asked
        (datagram.building, [(A, "ntp", "answered")], NOT_APPLICABLE, None),
        (datagram.aggressive_mode, [(A, "ike-aggressive", "answered")], NOT_MET, None),
        # a gateway that says no, or is silent to that mode alone: VPNs may face the Internet
        (datagram.aggressive_mode, [(A, "ike-1", "answered"), (A, "ike-aggressive", "other")], MET, None),
        (datagram.aggressive_mode, [(A, "ike", "answered"), (A, "ike-aggressive", "silent")], MET, None),
        (datagram.aggressive_mode, [(A, "ike", "silent"), (A, "ike-aggressive", "silent")], UNDETERMINED, None),
        (datagram.aggressive_mode, [(A, "ike-aggressive", "refused")], MET, None),
        # at level 2 a gateway is met and not asked
        (datagram.aggressive_mode, [(A, "ike", "answered")], UNDETERMINED, None),
    ],
)
def test_rules(rule: Rule, asked: list[tuple[str, str, str]], outcome: Outcome, severity: Severity | None) -> None:
    verdict = rule.judge(seen(*asked))
    assert (verdict.outcome, verdict.severity) == (outcome, severity)
