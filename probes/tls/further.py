"""What is asked of an endpoint once its versions and suites are known: order, compression, groups, downgrades."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from probes.facts.tls import GROUPS, Version, VersionSeen
from probes.facts.tls_suites import suite
from probes.interface import MANDATED, ProbeError, Reason
from probes.tls import hello
from probes.tls.exchange import HELLO, KEY_EXCHANGE, Reply

#: Sends a hello and returns the reply, within the budget of connections.
Ask = Callable[[bytes, frozenset[int]], Awaitable[Reply]]


class Further:
    """Asks an endpoint that accepted ``accepted`` versions, newest first; None is what could not be told."""

    def __init__(self, ask: Ask, accepted: list[VersionSeen], name: str) -> None:
        self._ask = ask
        self._accepted = [v for v in accepted if v.version is not Version.SSL2]
        self._older = next((v for v in self._accepted if v.version not in {Version.TLS13, Version.SSL3}), None)
        self._name = name

    async def order(self) -> bool | None:
        """Tell whether the server's order counts, by offering its suites backwards (TLS 1.2 and older)."""
        if self._older is None or len(self._older.suites) < 2:
            return None
        suites = self._older.suites
        chosen = await self._chosen(self._older.version, list(reversed(suites)))
        if chosen is None or chosen.suite not in {suites[0], suites[-1]}:
            # Neither the server's first nor the client's: two servers in turn, or ChaCha20 for those who prefer it.
            return None
        return chosen.suite == suites[0]

    async def prime(self) -> int:
        """Return the bits of the smallest prime of finite-field Diffie-Hellman; 0 when none was seen."""
        found = []
        for seen in self._accepted:
            suites = [n for n in seen.suites if suite(n).name.startswith(("TLS_DHE_", "TLS_DH_anon"))]
            if suites:
                found += await self._prime(seen.version, suites)
        return min(found, default=0)

    async def _prime(self, version: Version, suites: list[int]) -> list[int]:
        message = hello.client_hello(version, [*suites, hello.SCSV], name=self._name)
        try:
            reply = await self._ask(message, frozenset({HELLO, KEY_EXCHANGE}))
            return [hello.dh_prime_bits(m) for kind, m in reply.messages.items() if kind == KEY_EXCHANGE]
        except ProbeError as error:
            _raise_decided(error)
        except hello.HelloError:
            return []
        return []

    async def compression(self) -> bool | None:
        """Tell whether DEFLATE is taken (RFC 3749)."""
        if self._older is None:
            return False
        chosen = await self._chosen(self._older.version, list(self._older.suites), compress=True)
        return None if chosen is None else chosen.compression != 0

    async def fallback_signalled(self) -> bool | None:
        """Tell whether a descent to an older version is refused when the client says that it is one (RFC 7507)."""
        if len(self._accepted) < 2:
            return None
        lower = self._accepted[1]
        message = hello.client_hello(lower.version, [*lower.suites, hello.SCSV, hello.FALLBACK], name=self._name)
        try:
            reply = await self._ask(message, frozenset({HELLO}))
        except ProbeError as error:
            _raise_decided(error)
            return None
        if reply.alert == hello.INAPPROPRIATE_FALLBACK:
            return True
        return False if HELLO in reply.messages else None

    async def groups(self) -> tuple[int, ...] | None:
        """Return the groups of the newest version that names them, in the server's order."""
        version, suites = self._with_groups()
        if version is None:
            return ()
        left, found = list(GROUPS), list[int]()
        while left:
            try:
                chosen = await self._group(version, suites, left)
            except (ProbeError, hello.HelloError) as error:
                if isinstance(error, ProbeError):
                    _raise_decided(error)
                return None
            if chosen is None:
                break
            if chosen not in left:
                return None
            found.append(chosen)
            left.remove(chosen)
        # An exchange on a curve that was accepted has a group; when none is shown, it could not be told.
        return tuple(found) or None

    def _with_groups(self) -> tuple[Version | None, list[int]]:
        for seen in self._accepted:
            named = [n for n in seen.suites if suite(n).tls13 or suite(n).name.startswith("TLS_ECDHE_")]
            if named:
                return seen.version, named
        return None, []

    async def _group(self, version: Version, suites: list[int], groups: list[int]) -> int | None:
        extra = [] if version is Version.TLS13 else [hello.SCSV]
        message = hello.client_hello(version, [*suites, *extra], name=self._name, groups=groups)
        wanted = {HELLO} if version is Version.TLS13 else {HELLO, KEY_EXCHANGE}
        reply = await self._ask(message, frozenset(wanted))
        if HELLO not in reply.messages:
            return None
        answer = hello.server_hello(reply.messages[HELLO])
        if version is Version.TLS13:
            return answer.group if answer.version == hello.NUMBER[version] else None
        if KEY_EXCHANGE not in reply.messages:
            raise hello.HelloError("no ServerKeyExchange")
        return hello.signed_curve(reply.messages[KEY_EXCHANGE])[0]

    async def _chosen(self, version: Version, suites: list[int], *, compress: bool = False) -> hello.ServerHello | None:
        message = hello.client_hello(version, [*suites, hello.SCSV], name=self._name, compress=compress)
        try:
            reply = await self._ask(message, frozenset({HELLO}))
            return hello.server_hello(reply.messages[HELLO]) if HELLO in reply.messages else None
        except ProbeError as error:
            _raise_decided(error)
        except hello.HelloError:
            return None
        return None


def _raise_decided(error: ProbeError) -> None:
    if error.reason in MANDATED or error.reason is Reason.INTERRUPTED:
        raise error
