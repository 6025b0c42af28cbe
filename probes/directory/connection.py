"""A bound connection to one domain controller: ldap3 connects and binds, the rest is ours."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass

import ldap3
from ldap3.core.exceptions import LDAPException
from ldap3.core.results import RESULT_CODES
from ldap3.protocol.sasl.sasl import send_sasl_negotiation

from probes.directory.messages import (
    BIND_RESPONSE,
    DONE,
    ENTRY,
    REFERENCE,
    Answer,
    Scope,
    read_answer,
    read_operation,
    search,
)
from probes.directory.target import BindMethod, DirectoryTarget, Transport
from probes.directory.tls import TlsSocket, VerifiedTls
from probes.directory.wire import Wire, socket_error
from probes.facts.ber import BerError
from probes.interface import IPAddress, ProbeError, Reason

#: Bytes a server may send before the bind is over.
BIND_CAP = 1 << 20
#: Bytes of entries in one page, whatever the size asked.
PAGE_CAP = 256 << 20
SUCCESS, IN_PROGRESS = 0, 14

#: What Active Directory says of a refused password, in hexadecimal after ``data`` (Win32 errors, MS-ERREF 2.2).
LOGON_ERRORS = {
    # an NTLM without signature, which this server does not take within TLS
    "57": Reason.NOT_SPOKEN,
    "525": Reason.CREDENTIALS,
    "52e": Reason.CREDENTIALS,
    "52f": Reason.DENIED,
    "530": Reason.DENIED,
    "531": Reason.DENIED,
    "532": Reason.PASSWORD_EXPIRED,
    "533": Reason.ACCOUNT_DISABLED,
    "701": Reason.ACCOUNT_EXPIRED,
    "773": Reason.PASSWORD_EXPIRED,
    "775": Reason.ACCOUNT_LOCKED,
}
#: LDAP result codes (RFC 4511 4.1.9).
RESULT_REASONS = {
    3: Reason.TIME_LIMIT,
    4: Reason.SIZE_LIMIT,
    7: Reason.NOT_SPOKEN,
    8: Reason.SIGNING_REQUIRED,
    10: Reason.REFERRAL,
    11: Reason.SIZE_LIMIT,
    13: Reason.SIGNING_REQUIRED,
    48: Reason.DENIED,
    49: Reason.CREDENTIALS,
    50: Reason.DENIED,
    51: Reason.RATE_LIMITED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What one search gave: whole SearchResultEntry messages, the references it left out, its result."""

    entries: list[bytes]
    references: int
    answer: Answer


