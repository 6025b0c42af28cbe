"""Rules on what mail servers offer to anybody who greets them (RFC 3207, RFC 8314, ANSSI-PA-066 R42)."""

from __future__ import annotations

import re

from probes.facts.mail.exchange import MailServer, StartTls, Verification
from probes.interface import Observation
from rules.interface import Verdict, met, not_applicable, not_met, rule, undetermined

Seen = Observation[MailServer]
_VERSION = re.compile(
    r"(?:Postfix|Exim|Sendmail|Dovecot|Exchange|ESMTP MAIL Service|Zimbra|Cyrus|Courier|hMailServer|MDaemon)"
    r"[^0-9]{0,40}\d+\.\d+",
    re.I,
)
#: Endings of names that no public DNS serves (RFC 6762 appendix G, and French habits).
_INSIDE = re.compile(r"^[a-z0-9.-]{1,200}\.(?:local|lan|intra|intranet|internal|corp|priv|prive)\.?$", re.I)
#: Mechanisms that send the password itself, or what is worth as much (RFC 4616; LOGIN and USER are older).
_PLAIN = frozenset({"PLAIN", "LOGIN", "USER", "XOAUTH2", "OAUTHBEARER"})


def _spoken(fact: MailServer, *protocols: str) -> Verdict | None:
    """Not applicable unless the service speaks one of the protocols."""
    if not fact.spoken:
        return not_applicable("protocol-not-spoken")
    return None if fact.protocol in protocols else not_applicable(f"speaks-{fact.protocol}")


@rule("mail-starttls-offered", reads=MailServer)
def starttls_offered(seen: Seen) -> Verdict:
    """A SMTP server lets senders encrypt, and the step up to TLS works."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp")) is not None:
        return verdict
    if fact.protection is StartTls.UNKNOWN:
        return undetermined("starttls-not-tried")
    if fact.protection in {StartTls.ABSENT, StartTls.BROKEN}:
        return not_met(flaw=f"starttls-{fact.protection.value}", detail=fact.detail or "-")
    return met()


@rule("mail-client-access-encrypted", reads=MailServer)
def client_access_encrypted(seen: Seen) -> Verdict:
    """Mailboxes are read over TLS only: an IMAP or POP3 service that starts in clear steps up to TLS."""
    fact = seen.fact
    if (verdict := _spoken(fact, "imap", "pop3")) is not None:
        return verdict
    if fact.protection is StartTls.UNKNOWN:
        return undetermined("starttls-not-tried")
    if fact.protection in {StartTls.ABSENT, StartTls.BROKEN}:
        return not_met(protocol=fact.protocol.upper(), flaw=f"starttls-{fact.protection.value}")
    return met()


@rule("mail-authentication-protected", reads=MailServer)
def authentication_protected(seen: Seen) -> Verdict:
    """No password is asked for before TLS; mechanisms that never send it weigh less."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp", "imap", "pop3")) is not None:
        return verdict
    if fact.protection is StartTls.IMPLICIT:
        return met()
    plain = sorted(_PLAIN & set(fact.clear_authentication))
    if plain:
        return not_met(protocol=fact.protocol.upper(), mechanisms=", ".join(plain))
    return met()


@rule("mail-authentication-without-weak-mechanisms", reads=MailServer)
def authentication_without_weak_mechanisms(seen: Seen) -> Verdict:
    """Obsolete challenge mechanisms are not offered: they need passwords stored so that they can be read back."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp", "imap", "pop3")) is not None:
        return verdict
    weak = sorted({"CRAM-MD5", "DIGEST-MD5", "APOP"} & {*fact.clear_authentication, *fact.secure_authentication})
    return not_met(mechanisms=", ".join(weak)) if weak else met()


@rule("mail-authentication-without-ntlm", reads=MailServer)
def authentication_without_ntlm(seen: Seen) -> Verdict:
    """NTLM is not offered to the Internet: it names the directory and lets passwords of the directory be tried."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp", "imap", "pop3")) is not None:
        return verdict
    offered = {"NTLM", "GSSAPI", "GSS-SPNEGO"} & {*fact.clear_authentication, *fact.secure_authentication}
    return not_met(protocol=fact.protocol.upper()) if "NTLM" in offered else met()


@rule("mail-exchanger-without-authentication", reads=MailServer)
def exchanger_without_authentication(seen: Seen) -> Verdict:
    """Port 25, open to the world, offers no authentication: passwords are tried on submission ports only."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp")) is not None:
        return verdict
    if fact.port != 25:
        return not_applicable("not-port-25")
    offered = sorted({*fact.clear_authentication, *fact.secure_authentication})
    return not_met(mechanisms=", ".join(offered)[:200]) if offered else met()


@rule("mail-verification-silent", reads=MailServer)
def verification_silent(seen: Seen) -> Verdict:
    """VRFY does not tell which addresses exist."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp")) is not None:
        return verdict
    if fact.verification is Verification.NOT_ASKED:
        return not_applicable("not-asked")
    if fact.verification is Verification.UNKNOWN:
        return undetermined("answers-differ")
    return not_met(banner=fact.banner[:100]) if fact.verification is Verification.DISCRIMINATES else met()


@rule("mail-banner-without-version", reads=MailServer)
def banner_without_version(seen: Seen) -> Verdict:
    """The greeting does not tell an exact version; nothing is concluded about fixes."""
    fact = seen.fact
    if not fact.spoken:
        return not_applicable("protocol-not-spoken")
    return not_met(banner=fact.banner[:200]) if _VERSION.search(fact.banner) else met()


@rule("mail-server-name-public", reads=MailServer)
def server_name_public(seen: Seen) -> Verdict:
    """The greeting does not tell the machine's name inside the house."""
    fact = seen.fact
    if (verdict := _spoken(fact, "smtp")) is not None:
        return verdict
    inside = next((name for name in (*fact.banner.split(), fact.own_name) if _INSIDE.search(name)), "")
    return not_met(name=inside[:200]) if inside else met()
