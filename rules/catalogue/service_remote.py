"""Rules on remote access that is reached: the age of its cryptography, and whom it serves before a log-in."""

from __future__ import annotations

from probes.facts.services.answered import Access, Greeted
from probes.facts.services.remote import FtpAnswered, LdapAnswered, SmbAnswered, SshAnswered
from probes.interface import Observation
from rules.interface import Severity, Verdict, met, not_applicable, not_met, rule, undetermined
from rules.spoken import encrypted, identity_asked, unspoken

#: Names set aside, with who sets them aside. hmac-sha1 and the 160 bits of its siblings are nobody's finding.
_RFC9142, _RFC8758, _MD5, _OPENSSH = "RFC 9142", "RFC 8758", "RFC 6151", "OpenSSH 6.7"
_WEAK = {
    "diffie-hellman-group1-sha1": _RFC9142, "diffie-hellman-group-exchange-sha1": _RFC9142, "rsa1024-sha1": _RFC9142,
    "arcfour": _RFC8758, "arcfour128": _RFC8758, "arcfour256": _RFC8758,
    "hmac-md5": _MD5, "hmac-md5-96": _MD5, "hmac-md5-etm@openssh.com": _MD5, "hmac-md5-96-etm@openssh.com": _MD5,
    "hmac-sha1-96": _OPENSSH, "hmac-sha1-96-etm@openssh.com": _OPENSSH, "ssh-dss": "OpenSSH 7.0", "none": "RFC 4253",
}  # fmt: skip
#: RFC 9142 still lets it be offered, for old clients; OpenSSH has not offered it since 8.2.
_LEGACY = "diffie-hellman-group14-sha1"
_CBC = ("-cbc", "-cbc@lysator.liu.se", "-cbc@ssh.com")


@rule("ssh-version-one-refused", reads=SshAnswered)
def ssh_version_one(seen: Observation[SshAnswered]) -> Verdict:
    """SSH 1 is not spoken; a server that says 1.99 takes it too (RFC 4253 5.1)."""
    fact = seen.fact
    if (verdict := unspoken(fact)) is not None:
        return verdict
    if not fact.protocols:
        return undetermined("version-not-told")
    return met() if fact.protocols == "2.0" else not_met(version=fact.protocols)


@rule("ssh-weak-algorithms-refused", reads=SshAnswered)
def ssh_algorithms(seen: Observation[SshAnswered]) -> Verdict:
    """No key exchange, host key, cipher or MAC is offered that a standard, or OpenSSH itself, set aside."""
    fact = seen.fact
    if (verdict := unspoken(fact)) is not None:
        return verdict
    lists = (fact.key_exchange, fact.host_keys, fact.ciphers, fact.macs)
    weak = {name: _WEAK[name] for names in lists for name in names if name in _WEAK}
    weak |= {name: "CVE-2008-5161" for name in fact.ciphers if name.endswith(_CBC)}
    if fact.host_keys == ("ssh-rsa",):
        # alone, it means signatures with SHA-1; beside rsa-sha2-* it only serves old clients
        weak["ssh-rsa"] = "RFC 8332"
    legacy = {_LEGACY: "OpenSSH 8.2"} if _LEGACY in fact.key_exchange else {}
    if weak or legacy:
        told = ", ".join(f"{name} ({source})" for name, source in sorted((weak | legacy).items()))
        return not_met(severity=None if weak else Severity.LOW, algorithms=told)
    return met() if all(lists) else undetermined("algorithms-not-told")


@rule("smb-signing-required", reads=SmbAnswered)
def smb_signing(seen: Observation[SmbAnswered]) -> Verdict:
    """SMB sessions are signed, so that nobody relays them (MS-SMB2 2.2.4)."""
    fact = seen.fact
    if (verdict := unspoken(fact)) is not None:
        return verdict
    if fact.signing_required is None:
        return undetermined("signing-not-told")
    return met() if fact.signing_required else not_met()


@rule("ftp-encryption-offered", reads=FtpAnswered)
def ftp_encryption(seen: Observation[FtpAnswered]) -> Verdict:
    """FTP offers TLS before the password (RFC 4217)."""
    return encrypted(seen.fact)


@rule("ftp-anonymous-refused", reads=FtpAnswered)
def ftp_anonymous(seen: Observation[FtpAnswered]) -> Verdict:
    """FTP lets nobody in by the name that it sets aside for everybody (RFC 1635); it is asked from level 3 on."""
    fact = seen.fact
    if (verdict := unspoken(fact)) is not None:
        return verdict
    if fact.anonymous is Access.UNKNOWN:
        return undetermined("access-not-told" if fact.anonymous_asked else "level")
    return met() if fact.anonymous is Access.REQUIRED else not_met(product=fact.product or "FTP")


@rule("x11-authorization-required", reads=Greeted)
def x11_authorization(seen: Observation[Greeted]) -> Verdict:
    """A display asks for an authorization before it is opened (X protocol 11, connection setup)."""
    return identity_asked(seen.fact) if seen.fact.protocol == "x11" else not_applicable("another-protocol")


@rule("ldap-anonymous-search-refused", reads=LdapAnswered)
def ldap_anonymous(seen: Observation[LdapAnswered]) -> Verdict:
    """Nothing beneath the root entry is shown to a nameless caller; the root entry itself may be (RFC 4512 5.1)."""
    return identity_asked(seen.fact)
