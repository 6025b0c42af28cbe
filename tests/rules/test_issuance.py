"""CAA beside the certificates that are served: authorised, not, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from probes.facts.dns import DnsRecords, Presence, RecordSet
from probes.facts.tls import CertificateChain, PathState
from probes.interface import Asset, AssetKind, Fact, Mandate, Observation, Part, Scope, Vantage
from rules.catalogue import certificate
from rules.interface import Maturity, Outcome
from rules.profiles import caa_domains
from rules.registry import load
from rules.subject import Perimeter, Record, Scan, ScanPart, Timeline
from rules.views.issuance import IssuanceView, issuances

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED
DAY = datetime(2026, 11, 24, tzinfo=UTC)
SERVICE = Asset(kind=AssetKind.SERVICE, name="tcp/443@www.ch.test")
LEAF = CertificateChain(
    address="192.0.2.1", sni="www.ch.test", subject="CN=www.ch.test", issuer="CN=R11,O=Let's Encrypt,C=US",
    names=("www.ch.test",), not_before=DAY - timedelta(days=20), not_after=DAY + timedelta(days=70), key_type="EC",
    key_bits=256, signature="", self_signed=False, length=2, sha256="", spki_sha256="", serial="1", name_matches=True,
    path=PathState.FOUND, store="essai", public=True,
)  # fmt: skip
WILD = replace(LEAF, names=("*.ch.test",))
STRANGER = replace(LEAF, issuer="CN=X1,O=Autorité inconnue,C=FR")
GODADDY = replace(LEAF, issuer="CN=G2,O=GoDaddy.com\\, Inc.,L=Scottsdale,C=US")


def caa(owner: str, *values: str, unknown: bool = False, alias: str = "") -> RecordSet:
    presence = Presence.UNKNOWN if unknown else Presence.PRESENT if values else Presence.ABSENT
    return RecordSet(
        owner=owner, rdtype="CAA", presence=presence, values=values, alias=alias, asked="authoritative",
        reason="timed-out" if unknown else "",
    )  # fmt: skip


def built(fact: Fact, *sets: RecordSet) -> list[IssuanceView]:
    scope = Scope(domains=("ch.test",))
    mandate = Mandate(
        reference="M", signatory="D", document_sha256="", valid_from=date(2026, 1, 1), valid_until=date(2026, 12, 31),
        level=2, scope=scope,
    )  # fmt: skip
    part = ScanPart(kind=Part.EXPOSURE, box="out", vantage=Vantage.INTERNET, started_at=DAY, ended_at=DAY)
    scan = Scan(
        id="s", perimeter=Perimeter(id="ch", name="CH", unit="ej"), mandate=mandate, parts=(part,), level=2,
        state="complete", versions={}, config_digest="",
    )  # fmt: skip
    facts: list[tuple[Asset, Fact]] = [(SERVICE, fact)]
    if sets:
        facts.append((Asset(kind=AssetKind.DOMAIN, name="ch.test"), DnsRecords(sets=sets)))
    observations = tuple(
        Observation(id=f"o{i}", asset=asset, fact=f, seen_at=DAY, probe="p@1", vantage=Vantage.INTERNET)
        for i, (asset, f) in enumerate(facts)
    )
    record = Record(
        scan=scan, assets=(SERVICE,), observations=observations, attempts=(), feeds={}, timeline=Timeline(),
        read_capture=lambda digest: b"",
    )  # fmt: skip
    return [v for v in issuances.build(record) if isinstance(v, IssuanceView)]


NONE, ABOVE = caa("www.ch.test"), caa("ch.test", '0 issue "letsencrypt.org"')
OTHERS = caa("ch.test", '0 issue "certigna.fr"', '0 iodef "mailto:rssi@ch.test"')


@pytest.mark.parametrize(
    ("fact", "sets", "expected"),
    [
        (LEAF, (NONE, ABOVE), MET),
        (LEAF, (NONE, OTHERS), NOT_MET),
        # the closest records count, whatever is above
        (LEAF, (caa("www.ch.test", '0 issue "letsencrypt.org"'), OTHERS), MET),
        (LEAF, (caa("www.ch.test", '0 issue "certigna.fr"'), ABOVE), NOT_MET),
        # parameters, upper case, several authorities
        (LEAF, (NONE, caa("ch.test", '0 issue "certigna.fr"', '0 ISSUE "LetsEncrypt.org; accounturi=x"')), MET),
        # nobody may issue
        (LEAF, (NONE, caa("ch.test", '0 issue ";"')), NOT_MET),
        # a name by a wildcard follows issuewild where there is one
        (WILD, (NONE, caa("ch.test", '0 issue "letsencrypt.org"', '0 issuewild ";"')), NOT_MET),
        (WILD, (NONE, caa("ch.test", '0 issue ";"', '0 issuewild "letsencrypt.org"')), MET),
        (LEAF, (NONE, caa("ch.test", '0 issue "letsencrypt.org"', '0 issuewild ";"')), MET),
        # a value with a comma in the issuer's name
        (GODADDY, (NONE, caa("ch.test", '0 issue "godaddy.com"')), MET),
        # where to write to restricts nobody
        (LEAF, (NONE, caa("ch.test", '0 iodef "mailto:rssi@ch.test"')), NOT_APPLICABLE),
        (LEAF, (NONE, caa("ch.test")), NOT_APPLICABLE),
        (LEAF, (), UNDETERMINED),
        (LEAF, (ABOVE,), UNDETERMINED),
        # a hosted name, of which the parent is not ours to ask
        (replace(LEAF, sni="ch.host.test", names=("ch.host.test",)), (caa("ch.host.test"), OTHERS), UNDETERMINED),
        (LEAF, (caa("www.ch.test", unknown=True), OTHERS), UNDETERMINED),
        (LEAF, (NONE, caa("ch.test", unknown=True)), UNDETERMINED),
        (LEAF, (caa("www.ch.test", alias="ch.edgekey.test"), OTHERS), UNDETERMINED),
        (STRANGER, (NONE, OTHERS), UNDETERMINED),
    ],
)
def test_the_issuer_is_one_that_caa_names(fact: Fact, sets: tuple[RecordSet, ...], expected: Outcome) -> None:
    (seen,) = built(fact, *sets)
    assert certificate.issuer_authorised.judge(seen).outcome is expected


def test_private_and_foreign_certificates_have_no_view() -> None:
    assert not built(replace(LEAF, public=False), NONE, OTHERS)
    assert not built(replace(LEAF, name_matches=False), NONE, OTHERS)
    assert not built(replace(LEAF, sni="", name_matches=None), NONE, OTHERS)


def test_it_feeds_no_criterion_before_a_person_has_checked_the_table() -> None:
    assert load().cards[certificate.issuer_authorised.id].maturity is Maturity.REVIEW
    assert caa_domains()["Let's Encrypt"] == {"letsencrypt.org"}