class Session:
    """A connection to one controller. Every method blocks, but ``abort``, which any thread may call to end the others.

    All raise ``ProbeError``; the hard deadline is the caller's, who aborts.
    """

    def __init__(self, target: DirectoryTarget, address: IPAddress) -> None:
        self.target = target
        self.address = address
        self._tls = VerifiedTls(target)
        server = ldap3.Server(
            str(address),
            port=target.port,
            use_ssl=target.transport is Transport.LDAPS,
            get_info=ldap3.NONE,
            tls=self._tls,
            connect_timeout=target.connect_seconds,
        )
        simple = target.bind is BindMethod.SIMPLE
        self._ldap = ldap3.Connection(
            server,
            user=target.user if simple else None,
            password=target.password.reveal() if simple else None,
            authentication=ldap3.SIMPLE if simple else ldap3.ANONYMOUS,
            auto_bind=ldap3.AUTO_BIND_NONE,
            auto_referrals=False,
            auto_encode=False,
            receive_timeout=max(1, int(target.page_seconds)),
        )
        self.wire = Wire(self._ldap, BIND_CAP)
        # ldap3 reads without bound and decodes what it has not checked; this is the one place where it reads
        self._ldap.strategy.receiving = self.wire.answers
        self._next_id = 1000
        self.tls_version = ""

    def open(self) -> None:
        """Connect, protect, and bind."""
        try:
            self._ldap.open(read_server_info=False)
            if self.target.transport is Transport.STARTTLS:
                self._start_tls()
            if isinstance(self._ldap.socket, TlsSocket):
                self.tls_version = self._ldap.socket.version()
            if self.target.bind is BindMethod.SIMPLE:
                self._ldap.bind(read_server_info=False)
                self._must_be({SUCCESS})
            else:
                self._negotiate()
        except LDAPException as error:
            raise self._tls.failure or _ldap_error(error) from None

    def read(self, base: bytes, scope: Scope, attributes: Iterable[str], controls: Iterable[bytes] = ()) -> Page:
        """Search, and return the entries as received with the result, whatever it is."""
        self._next_id += 1
        self.wire.send(search(self._next_id, base, scope, attributes, controls))
        entries: list[bytes] = []
        references = 0
        began = self.wire.received
        try:
            while self.wire.received - began < PAGE_CAP:
                message = self.wire.message()
                message_id, operation = read_operation(message)
                if operation == DONE and message_id == self._next_id:
                    return Page(entries=entries, references=references, answer=read_answer(message))
                if message_id != self._next_id or operation not in {ENTRY, REFERENCE}:
                    raise _unexpected(message, message_id)
                if operation == ENTRY:
                    entries.append(message)
                else:
                    references += 1
            raise ProbeError(Reason.TOO_LARGE, "a page without end")
        except BerError as error:
            raise ProbeError(Reason.MALFORMED, str(error)) from None

    def abort(self) -> None:
        """Cut the connection under whoever reads or writes it."""
        if self._ldap.socket is not None:
            with contextlib.suppress(OSError):
                self._ldap.socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; never raises."""
        if self._ldap.socket is not None:
            with contextlib.suppress(OSError):
                self._ldap.socket.close()

    def _start_tls(self) -> None:
        self._ldap.start_tls(read_server_info=False)
        if not self.wire.is_drained():
            raise ProbeError(Reason.MALFORMED, "bytes sent before TLS began")

    def _negotiate(self) -> None:
        """Bind by SASL GSS-SPNEGO, and from then on seal every message unless TLS already does."""
        # NTLM and Kerberos take a tenth of a second to load: a simple bind needs neither
        from probes.directory.sasl import Negotiation

        sealed = self.target.transport is Transport.SEALED
        certificate = None if sealed else self._ldap.socket.certificate()
        with Negotiation(self.target, self.address, certificate) as negotiation:
            self._ldap.sasl_mechanism = "GSS-SPNEGO"
            token = negotiation.step(None)
            while True:
                send_sasl_negotiation(self._ldap, None, token)  # type: ignore[no-untyped-call]  # its stubs have no types
                answer = self._must_be({SUCCESS, IN_PROGRESS})
                token = negotiation.step(answer.saslcreds or b"")
                if answer.code == SUCCESS:
                    break
            self.wire.sealer = negotiation.sealer() if sealed else None

    def _must_be(self, codes: set[int]) -> Answer:
        answer = self.wire.answer
        if answer is None or answer.operation != BIND_RESPONSE:
            raise ProbeError(Reason.MALFORMED, "a bind answered by something else")
        if answer.code not in codes:
            raise refusal(answer)
        return answer


def refusal(answer: Answer) -> ProbeError:
    """Return the typed reason of a result that is no success."""
    if "80090346" in answer.text:
        return ProbeError(Reason.CHANNEL_BINDING_REQUIRED, answer.text)
    reason = RESULT_REASONS.get(answer.code, Reason.SERVER_FAILURE)
    if answer.code == 49:
        found = re.search(r"\bdata ([0-9a-fA-F]{2,8})\b", answer.text)
        reason = LOGON_ERRORS.get(found[1].lower(), reason) if found else reason
    if answer.code == 1 and "000004DC" in answer.text.upper():
        reason = Reason.DENIED
    name = RESULT_CODES.get(answer.code, str(answer.code))
    return ProbeError(reason, f"{name}: {answer.text}" if answer.text else name)


def _unexpected(message: bytes, message_id: int) -> ProbeError:
    if message_id == 0:
        return ProbeError(Reason.CONNECTION_LOST, read_answer(message).text)
    return ProbeError(Reason.MALFORMED, "an answer to nothing that was asked")


def _ldap_error(error: LDAPException) -> ProbeError:
    """Return the reason of an error that ldap3 gives as text, the number of the system's error within."""
    text = str(error)
    found = re.search(r"\[Errno (\d+)\]", text)
    if found:
        return socket_error(OSError(int(found[1]), text))
    if "timed out" in text:
        return ProbeError(Reason.TIMED_OUT)
    if "startTLS failed" in text:
        return ProbeError(Reason.NOT_SPOKEN, "StartTLS refused by the server")
    return ProbeError(Reason.CONNECTION_LOST, text[:200])
