"""A domain's mail as the rules read it: its policies, its exchangers, and what each of those in the mandate offers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from probes.facts.mail.exchange import Exchangers, MailServer, TransportPolicies
from probes.facts.mail.policies import DkimKeys, DmarcPolicy, SpfTree
from probes.facts.ports import PortsSwept
from probes.interface import Asset, AssetKind, Fact, Observation, PortState, Status
from rules.interface import Unseen, View, view
from rules.subject import Record

F = TypeVar("F", bound=Fact)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailView(View):
    """One domain. A fact is None when it was not seen.

    ``servers`` are what the SMTP service of each exchanger offers, by host; ``outside`` the exchangers that the mandate
    does not cover, which are never connected to; ``unseen`` says why another could not be greeted.
    """

    domain: str
    exchangers: Exchangers | None = None
    spf: SpfTree | None = None
    dmarc: DmarcPolicy | None = None
    dkim: DkimKeys | None = None
    transport: TransportPolicies | None = None
    servers: Mapping[str, tuple[MailServer, ...]] = field(default_factory=dict)
    outside: tuple[str, ...] = ()
    unseen: Mapping[str, str] = field(default_factory=dict)

    @property
    def receives(self) -> bool | None:
        """Whether the domain takes mail; None when it could not be told."""
        return self.exchangers.receives if self.exchangers else None


@view(MailView)
def mail_of_domains(record: Record) -> Iterable[MailView | Unseen]:
    """One view a domain whose mail was looked at; one that could not be is unseen, with the reason."""
    by_asset: dict[str, list[Observation[Fact]]] = {}
    for observation in record.observations:
        by_asset.setdefault(observation.asset.id, []).append(observation)
    for asset in record.assets:
        if asset.kind is not AssetKind.DOMAIN:
            continue
        own = [o for o in by_asset.get(asset.id, ()) if o.fact.seen_by == Exchangers.seen_by]
        if own:
            yield _built(record, asset, own, by_asset)
            continue
        for attempt in record.attempts:
            if attempt.asset == asset.id and attempt.probe.partition("@")[0] == Exchangers.seen_by:
                yield Unseen(
                    asset=asset,
                    seen_at=attempt.ended_at,
                    vantage=record.scan.parts[0].vantage,
                    reason=attempt.reason.value,
                )
                break


def _built(
    record: Record, asset: Asset, own: list[Observation[Fact]], by_asset: Mapping[str, list[Observation[Fact]]]
) -> MailView:
    exchangers = _fact(own, Exchangers)
    servers: dict[str, tuple[MailServer, ...]] = {}
    outside, unseen, evidence = [], {}, [o.id for o in own]
    for host in exchangers.hosts if exchangers else ():
        if not _covered(record, host.name):
            outside.append(host.name)
            continue
        seen = [o for o in by_asset.get(f"service:tcp/25@{host.name}", ()) if isinstance(o.fact, MailServer)]
        if seen:
            servers[host.name] = tuple(o.fact for o in seen if isinstance(o.fact, MailServer))
            evidence += [o.id for o in seen]
        else:
            unseen[host.name] = _why(record, host.name, by_asset.get(f"host:{host.name}", ()))
    return MailView(
        asset=asset,
        seen_at=max(o.seen_at for o in own),
        vantage=own[0].vantage,
        evidence=tuple(sorted(evidence)),
        domain=asset.name,
        exchangers=exchangers,
        spf=_fact(own, SpfTree),
        dmarc=_fact(own, DmarcPolicy),
        dkim=_fact(own, DkimKeys),
        transport=_fact(own, TransportPolicies),
        servers=servers,
        outside=tuple(sorted(outside)),
        unseen=unseen,
    )


def _fact(seen: Iterable[Observation[Fact]], kind: type[F]) -> F | None:
    return next((o.fact for o in seen if isinstance(o.fact, kind)), None)


def _covered(record: Record, name: str) -> bool:
    scope = record.scan.mandate.scope
    return scope.holds_name(name) or (scope.hosted_name(name) is not None and not scope.excludes_name(name))


def _why(record: Record, name: str, seen: Iterable[Observation[Fact]]) -> str:
    """Why an exchanger in the mandate was not greeted: its attempt, its port, or nothing known."""
    for attempt in record.attempts:
        wanted = {f"service:tcp/25@{name}": "mail-server", f"host:{name}": "ports"}.get(attempt.asset)
        if attempt.probe.partition("@")[0] == wanted and attempt.status is not Status.COMPLETED:
            return attempt.reason.value
    for observation in seen:
        if isinstance(observation.fact, PortsSwept):
            states = {answer.state for answer in observation.fact.answers if answer.port == 25}
            if states:
                return "port-25-closed" if states == {PortState.CLOSED} else "port-25-silent"
    return "not-seen"
