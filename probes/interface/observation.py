"""Facts, observations and attempts: what was seen, and what could not be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Generic, TypeVar

from probes.interface.assets import Asset, AssetKind, Part, Vantage
from probes.interface.leads import Lead

#: Lower-case hexadecimal SHA-256 of the stored form of a capture.
Digest = str

#: Reads the bytes of a capture by its digest.
CaptureReader = Callable[[Digest], bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What was seen, typed and without opinion. Subclasses set the four class variables.

    A released field is only ever added, with a default; a changed meaning is a new ``kind``.
    """

    #: Name of the fact in the store, for example ``tls.certificate``.
    kind: ClassVar[str]
    #: Name of the probe that yields it.
    seen_by: ClassVar[str]
    #: Part of a scan it belongs to.
    part: ClassVar[Part]
    #: The kinds of assets it can be about.
    about: ClassVar[frozenset[AssetKind]]

    def leads(self) -> Iterable[Lead]:
        """Return the names and addresses it cites; those in scope are looked at, the others become candidates."""
        return ()


F = TypeVar("F", bound=Fact, covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation(Generic[F]):
    """A fact about an asset, with the instant, the probe (``name@version``), the vantage and the captures.

    ``id`` is a digest of the content, so the same observation always has the same id.
    """

    id: str
    asset: Asset
    fact: F
    seen_at: datetime
    probe: str
    vantage: Vantage
    captures: tuple[Digest, ...] = ()
    #: 1, or 2 for the second look at what was judged high or critical.
    look: int = 1


class Status(StrEnum):
    """How an attempt ended. ``fault`` is our own error, never the target's."""

    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    FAULT = "fault"


class Reason(StrEnum):
    """Why an attempt did not complete."""

    NONE = "none"
    # the network
    UNKNOWN_HOST = "unknown-host"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"
    TIMED_OUT = "timed-out"
    CONNECTION_LOST = "connection-lost"
    BLOCKED = "blocked"
    RATE_LIMITED = "rate-limited"
    # the answer
    MALFORMED = "malformed-answer"
    TRUNCATED = "truncated-answer"
    TOO_LARGE = "too-large"
    SERVER_FAILURE = "server-failure"
    NOT_SPOKEN = "protocol-not-spoken"
    HANDSHAKE_REFUSED = "handshake-refused"
    # identity and rights
    CERTIFICATE = "certificate-refused"
    CREDENTIALS = "credentials-refused"
    ACCOUNT_EXPIRED = "account-expired"
    ACCOUNT_DISABLED = "account-disabled"
    ACCOUNT_LOCKED = "account-locked"
    PASSWORD_EXPIRED = "password-expired"
    SIGNING_REQUIRED = "signing-required"
    CHANNEL_BINDING_REQUIRED = "channel-binding-required"
    DENIED = "denied"
    # limits of the server
    REFERRAL = "referral"
    SIZE_LIMIT = "size-limit"
    TIME_LIMIT = "time-limit"
    # ours, decided
    OUT_OF_SCOPE = "out-of-scope"
    EXCLUDED = "excluded"
    LEVEL = "level"
    WINDOW = "window"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    MISSING_TOOL = "missing-tool"
    MISSING_SECRET = "missing-secret"
    # ours, a fault
    BUG = "our-fault"


#: Reasons decided by the mandate: listed, never counted as failure (exit code 4).
MANDATED = frozenset({Reason.OUT_OF_SCOPE, Reason.EXCLUDED, Reason.LEVEL, Reason.WINDOW})


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try of a probe on an asset; ``detail`` is one line of text, possibly hostile."""

    probe: str
    asset: str
    status: Status
    reason: Reason
    started_at: datetime
    ended_at: datetime
    detail: str = ""
    look: int = 1


class ProbeError(Exception):
    """A step, or an exchange of it, that could not be completed, with its typed reason."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason.value}: {detail}" if detail else reason.value)
        self.reason = reason
        self.detail = detail
