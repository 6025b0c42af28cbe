"""DANE for mail, as tables of examples: what a sender that checks it would do with the domain's mail."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from probes.facts.mail.exchange import StartTls
from rules.catalogue.mail_dane import dane_effective, dane_matches
from rules.interface import Outcome
from rules.views.mail import MailView
from tests.rules.test_mail import (
    ANCHOR,
    DANE,
    DAY,
    GOOD,
    LEAF,
    MET,
    NAMED,
    NOT_APPLICABLE,
    NOT_MET,
    PARKED,
    PUBLIC,
    ROOT,
    UNDETERMINED,
    UNKNOWN,
    WRONG,
    dane,
    host,
    view,
)

SHORT = replace(DANE, data=DANE.data[:40])
WHOLE = replace(DANE, selector=0, matching=0, data=b"a whole certificate".hex())
OWN = replace(LEAF, sha256=hashlib.sha256(b"a whole certificate").hexdigest())
LATE = replace(NAMED, not_after=DAY - timedelta(hours=1))
ELSE = replace(NAMED, names=("mail.provider.test",))


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (dane(DANE), MET),
        (dane(replace(DANE, matching=2, data=LEAF.key_sha512)), MET),
        (dane(WHOLE, chain=(OWN, ROOT)), MET),
        (dane(ANCHOR), MET),
        (dane(ANCHOR, chain=(NAMED, ROOT)), MET),
        # during a rollover the old digest stays beside the new one
        (dane(WRONG, DANE), MET),
        (dane(WRONG), NOT_MET),
        # the server's own key binds whatever the certificate's name and dates
        (dane(DANE, chain=(replace(LATE, names=ELSE.names), ROOT)), MET),
        # under an authority the name and the dates count
        (dane(ANCHOR, chain=(LATE, ROOT)), NOT_MET),
        (dane(ANCHOR, chain=(ELSE, ROOT)), NOT_MET),
        (dane(ANCHOR, chain=(replace(NAMED, names=("ch.test",)), ROOT)), MET),
        # an anchor is no leaf
        (dane(replace(ANCHOR, usage=3)), NOT_MET),
        # an authority that the server does not send, known by its digest alone; given whole it may sign all the same
        (dane(ANCHOR, chain=(NAMED,)), NOT_MET),
        (dane(replace(WHOLE, usage=2), chain=(NAMED,)), UNDETERMINED),
        # records of no use to SMTP ask for TLS, with any certificate
        (dane(PUBLIC), MET),
        (dane(SHORT), MET),
        (dane(PUBLIC, protection=StartTls.ABSENT, chain=()), NOT_MET),
        (dane(DANE, protection=StartTls.ABSENT, chain=()), NOT_MET),
        (dane(DANE, protection=StartTls.BROKEN, chain=()), NOT_MET),
        # an unsigned zone binds nobody, and nobody is blamed while that could not be told
        (dane(WRONG, secure=False), NOT_APPLICABLE),
        (dane(WRONG, secure=None), UNDETERMINED),
        (dane(DANE, secure=None), UNDETERMINED),
        (dane(DANE, protection=StartTls.UNKNOWN, chain=()), UNDETERMINED),
        (replace(dane(DANE), servers={}), UNDETERMINED),
        (replace(dane(DANE), servers={}, outside=("mx.ch.test",)), UNDETERMINED),
        # records that could not be read may bind
        (host(tlsa_presence=UNKNOWN), UNDETERMINED),
        (GOOD, NOT_APPLICABLE),
        (PARKED, NOT_APPLICABLE),
        (view(exchangers=None), UNDETERMINED),
    ],
)
def test_the_exchanger_is_one_that_senders_accept(seen: MailView, expected: Outcome) -> None:
    assert dane_matches.judge(seen).outcome is expected


@pytest.mark.parametrize(
    ("seen", "expected", "flaw"),
    [
        (dane(DANE), MET, None),
        # what cannot be used is ignored beside what can
        (dane(PUBLIC, DANE), MET, None),
        # that they are the wrong ones is for the other rule
        (dane(WRONG), MET, None),
        (dane(PUBLIC), NOT_MET, "tlsa-unusable"),
        (dane(SHORT), NOT_MET, "tlsa-unusable"),
        (dane(replace(DANE, matching=9)), NOT_MET, "tlsa-unusable"),
        (dane(DANE, secure=False), NOT_MET, "tlsa-not-signed"),
        (dane(DANE, secure=None), UNDETERMINED, None),
        (host(tlsa_presence=UNKNOWN), UNDETERMINED, None),
        (GOOD, NOT_APPLICABLE, None),
        (PARKED, NOT_APPLICABLE, None),
        (view(exchangers=None), UNDETERMINED, None),
    ],
)
def test_records_that_are_published_bind_senders(seen: MailView, expected: Outcome, flaw: str | None) -> None:
    verdict = dane_effective.judge(seen)
    assert (verdict.outcome, verdict.values.get("flaw")) == (expected, flaw)


def test_why_mail_would_wait_is_told() -> None:
    assert dane_matches.judge(dane(WRONG)).values == {"names": "mx.ch.test", "flaw": "certificate-in-no-tlsa"}
    assert dane_matches.judge(dane(DANE, protection=StartTls.ABSENT, chain=())).values["flaw"] == "starttls-absent"
