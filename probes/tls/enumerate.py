"""Which versions and suites an endpoint accepts: one hello an accepted suite, and one more a version."""

from __future__ import annotations

from dataclasses import dataclass, field

from probes.facts.tls import Acceptance, TlsProfile, Version, VersionSeen
from probes.facts.tls_suites import known_suites, suite
from probes.interface import MANDATED, ProbeError, Reason
from probes.tls import hello
from probes.tls.exchange import CERTIFICATE, HELLO, KEY_EXCHANGE, STATUS, Connect, Ending, Reply, ask
from probes.tls.further import Further

#: Connections to one endpoint at the most; one is left for SSL 2.0, and two for the preamble and a whole handshake.
MOST = 200 - 3
_ASKED = (Version.TLS13, Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)
#: An endpoint that answered nothing to this many versions is not asked about the others.
_PATIENT = 3
#: A failed exchange is tried again this often before its outcome is unknown.
_TRIES = 2


@dataclass(slots=True)
class Seen:
    """What the enumeration gathers on its way."""

    connections: int = 0
    chain: tuple[bytes, ...] = ()
    renegotiation: bool | None = None
    extended_master_secret: bool | None = None
    #: The status that came with the chain, b"" when none did; None while no chain was shown in the clear.
    staple: bytes | None = None
    #: The timestamps of certificate logs that came beside the chain; None as the staple.
    timestamps: int | None = None
    #: The hello that was answered with the chain.
    shown: bytes = b""
    signatures: set[int] = field(default_factory=set)
    #: The alerts by which hellos were refused.
    alerts: set[int] = field(default_factory=set)
    #: A hello that was accepted, sent again at the end.
    canary: bytes = b""


