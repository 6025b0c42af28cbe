"""The grammars of mail records: what is read, what is refused, and nothing else is ever raised."""

from __future__ import annotations

import base64
import contextlib

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from probes.facts.mail import dkim, dmarc, spf, transport
from probes.facts.mail.dmarc import Policy
from probes.facts.mail.spf import Mechanism, Qualifier, SpfSyntaxError
from probes.facts.mail.tags import TagSyntaxError
from probes.facts.mail.transport import Mode


@pytest.mark.parametrize(
    ("text", "mechanisms", "redirect"),
    [
        ("v=spf1", (), ""),
        ("v=spf1 -all", (Mechanism(qualifier=Qualifier.FAIL, name="all"),), ""),
        ("V=SPF1 MX ~ALL", (_mx := Mechanism(qualifier=Qualifier.PASS, name="mx"), _soft := Mechanism(
            qualifier=Qualifier.SOFTFAIL, name="all")), ""),
        ("v=spf1  mx   ~all ", (_mx, _soft), ""),
        ("v=spf1 a:mail.ch.test/24//64", (Mechanism(
            qualifier=Qualifier.PASS, name="a", value="mail.ch.test", prefix4=24, prefix6=64),), ""),
        ("v=spf1 a/28", (Mechanism(qualifier=Qualifier.PASS, name="a", prefix4=28),), ""),
        ("v=spf1 ip4:192.0.2.7/24", (Mechanism(qualifier=Qualifier.PASS, name="ip4", value="192.0.2.0/24"),), ""),
        ("v=spf1 ?ip6:2001:db8::/32", (Mechanism(qualifier=Qualifier.NEUTRAL, name="ip6", value="2001:db8::/32"),), ""),
        ("v=spf1 exists:%{i}._spf.%{d2}.ch.test", (Mechanism(
            qualifier=Qualifier.PASS, name="exists", value="%{i}._spf.%{d2}.ch.test"),), ""),
        ("v=spf1 redirect=_spf.ght.test", (), "_spf.ght.test"),
        ("v=spf1 future=anything redirect=_spf.ght.test", (), "_spf.ght.test"),
    ],
)  # fmt: skip
def test_spf_is_read(text: str, mechanisms: tuple[Mechanism, ...], redirect: str) -> None:
    record = spf.parse(text)
    assert (record.mechanisms, record.redirect) == (mechanisms, redirect)


@pytest.mark.parametrize(
    "text",
    [
        "v=spf1 include",
        "v=spf1 include:",
        "v=spf1 a:",
        "v=spf1 ip4:192.0.2.300",
        "v=spf1 ip4:192.0.2.0/33",
        "v=spf1 ip4:192.0.2.0/255.255.255.0",
        "v=spf1 ip6:192.0.2.1",
        "v=spf1 a/33",
        "v=spf1 all:ch.test",
        "v=spf1 ipv4:192.0.2.1",
        "v=spf1 redirect=a.test redirect=b.test",
        "v=spf1 include:%{z}.test",
        "v=spf1 - all",
    ],
)
def test_spf_that_receivers_refuse_is_refused(text: str) -> None:
    with pytest.raises(SpfSyntaxError):
        spf.parse(text)


@pytest.mark.parametrize("text", [" v=spf1 -all", "v=spf10 -all", "v=spf1-all", "spf2.0/pra -all", ""])
def test_what_is_not_spf_is_not_taken_for_it(text: str) -> None:
    assert not spf.is_spf(text)


def test_which_terms_cost_a_look_up() -> None:
    record = spf.parse("v=spf1 ip4:192.0.2.1 a mx ptr exists:x.test include:y.test -all")
    assert [m.name for m in record.mechanisms if m.asks] == ["a", "mx", "ptr", "exists", "include"]


@given(st.text(max_size=300))
def test_spf_raises_nothing_else(text: str) -> None:
    with contextlib.suppress(SpfSyntaxError):
        spf.parse("v=spf1 " + text)


