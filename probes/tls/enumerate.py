"""Which versions and suites an endpoint accepts: one hello an accepted suite, and one more a version."""

from __future__ import annotations

from dataclasses import dataclass

from probes.facts.tls import Acceptance, TlsProfile, Version, VersionSeen
from probes.facts.tls_suites import known_suites, suite
from probes.interface import MANDATED, ProbeError, Reason
from probes.tls import hello
from probes.tls.exchange import CERTIFICATE, HELLO, KEY_EXCHANGE, Connect, Ending, Reply, ask

#: Connections to one endpoint at the most.
MOST = 200
_ASKED = (Version.TLS13, Version.TLS12, Version.TLS11, Version.TLS10, Version.SSL3)
#: A failed exchange is tried again this often before its outcome is unknown.
_TRIES = 2


@dataclass(slots=True)
class Seen:
    """What the enumeration gathers on its way."""

    connections: int = 0
    chain: tuple[bytes, ...] = ()
    dh_bits: int = 0
    compression: bool = False
    renegotiation: bool | None = None
    order: bool | None = None
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
        versions.append(await self._ssl2())
        accepted = [v for v in versions if v.state is Acceptance.ACCEPTED]
        if not accepted and failures:
            raise failures[0]
        if accepted and not await self._still_answers():
            versions = [_doubted(v) for v in versions]
        await self._extras(accepted)
        return TlsProfile(
            address=address,
            spoken=bool(accepted),
            versions=tuple(versions),
            server_order=self.seen.order,
            dh_bits=self.seen.dh_bits,
            compression=self.seen.compression,
            secure_renegotiation=self.seen.renegotiation,
            connections=self.seen.connections,
        )

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
            wanted.add(CERTIFICATE)
        reply = await self._ask(message, frozenset(wanted | ({KEY_EXCHANGE} if _may_be_dhe(suites) else set())))
        if HELLO not in reply.messages:
            if reply.ending is Ending.NOT_TLS:
                raise _NotTls
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
        if version is not Version.TLS13:
            self.seen.renegotiation = answer.secure_renegotiation
        try:
            if CERTIFICATE in reply.messages and not self.seen.chain:
                self.seen.chain = hello.certificates(reply.messages[CERTIFICATE])
            if KEY_EXCHANGE in reply.messages and suite(answer.suite).name.startswith(("TLS_DHE_", "TLS_DH_anon")):
                bits = hello.dh_prime_bits(reply.messages[KEY_EXCHANGE])
                self.seen.dh_bits = min(self.seen.dh_bits or bits, bits)
        except hello.HelloError as error:
            raise ProbeError(Reason.MALFORMED, str(error)) from error

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

    async def _extras(self, accepted: list[VersionSeen]) -> None:
        """Whose order counts, and whether compression is taken (TLS 1.2 and older)."""
        older = next((v for v in accepted if v.version not in {Version.TLS13, Version.SSL2}), None)
        if older is None:
            return
        try:
            if len(older.suites) > 1:
                self.seen.order = await self._offer(older.version, list(reversed(older.suites))) == older.suites[0]
            message = hello.client_hello(older.version, [*older.suites, hello.SCSV], name=self._name, compress=True)
            reply = await self._ask(message, frozenset({HELLO}))
            if HELLO in reply.messages:
                self.seen.compression = hello.server_hello(reply.messages[HELLO]).compression != 0
        except (ProbeError, hello.HelloError) as error:
            if isinstance(error, ProbeError):
                _raise_decided(error)


class _NotTls(Exception):
    """The endpoint speaks, but not TLS."""


def _may_be_dhe(suites: list[int]) -> bool:
    """A ServerKeyExchange is only waited for when nothing better than DHE is left to choose."""
    return bool(suites) and all(suite(n).name.startswith(("TLS_DHE_", "TLS_DH_anon")) for n in suites[:1])


def _doubted(seen: VersionSeen) -> VersionSeen:
    if seen.state is Acceptance.ACCEPTED:
        return VersionSeen(version=seen.version, state=seen.state, suites=seen.suites, complete=False)
    return VersionSeen(version=seen.version, state=Acceptance.UNKNOWN, complete=False)


def _raise_decided(error: ProbeError) -> None:
    if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
        raise error