class Enumeration:
    """Asks one address of an endpoint; ``name`` is the SNI, or "" when it is reached by address."""

    def __init__(self, connect: Connect, name: str) -> None:
        self._connect = connect
        self._name = name
        self.seen = Seen()

    async def run(self, address: str) -> TlsProfile:
        """Return the profile; raise ``ProbeError`` when nothing could be told."""
        versions, failures, not_tls = [], [], 0
        for version in _ASKED:
            try:
                versions.append(await self._version(version))
            except _NotTls:
                not_tls += 1
                versions.append(VersionSeen(version=version, state=Acceptance.REFUSED))
            except ProbeError as error:
                _raise_decided(error)
                failures.append(error)
                versions.append(VersionSeen(version=version, state=Acceptance.UNKNOWN, complete=False))
                if len(failures) == len(versions) == _PATIENT:
                    raise
        ssl2 = await self._ssl2()
        accepted = [v for v in (*versions, ssl2) if v.state is Acceptance.ACCEPTED]
        if not accepted and failures:
            raise failures[0]
        if not accepted and self.seen.alerts:
            # A server that refuses the name, or asks for what we do not offer, speaks TLS all the same.
            raise ProbeError(Reason.TRUNCATED, f"every hello is refused (alerts {sorted(self.seen.alerts)})")
        if not accepted and not not_tls:
            raise ProbeError(Reason.CONNECTION_LOST, "every hello is cut off")
        answers = not self.seen.canary or await self._still_answers()
        # Silence after a hello of SSL 2.0 is no word of SSL 2.0, when the server goes on answering others.
        silent = accepted and answers and ssl2.state is Acceptance.UNKNOWN
        versions.append(VersionSeen(version=Version.SSL2, state=Acceptance.REFUSED) if silent else ssl2)
        if not answers:
            versions = [_doubted(v) for v in versions]
        further = Further(self._ask, accepted, self._name)
        return TlsProfile(
            address=address,
            spoken=bool(accepted),
            versions=tuple(versions),
            server_order=await further.order(),
            dh_bits=await further.prime(),
            compression=await further.compression(),
            secure_renegotiation=self.seen.renegotiation,
            groups=await further.groups(),
            signatures=tuple(sorted(self.seen.signatures)),
            extended_master_secret=self.seen.extended_master_secret,
            fallback_signalled=await further.fallback_signalled(),
            stapled=None if self.seen.staple is None else bool(self.seen.staple),
            connections=self.seen.connections,
        )

    async def ask_staple(self) -> None:
        """Ask again for a status that did not come: servers fetch it when somebody first asks."""
        self.seen.staple = None
        try:
            reply = await self._ask(self.seen.shown, frozenset({HELLO, CERTIFICATE, KEY_EXCHANGE}))
        except ProbeError as error:
            _raise_decided(error)
            return
        if CERTIFICATE in reply.messages:
            self.seen.staple = _status(reply)

    async def _version(self, version: Version) -> VersionSeen:
        """Offer what is left until the server takes none of it."""
        left = [n for n, s in known_suites().items() if s.tls13 is (version is Version.TLS13)]
        left.sort(key=lambda n: (not suite(n).aead, not suite(n).forward_secret, -n))
        found: list[int] = []
        while left:
            try:
                chosen = await self._offer(version, left)
            except ProbeError as error:
                _raise_decided(error)
                if not found:
                    raise
                return VersionSeen(version=version, state=Acceptance.ACCEPTED, suites=tuple(found), complete=False)
            if chosen is None:
                break
            found.append(chosen)
            if chosen not in left:
                # A server that answers with what was not offered lies: nothing more can be learnt from it.
                return VersionSeen(version=version, state=Acceptance.ACCEPTED, suites=tuple(found), complete=False)
            left.remove(chosen)
        state = Acceptance.ACCEPTED if found else Acceptance.REFUSED
        return VersionSeen(version=version, state=state, suites=tuple(found))

    async def _offer(self, version: Version, suites: list[int]) -> int | None:
        """The suite chosen, or None when the server surely takes none."""
        extra = [] if version is Version.TLS13 else [hello.SCSV]
        message = hello.client_hello(version, [*suites, *extra], name=self._name)
        wanted = {HELLO}
        if version is not Version.TLS13 and not self.seen.chain:
            wanted |= {CERTIFICATE, KEY_EXCHANGE}
        reply = await self._ask(message, frozenset(wanted))
        if HELLO not in reply.messages:
            if reply.ending is Ending.NOT_TLS:
                raise _NotTls
            self.seen.alerts |= set() if reply.alert is None else {reply.alert}
            return None
        try:
            answer = hello.server_hello(reply.messages[HELLO])
        except hello.HelloError as error:
            raise ProbeError(Reason.MALFORMED, str(error)) from error
        if answer.version != hello.NUMBER[version]:
            return None
        self._learn(version, answer, reply, message)
        return answer.suite

    def _learn(self, version: Version, answer: hello.ServerHello, reply: Reply, message: bytes) -> None:
        self.seen.canary = self.seen.canary or message
        if version is Version.TLS13:
            return
        self.seen.renegotiation = answer.secure_renegotiation
        if version is not Version.SSL3:
            self.seen.extended_master_secret = bool(self.seen.extended_master_secret) or answer.extended_master_secret
        try:
            if CERTIFICATE in reply.messages and not self.seen.chain:
                self.seen.chain = hello.certificates(reply.messages[CERTIFICATE])
                self.seen.staple, self.seen.shown = _status(reply), message
                # SSL 3.0 has no extensions: nothing was asked for.
                self.seen.timestamps = None if version is Version.SSL3 else answer.timestamps
            if KEY_EXCHANGE in reply.messages:
                self._signed(version, suite(answer.suite).name, reply.messages[KEY_EXCHANGE])
        except hello.HelloError as error:
            raise ProbeError(Reason.MALFORMED, str(error)) from error

    def _signed(self, version: Version, name: str, message: bytes) -> None:
        """Learn the scheme that a curve was signed with."""
        if name.startswith("TLS_ECDHE_") and version is Version.TLS12:
            _, scheme = hello.signed_curve(message)
            self.seen.signatures |= {scheme} if scheme is not None else set()

    async def _ask(self, message: bytes, wanted: frozenset[int]) -> Reply:
        last = ProbeError(Reason.BUDGET, f"more than {MOST} connections")
        for _ in range(_TRIES):
            if self.seen.connections >= MOST:
                raise last
            self.seen.connections += 1
            try:
                return await ask(self._connect, message, wanted)
            except ProbeError as error:
                _raise_decided(error)
                last = error
                if error.reason is not Reason.TIMED_OUT:
                    break
        raise last

    async def _ssl2(self) -> VersionSeen:
        try:
            self.seen.connections += 1
            stream = await self._connect()
            try:
                await stream.send(hello.ssl2_hello())
                data = await stream.receive(256)
            finally:
                await stream.close()
        except ProbeError as error:
            _raise_decided(error)
            lost = error.reason is Reason.CONNECTION_LOST
            return VersionSeen(version=Version.SSL2, state=Acceptance.REFUSED if lost else Acceptance.UNKNOWN)
        accepted = hello.is_ssl2_server_hello(data)
        return VersionSeen(version=Version.SSL2, state=Acceptance.ACCEPTED if accepted else Acceptance.REFUSED)

    async def _still_answers(self) -> bool:
        """Tell whether what was accepted first still is; if not, somebody blocked us on the way."""
        try:
            return HELLO in (await self._ask(self.seen.canary, frozenset({HELLO}))).messages
        except ProbeError as error:
            _raise_decided(error)
            return False


def _status(reply: Reply) -> bytes:
    return hello.certificate_status(reply.messages[STATUS]) if STATUS in reply.messages else b""


class _NotTls(Exception):
    """The endpoint speaks, but not TLS."""


def _doubted(seen: VersionSeen) -> VersionSeen:
    if seen.state is Acceptance.ACCEPTED:
        return VersionSeen(version=seen.version, state=seen.state, suites=seen.suites, complete=False)
    return VersionSeen(version=seen.version, state=Acceptance.UNKNOWN, complete=False)


def _raise_decided(error: ProbeError) -> None:
    if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
        raise error