def test_dmarc_is_read() -> None:
    record = dmarc.parse("v=DMARC1; p=Reject; sp=quarantine; pct=50; rua=mailto:a@b.test!10m,mailto:c@d.test")
    assert (record.policy, record.subdomain, record.percent) == (Policy.REJECT, Policy.QUARANTINE, 50)
    assert record.aggregate == ("mailto:a@b.test", "mailto:c@d.test")
    assert record.removed == ("pct",)


def test_dmarc_without_known_policy_but_with_reports_acts_as_none() -> None:
    assert dmarc.parse("v=DMARC1; p=enforce; rua=mailto:a@b.test").policy is None


@pytest.mark.parametrize(
    "text", ["v=DMARC1", "v=DMARC1; p=", "v=DMARC1; p=none; p=reject", "p=none; v=DMARC1", "v=dmarc1; p=none"]
)
def test_dmarc_that_receivers_ignore_is_refused(text: str) -> None:
    with pytest.raises(TagSyntaxError):
        dmarc.parse(text)


def _key(bits: int) -> str:
    der = (
        rsa.generate_private_key(65537, bits).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    return base64.b64encode(der).decode()


def test_dkim_keys() -> None:
    assert dkim.parse(f"v=DKIM1; k=rsa; t=y:s; p={_key(1024)}") == dkim.DkimKey(
        algorithm="rsa", bits=1024, revoked=False, testing=True
    )
    assert dkim.parse("v=DKIM1; p=").revoked
    assert dkim.parse(f"k=ed25519; p={base64.b64encode(bytes(32)).decode()}").bits == 256
    for wrong in ("v=DKIM2; p=", "v=DKIM1", "v=DKIM1; p=@@", "v=DKIM1; p=AAAA", "v=DKIM1; k=dsa; p=AAAA"):
        with pytest.raises(TagSyntaxError):
            dkim.parse(wrong)


def test_mta_sts() -> None:
    assert transport.parse_record("v=STSv1; id=20261124T000000;") == "20261124T000000"
    policy = transport.parse_policy(
        "version: STSv1\r\nmode: enforce\r\nmx: *.ch.test\r\nmx: mx.ght.test\r\nmax_age: 86400\r\n"
    )
    assert (policy.mode, policy.max_age) == (Mode.ENFORCE, 86400)
    assert policy.matches("MX1.ch.test.")
    assert policy.matches("mx.ght.test")
    assert not policy.matches("a.b.ch.test")
    assert not policy.matches("ch.test")
    for wrong in ("v=STSv1; id=", "id=1; v=STSv1", "v=STSv2; id=1"):
        with pytest.raises(TagSyntaxError):
            transport.parse_record(wrong)
    for text in ("", "version: STSv1\nmode: enforce\nmax_age: 1", "version: STSv1\nmode: on\nmx: a\nmax_age: 1"):
        with pytest.raises(TagSyntaxError):
            transport.parse_policy(text)


def test_tls_rpt() -> None:
    assert transport.parse_tls_rpt("v=TLSRPTv1; rua=mailto:a@b.test,https://c.test/r") == (
        "mailto:a@b.test",
        "https://c.test/r",
    )
    with pytest.raises(TagSyntaxError):
        transport.parse_tls_rpt("v=TLSRPTv1; rua=a@b.test")


@given(st.text(max_size=200))
def test_tag_grammars_raise_nothing_else(text: str) -> None:
    for read, start in (
        (dmarc.parse, "v=DMARC1; "),
        (dkim.parse, "v=DKIM1; p="),
        (transport.parse_record, "v=STSv1; "),
        (transport.parse_policy, "version: STSv1\n"),
        (transport.parse_tls_rpt, "v=TLSRPTv1; "),
    ):
        with contextlib.suppress(TagSyntaxError):
            read(start + text)
