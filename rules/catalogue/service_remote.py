"""Rules on remote access that is reached: the age of its cryptography, and whom it serves before a log-in."""

from __future__ import annotations

from probes.facts.services.answered import Access, Greeted
from probes.facts.services.remote import FtpAnswered, LdapAnswered, SmbAnswered, SshAnswered
from probes.interface import Observation
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined
from rules.spoken import encrypted, identity_asked, unspoken

_WEAK = frozenset(
    {"diffie-hellman-group1-sha1", "diffie-hellman-group14-sha1", "diffie-hellman-group-exchange-sha1", "none"}
    | {"arcfour", "arcfour128", "arcfour256", "hmac-md5", "hmac-md5-96", "hmac-sha1-96", "ssh-dss"}
    | {"hmac-md5-etm@openssh.com", "hmac-md5-96-etm@openssh.com", "hmac-sha1-96-etm@openssh.com"}
)


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
    """No key exchange, host key, cipher or MAC that RFC 9142, RFC 8758 or ANSSI NT-007 sets aside is offered."""
    fact = seen.fact
    if (verdict := unspoken(fact)) is not None:
        return verdict
    lists = (fact.key_exchange, fact.host_keys, fact.ciphers, fact.macs)
    weak = {name for names in lists for name in names if name in _WEAK}
    weak |= {name for name in fact.ciphers if name.endswith(("-cbc", "-cbc@lysator.liu.se"))}
    if fact.host_keys == ("ssh-rsa",):
        # alone, it means signatures with SHA-1; beside rsa-sha2-* it only serves old clients
        weak.add("ssh-rsa")
    if weak:
        return not_met(algorithms=", ".join(sorted(weak)))
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
