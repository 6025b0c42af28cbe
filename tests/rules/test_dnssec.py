"""Rules on DNSSEC: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from probes.facts.dnssec import DelegationSigner, Flaw, Security, SignatureSeen, ZoneKey, ZoneSecurity
from probes.interface import Asset, AssetKind, Observation, Vantage
from rules.catalogue import dnssec
from rules.interface import Outcome, Rule, Verdict

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)


def signature(left: float, life: float, **more: object) -> SignatureSeen:
    end = DAY + timedelta(days=left)
    usual = SignatureSeen(
        owner="ch.test", rdtype="SOA", tag=1, algorithm=13, inception=end - timedelta(days=life), expiration=end
    )
    return replace(usual, **more)  # type: ignore[arg-type]


GOOD = ZoneSecurity(
    zone="ch.test",
    security=Security.SECURE,
    flaw=Flaw.NONE,
    ended_at="ch.test",
    detail="",
    anchors="IANA",
    signers=(DelegationSigner(tag=1, algorithm=13, digest_type=2),),
    keys=(ZoneKey(tag=1, algorithm=13, bits=256, entry_point=True),),
    signatures=(signature(12, 14),),
)
UNSIGNED = replace(GOOD, security=Security.INSECURE, flaw=Flaw.NO_DS, signers=(), keys=(), signatures=())
SILENT = replace(UNSIGNED, security=Security.INDETERMINATE, flaw=Flaw.SILENT)
BROKEN = replace(GOOD, security=Security.BOGUS, flaw=Flaw.EXPIRED, signatures=(signature(-2, 14),))
NO_CHOICE = replace(UNSIGNED, security=Security.INDETERMINATE, flaw=Flaw.NO_ANCHOR)


def keyed(algorithm: int, bits: int) -> ZoneSecurity:
    return replace(GOOD, keys=(ZoneKey(tag=1, algorithm=algorithm, bits=bits, entry_point=True),))


def judged(rule: Rule, fact: ZoneSecurity) -> Verdict:
    asset = Asset(kind=AssetKind.DOMAIN, name="ch.test")
    seen = Observation(id="o", asset=asset, fact=fact, seen_at=DAY, probe="dnssec@1", vantage=Vantage.INTERNET)
    return rule.judge(seen)


@pytest.mark.parametrize(
    ("rule", "fact", "expected"),
    [
        (dnssec.chain_valid, GOOD, MET),
        (dnssec.chain_valid, BROKEN, NOT_MET),
        (dnssec.chain_valid, UNSIGNED, NOT_APPLICABLE),
        # a zone signed only by algorithms nobody can check is, for everybody, not signed
        (dnssec.chain_valid, replace(UNSIGNED, flaw=Flaw.UNSUPPORTED), NOT_APPLICABLE),
        (dnssec.chain_valid, SILENT, UNDETERMINED),
        (dnssec.chain_valid, NO_CHOICE, NOT_APPLICABLE),
        (dnssec.algorithms_strong, GOOD, MET),
        (dnssec.algorithms_strong, keyed(8, 2048), MET),
        (dnssec.algorithms_strong, keyed(8, 1024), NOT_MET),
        (dnssec.algorithms_strong, keyed(5, 2048), NOT_MET),
        (dnssec.algorithms_strong, keyed(7, 4096), NOT_MET),
        (
            dnssec.algorithms_strong,
            replace(GOOD, signers=(DelegationSigner(tag=1, algorithm=13, digest_type=1),)),
            NOT_MET,
        ),
        # a SHA-1 digest left beside a SHA-256 one of the same key
        (
            dnssec.algorithms_strong,
            replace(GOOD, signers=(*GOOD.signers, DelegationSigner(tag=1, algorithm=13, digest_type=1))),
            MET,
        ),
        (dnssec.algorithms_strong, UNSIGNED, NOT_APPLICABLE),
        (dnssec.algorithms_strong, SILENT, UNDETERMINED),
        (dnssec.hashing_without_iterations, GOOD, MET),
        (dnssec.hashing_without_iterations, replace(GOOD, nsec3_iterations=0, nsec3_salt_bytes=4), MET),
        (dnssec.hashing_without_iterations, replace(GOOD, nsec3_iterations=10), NOT_MET),
        (dnssec.hashing_without_iterations, UNSIGNED, NOT_APPLICABLE),
        (dnssec.hashing_without_iterations, SILENT, UNDETERMINED),
        (dnssec.signatures_renewed_in_time, GOOD, MET),
        (dnssec.signatures_renewed_in_time, replace(GOOD, signatures=(signature(2, 30),)), NOT_MET),
        (dnssec.signatures_renewed_in_time, BROKEN, NOT_MET),
        # a server that signs on the spot: two days at the most, made anew at every answer
        (dnssec.signatures_renewed_in_time, replace(GOOD, signatures=(signature(1, 2),)), MET),
        # the old signature of a set that has a newer one
        (dnssec.signatures_renewed_in_time, replace(GOOD, signatures=(signature(1, 30), signature(25, 30))), MET),
        # one server of two was left behind
        (
            dnssec.signatures_renewed_in_time,
            replace(GOOD, signatures=(signature(1, 30, server="a"), signature(25, 30, server="b"))),
            NOT_MET,
        ),
        (dnssec.signatures_renewed_in_time, UNSIGNED, NOT_APPLICABLE),
        (dnssec.signatures_renewed_in_time, SILENT, UNDETERMINED),
    ],
)
def test_dnssec(rule: Rule, fact: ZoneSecurity, expected: Outcome) -> None:
    assert judged(rule, fact).outcome is expected


def test_the_card_of_a_broken_chain_quotes_where_and_why() -> None:
    values = judged(dnssec.chain_valid, replace(BROKEN, ended_at="test", detail="DS")).values
    assert values == {"zone": "test", "flaw": "signature-expired", "detail": "DS"}
