"""SASL GSS-SPNEGO by pyspnego: NTLM or Kerberos, sealing, and channel binding over TLS."""

from __future__ import annotations

import contextlib
import os
import struct
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType

import spnego
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from spnego.channel_bindings import GssChannelBindings
from spnego.exceptions import FeatureMissingError, SpnegoError

from probes.directory.target import BindMethod, DirectoryTarget
from probes.interface import IPAddress, ProbeError, Reason

#: What the KDC answers instead of a ticket (RFC 4120 7.5.9), and libkrb5 for a realm whose KDC it cannot ask.
KDC_ERRORS = {
    1: Reason.ACCOUNT_EXPIRED,
    6: Reason.CREDENTIALS,
    7: Reason.UNKNOWN_HOST,
    14: Reason.SERVER_FAILURE,
    18: Reason.DENIED,
    23: Reason.PASSWORD_EXPIRED,
    24: Reason.CREDENTIALS,
    25: Reason.CREDENTIALS,
    37: Reason.DENIED,
    154: Reason.UNREACHABLE,
    156: Reason.UNREACHABLE,
}
#: libkrb5 counts its errors from here.
_KRB5_BASE = -1765328384
#: What pyspnego raises on tokens that are not what they should be.
BROKEN_TOKEN = (SpnegoError, ValueError, IndexError, KeyError, struct.error)
_KRB5_CONFIG = threading.Lock()


class Negotiation:
    """One exchange of tokens; a context manager, because Kerberos reads its configuration from the environment.

    With a server certificate (DER) the exchange is bound to its TLS channel and asks for no sealing of its own.
    """

    def __init__(self, target: DirectoryTarget, address: IPAddress, certificate: bytes | None) -> None:
        self._target = target
        self._address = address
        self._certificate = certificate
        self._context: spnego.ContextProxy | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Negotiation:
        if self._target.bind is not BindMethod.NTLM:
            self._stack.enter_context(kerberos_configuration(self._target, self._address))
        over_tls = self._certificate is not None
        # Active Directory refuses a context that could sign or seal within TLS, and Kerberos offers both unasked
        sealing, bare = spnego.ContextReq.default, spnego.ContextReq.mutual_auth | spnego.ContextReq.no_integrity
        try:
            self._context = spnego.client(
                account(self._target),
                self._target.password.reveal(),
                hostname=self._target.host,
                service="ldap",
                protocol=self._target.bind.value,
                context_req=bare if over_tls else sealing,
                channel_bindings=channel_binding(self._certificate) if self._certificate else None,
            )
        except (FeatureMissingError, ImportError, ValueError):
            self._stack.close()
            raise ProbeError(Reason.MISSING_TOOL, f"{self._target.bind.value} is not installed") from None
        except SpnegoError as error:
            self._stack.close()
            raise ProbeError(Reason.CREDENTIALS, str(error)) from None
        except kerberos_errors() as error:
            self._stack.close()
            raise refused(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def step(self, token: bytes | None) -> bytes:
        """Return our next token, given the server's; empty when nothing more is to be said."""
        if self._context is None or self._context.complete:
            return b""
        try:
            return self._context.step(token or None) or b""
        except BROKEN_TOKEN as error:
            raise refused(error, Reason.MALFORMED) from None

    def sealer(self) -> Sealing:
        """Return the sealing both sides agreed on; raise when there is none."""
        if self._context is None or not self._context.complete:
            raise ProbeError(Reason.NOT_SPOKEN, "the bind ended before the security context")
        if not self._context.context_attr & spnego.ContextReq.confidentiality:
            raise ProbeError(Reason.NOT_SPOKEN, "the server does not seal")
        return Sealing(self._context)


class Sealing:
    """The sealing of an established security context."""

    def __init__(self, context: spnego.ContextProxy) -> None:
        self._context = context

    def seal(self, data: bytes) -> bytes:
        """Return the sealed form."""
        return bytes(self._context.wrap(data).data)

    def open(self, data: bytes) -> bytes:
        """Return the clear form; raise ``ProbeError`` when it was altered."""
        try:
            return bytes(self._context.unwrap(data).data)
        except BROKEN_TOKEN:
            raise ProbeError(Reason.MALFORMED, "a sealed buffer that does not open") from None


def realm_of(target: DirectoryTarget) -> str:
    """Return the Kerberos realm: the one configured, the account's own, or the domain that the controller is in."""
    domain = target.user.rpartition("@")[2] if "@" in target.user else target.host.partition(".")[2]
    return target.realm or domain.upper()


def account(target: DirectoryTarget) -> str:
    """Return the account as the bind wants it: Kerberos knows it by its name in the realm, in capitals."""
    if target.bind is not BindMethod.KERBEROS and "@" not in target.user:
        return target.user
    if target.bind is BindMethod.NTLM:
        return target.user
    return f"{target.user.rpartition('@')[0] or target.user.rpartition(chr(92))[2]}@{realm_of(target)}"


def kerberos_errors() -> tuple[type[Exception], ...]:
    """Return the errors of libkrb5, which is there only where Kerberos was installed."""
    try:
        return (import_module("krb5").Krb5Error,)
    except ImportError:
        return ()


def refused(error: Exception, otherwise: Reason = Reason.SERVER_FAILURE) -> ProbeError:
    """Return the typed reason of an error of libkrb5, or of GSS-API that holds one; ``otherwise`` for any other."""
    code: int = getattr(error, "err_code", 0) or getattr(getattr(error, "base_error", None), "min_code", 0)
    reason = KDC_ERRORS.get((code - _KRB5_BASE) % (1 << 32), otherwise)
    return ProbeError(reason, f"{'SPNEGO token' if reason is Reason.MALFORMED else 'KDC'}: {error}"[:200])


def channel_binding(certificate: bytes) -> GssChannelBindings:
    """Return the tls-server-end-point binding of a server's certificate (RFC 5929 4.1)."""
    try:
        used = x509.load_der_x509_certificate(certificate).signature_hash_algorithm
    except (ValueError, UnsupportedAlgorithm):
        used = None
    weak = used is None or isinstance(used, (hashes.MD5, hashes.SHA1))
    digest = hashes.Hash(hashes.SHA256() if weak or used is None else used)
    digest.update(certificate)
    return GssChannelBindings(application_data=b"tls-server-end-point:" + digest.finalize())


@contextlib.contextmanager
def kerberos_configuration(target: DirectoryTarget, address: IPAddress) -> Iterator[None]:
    """Give Kerberos a configuration with the granted controller as only KDC, and no DNS look-up."""
    realm = realm_of(target)
    kdc = f"[{address}]" if address.version == 6 else str(address)
    text = (
        f"[libdefaults]\n default_realm = {realm}\n dns_lookup_kdc = false\n dns_lookup_realm = false\n"
        " dns_canonicalize_hostname = false\n rdns = false\n udp_preference_limit = 1\n"
        f"[realms]\n {realm} = {{\n  kdc = {kdc}:88\n }}\n"
        f"[domain_realm]\n {target.host} = {realm}\n .{realm.lower()} = {realm}\n"
    )
    with _KRB5_CONFIG, TemporaryDirectory(prefix="hygie-") as folder:
        path = Path(folder) / "krb5.conf"
        path.write_text(text)
        before = os.environ.get("KRB5_CONFIG")
        os.environ["KRB5_CONFIG"] = str(path)
        try:
            yield
        finally:
            if before is None:
                os.environ.pop("KRB5_CONFIG", None)
            else:
                os.environ["KRB5_CONFIG"] = before
