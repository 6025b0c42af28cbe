"""Rules on remote access: met, not met, could not tell, and the odd but healthy."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from probes.facts.services.answered import Access, Greeted, ServiceAnswered, Talk
from probes.facts.services.remote import FtpAnswered, LdapAnswered, SmbAnswered, SshAnswered
from probes.interface import Asset, AssetKind, Observation, Vantage
from rules.catalogue import service_remote as remote
from rules.interface import Outcome, Rule, Severity

MET, NOT_MET, NOT_APPLICABLE, UNDETERMINED = Outcome.MET, Outcome.NOT_MET, Outcome.NOT_APPLICABLE, Outcome.UNDETERMINED


def ssh(
    *weak: str,
    protocols: str = "2.0",
    keys: tuple[str, ...] = ("rsa-sha2-512", "ssh-ed25519"),
    talk: Talk = Talk.SPOKEN,
) -> SshAnswered:
    """An OpenSSH of today as its packager ships it, and what an old hand added to its ciphers."""
    return SshAnswered(
        address="192.0.2.1", protocol="ssh", talk=talk, protocols=protocols, host_keys=keys,
        key_exchange=("curve25519-sha256", "diffie-hellman-group14-sha256"),
        ciphers=("chacha20-poly1305@openssh.com", "aes128-ctr", *weak),
        macs=("umac-64@openssh.com", "hmac-sha2-256", "hmac-sha1"),
    )  # fmt: skip


def exchanged(*names: str) -> SshAnswered:
    return replace(ssh(), key_exchange=("curve25519-sha256", *names))


def smb(signed: bool | None) -> SmbAnswered:
    return SmbAnswered(address="192.0.2.1", protocol="smb", talk=Talk.SPOKEN, signing_required=signed)


def ftp(tls: bool | None, talk: Talk = Talk.SPOKEN) -> FtpAnswered:
    return FtpAnswered(address="192.0.2.1", protocol="ftp", talk=talk, encryption=tls)


def ldap(access: Access) -> LdapAnswered:
    return LdapAnswered(
        address="192.0.2.1", protocol="ldap", talk=Talk.SPOKEN, access=access, naming_contexts=("DC=ch,DC=test",)
    )


def anonymous(access: Access, *, asked: bool = True, talk: Talk = Talk.SPOKEN) -> FtpAnswered:
    return FtpAnswered(address="192.0.2.1", protocol="ftp", talk=talk, anonymous=access, anonymous_asked=asked)


def greeted(protocol: str, access: Access, talk: Talk = Talk.SPOKEN) -> Greeted:
    return Greeted(address="192.0.2.1", protocol=protocol, talk=talk, access=access)


@pytest.mark.parametrize(
    ("rule", "fact", "outcome"),
    [
        (remote.ssh_version_one, ssh(), MET),
        (remote.ssh_version_one, ssh(protocols="1.99"), NOT_MET),
        (remote.ssh_version_one, ssh(protocols=""), UNDETERMINED),
        (remote.ssh_algorithms, ssh(), MET),
        (remote.ssh_algorithms, ssh("aes256-cbc"), NOT_MET),
        (remote.ssh_algorithms, ssh(keys=("ssh-rsa",)), NOT_MET),
        (remote.ssh_algorithms, ssh(keys=("ssh-rsa", "rsa-sha2-512")), MET),
        (remote.ssh_algorithms, ssh(keys=()), UNDETERMINED),
        (remote.ssh_algorithms, ssh("3des-cbc", keys=()), NOT_MET),
        (remote.ssh_algorithms, ssh(talk=Talk.SILENT), UNDETERMINED),
        (remote.ssh_algorithms, exchanged("diffie-hellman-group1-sha1"), NOT_MET),
        (remote.ssh_algorithms, exchanged("diffie-hellman-group14-sha1"), NOT_MET),
        # post-quantum, with the markers of strict key exchange and of extensions
        (remote.ssh_algorithms, exchanged("mlkem768x25519-sha256", "kex-strict-s-v00@openssh.com", "ext-info-s"), MET),
        (remote.smb_signing, smb(True), MET),
        (remote.smb_signing, smb(False), NOT_MET),
        (remote.smb_signing, smb(None), UNDETERMINED),
        (remote.ftp_encryption, ftp(True), MET),
        (remote.ftp_encryption, ftp(False), NOT_MET),
        (remote.ftp_encryption, ftp(None), UNDETERMINED),
        # SFTP alone: SSH answers there
        (remote.ftp_encryption, ftp(None, Talk.OTHER), NOT_APPLICABLE),
        (remote.ftp_anonymous, anonymous(Access.OPEN), NOT_MET),
        (remote.ftp_anonymous, anonymous(Access.REQUIRED), MET),
        # the log-in was cut, or "try again later"
        (remote.ftp_anonymous, anonymous(Access.UNKNOWN), UNDETERMINED),
        # below level 3 nobody asks
        (remote.ftp_anonymous, anonymous(Access.UNKNOWN, asked=False), UNDETERMINED),
        (remote.ftp_anonymous, anonymous(Access.UNKNOWN, talk=Talk.OTHER), NOT_APPLICABLE),
        (remote.x11_authorization, greeted("x11", Access.OPEN), NOT_MET),
        (remote.x11_authorization, greeted("x11", Access.REQUIRED), MET),
        (remote.x11_authorization, greeted("x11", Access.UNKNOWN, Talk.SILENT), UNDETERMINED),
        # a JMX console or a game at 6000
        (remote.x11_authorization, greeted("x11", Access.UNKNOWN, Talk.OTHER), NOT_APPLICABLE),
        (remote.x11_authorization, greeted("rsync", Access.OPEN), NOT_APPLICABLE),
        # the root entry alone is shown
        (remote.ldap_anonymous, ldap(Access.REQUIRED), MET),
        (remote.ldap_anonymous, ldap(Access.OPEN), NOT_MET),
        (remote.ldap_anonymous, ldap(Access.UNKNOWN), UNDETERMINED),
    ],
)
def test_remote_access_is_judged(rule: Rule, fact: ServiceAnswered, outcome: Outcome) -> None:
    asset = Asset(kind=AssetKind.SERVICE, name="www.ch.test:22")
    seen = Observation(
        id="o", asset=asset, fact=fact, seen_at=datetime(2026, 11, 24, tzinfo=UTC), probe="p@1",
        vantage=Vantage.INTERNET,
    )  # fmt: skip
    assert rule.judge(seen).outcome is outcome


@pytest.mark.parametrize(
    ("names", "severity", "told"),
    [
        # RFC 9142 allows it still: a remark, no more
        (("diffie-hellman-group14-sha1",), Severity.LOW, "diffie-hellman-group14-sha1 (OpenSSH 8.2)"),
        (("diffie-hellman-group14-sha1", "rsa1024-sha1"), None,
         "diffie-hellman-group14-sha1 (OpenSSH 8.2), rsa1024-sha1 (RFC 9142)"),
    ],
)  # fmt: skip
def test_a_weak_algorithm_is_told_with_who_set_it_aside(
    names: tuple[str, ...], severity: Severity | None, told: str
) -> None:
    asset = Asset(kind=AssetKind.SERVICE, name="www.ch.test:22")
    seen = Observation(
        id="o", asset=asset, fact=exchanged(*names), seen_at=datetime(2026, 11, 24, tzinfo=UTC), probe="p@1",
        vantage=Vantage.INTERNET,
    )  # fmt: skip
    verdict = remote.ssh_algorithms.judge(seen)
    assert (verdict.severity, verdict.values["algorithms"]) == (severity, told)
