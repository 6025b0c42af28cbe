"""What Kerberos is told of an account, and what its refusals mean; its libraries need not be there for either."""

from __future__ import annotations

import pytest

from probes.directory.sasl import account, realm_of, refused
from probes.directory.target import BindMethod, DirectoryTarget
from probes.interface import Reason
from probes.interface.secret import Secret


def target(user: str, bind: BindMethod = BindMethod.KERBEROS, realm: str = "") -> DirectoryTarget:
    return DirectoryTarget(url="ldap://dc1.chu.example", user=user, password=Secret("x"), bind=bind, realm=realm)


@pytest.mark.parametrize(
    ("user", "bind", "realm", "wanted"),
    [
        # a KDC knows its realm in capitals, however the account is written
        ("lecteur@chu.example", BindMethod.KERBEROS, "", ("lecteur@CHU.EXAMPLE", "CHU.EXAMPLE")),
        ("lecteur@chu.example", BindMethod.NEGOTIATE, "", ("lecteur@CHU.EXAMPLE", "CHU.EXAMPLE")),
        ("CHU\\lecteur", BindMethod.KERBEROS, "", ("lecteur@CHU.EXAMPLE", "CHU.EXAMPLE")),
        ("lecteur", BindMethod.KERBEROS, "", ("lecteur@CHU.EXAMPLE", "CHU.EXAMPLE")),
        ("lecteur@autre.example", BindMethod.KERBEROS, "FORET.EXAMPLE", ("lecteur@FORET.EXAMPLE", "FORET.EXAMPLE")),
        # NTLM takes what it is given
        ("CHU\\lecteur", BindMethod.NEGOTIATE, "", ("CHU\\lecteur", "CHU.EXAMPLE")),
        ("lecteur@chu.example", BindMethod.NTLM, "", ("lecteur@chu.example", "CHU.EXAMPLE")),
    ],
)
def test_an_account_in_its_realm(user: str, bind: BindMethod, realm: str, wanted: tuple[str, str]) -> None:
    one = target(user, bind, realm)
    assert (account(one), realm_of(one)) == wanted


class Krb5Error(Exception):
    """As libkrb5 tells it: the number of the protocol (RFC 4120 7.5.9), counted from the table's base."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error {number}")
        self.err_code = number - 1765328384


class SpnegoError(Exception):
    """As GSS-API tells it: the same number, unsigned, within."""

    def __init__(self, number: int) -> None:
        super().__init__(f"error {number}")
        self.base_error = type("GSSError", (), {"min_code": (number - 1765328384) % (1 << 32)})()


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (Krb5Error(24), Reason.CREDENTIALS),
        (Krb5Error(6), Reason.CREDENTIALS),
        (Krb5Error(18), Reason.DENIED),
        (Krb5Error(23), Reason.PASSWORD_EXPIRED),
        (Krb5Error(1), Reason.ACCOUNT_EXPIRED),
        (Krb5Error(37), Reason.DENIED),
        (Krb5Error(154), Reason.UNREACHABLE),
        (Krb5Error(60), Reason.SERVER_FAILURE),
        (SpnegoError(7), Reason.UNKNOWN_HOST),
        (ValueError("no token"), Reason.SERVER_FAILURE),
    ],
)
def test_a_refusal_of_the_kdc_is_typed(error: Exception, reason: Reason) -> None:
    told = refused(error)
    assert told.reason is reason
    assert told.detail.startswith("KDC: ")


def test_a_token_that_is_none_is_malformed() -> None:
    assert refused(ValueError("x"), Reason.MALFORMED).detail == "SPNEGO token: x"
