"""A host as it can be reached: every port asked at every address, and what was said behind the open ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import cast

from probes.facts.ports import Canary, PortsSwept
from probes.facts.services.answered import ServiceAnswered, Talk
from probes.interface import AssetKind, Observation, Part, PortAnswer, PortState, Status, Vantage
from rules.interface import ObjectRef, Unseen, View, view
from rules.subject import Record

#: Open ports of one address from which no host is believed: other tools' lists, which the import hands on as
#: sweeps, do not say what accepts everything, and name open ports alone, so that no share can be taken of them.
_CROWD = 100
_ANSWERS = frozenset({PortState.OPEN, PortState.CLOSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """One TCP port at one address; ``said`` are (protocol, talk) of each probe that spoke to it.

    ``called`` are (protocol, product with its version) of what named itself there.
    """

    address: str
    port: int
    state: PortState
    said: tuple[tuple[str, Talk], ...] = ()
    called: tuple[tuple[str, str], ...] = ()

    def ref(self, protocol: str) -> ObjectRef:
        """The door as a finding names it, with what stands behind it as it calls itself."""
        own = next((words for name, words in self.called if name == protocol != words.lower()), "")
        name = " ".join(filter(None, (self.address, f"tcp/{self.port}", protocol, f"({own})" if own else "")))
        return ObjectRef(id=f"tcp/{self.port}@{self.address}", name=name)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachView(View):
    """The doors of a host. Silence is evidence at the addresses that ``sang`` before and after the sweep;
    openness is none at the ``proxied`` ones, which accept everything."""

    doors: tuple[Door, ...]
    sang: frozenset[str]
    proxied: frozenset[str]

    def at(self, ports: Iterable[int]) -> list[Door]:
        """The doors of some ports."""
        wanted = frozenset(ports)
        return [door for door in self.doors if door.port in wanted]


@view(ReachView)
def reaches(record: Record) -> Iterable[ReachView | Unseen]:
    """One view a host that was swept, by us or by others, from one vantage; a host whose sweep failed is unseen."""
    said: dict[tuple[str, str, int], set[tuple[str, Talk]]] = defaultdict(set)
    called: dict[tuple[str, str, int], set[tuple[str, str]]] = defaultdict(set)
    evidence: dict[str, list[str]] = defaultdict(list)
    for observation in record.observations:
        fact = observation.fact
        if isinstance(fact, ServiceAnswered) and observation.asset.transport == "tcp":
            host = observation.asset.host
            door = host, fact.address, observation.asset.port or 0
            said[door].add((fact.protocol, fact.talk))
            if fact.talk is Talk.SPOKEN and fact.product:
                called[door].add((fact.protocol, f"{fact.product} {fact.version}".strip()))
            evidence[host].append(observation.id)
    sweeps: dict[tuple[str, Vantage], list[Observation[PortsSwept]]] = defaultdict(list)
    for observation in record.observations:
        if isinstance(observation.fact, PortsSwept):
            sweeps[observation.asset.id, observation.vantage].append(cast(Observation[PortsSwept], observation))
    for own in sweeps.values():
        newest = max(own, key=lambda o: o.seen_at)
        host = newest.asset.name
        yield ReachView(
            asset=newest.asset,
            seen_at=newest.seen_at,
            vantage=newest.vantage,
            evidence=tuple(sorted({*(o.id for o in own), *evidence[host]})),
            doors=tuple(
                Door(
                    address=a.address,
                    port=a.port,
                    state=a.state,
                    said=tuple(sorted(said.get((host, a.address, a.port), ()))),
                    called=tuple(sorted(called.get((host, a.address, a.port), ()))),
                )
                for a in _believed(own)
            ),
            sang=frozenset().union(*(_sang(o.fact) for o in own)),
            proxied=frozenset(
                address for o in own for address in (*(p.address for p in o.fact.open_to_all), *_crowded(o.fact))
            ),
        )
    yield from _unseen(record, {id for id, _ in sweeps})


def _believed(sweeps: list[Observation[PortsSwept]]) -> list[PortAnswer]:
    """One answer a port at an address: an answer, or a silence while the canary sang, goes before any other silence;
    then the newest counts. Where a canary sang in one sweep only, the silences of the others prove nothing, and what
    they alone asked is as if it had not been."""
    if len(sweeps) == 1:
        return list(sweeps[0].fact.answers)
    sang = frozenset[str]().union(*(_sang(sweep.fact) for sweep in sweeps))
    best: dict[tuple[str, int], tuple[bool, PortAnswer]] = {}
    for sweep in sorted(sweeps, key=lambda o: o.seen_at):
        own = _sang(sweep.fact)
        for answer in sweep.fact.answers:
            proves = answer.state in _ANSWERS or answer.address in own
            key = answer.address, answer.port
            if (proves or answer.address not in sang) and (key not in best or proves or not best[key][0]):
                best[key] = proves, answer
    return [best[key][1] for key in sorted(best)]


def _sang(fact: PortsSwept) -> frozenset[str]:
    return frozenset(address for address, canary in fact.canaries if canary is Canary.ANSWERED)


def _crowded(fact: PortsSwept) -> Iterable[str]:
    # an answer without a try is told by another tool
    opened = Counter(a.address for a in fact.answers if a.state is PortState.OPEN and not a.tries)
    return (address for address, count in opened.items() if count > _CROWD)


def _unseen(record: Record, seen: set[str]) -> Iterable[Unseen]:
    assets = {a.id: a for a in record.assets if a.kind in {AssetKind.HOST, AssetKind.ADDRESS}}
    for attempt in record.attempts:
        asset = assets.get(attempt.asset)
        missed = attempt.probe.startswith("ports@") and attempt.status is not Status.COMPLETED
        if asset is None or not missed or asset.id in seen:
            continue
        seen.add(asset.id)
        vantage = next((p.vantage for p in record.scan.parts if p.kind is Part.EXPOSURE), Vantage.INTERNET)
        yield Unseen(asset=asset, seen_at=attempt.ended_at, vantage=vantage, reason=attempt.reason.value)
