"""The search: names asked in thousands, kept when they surely exist and answer otherwise than anything would."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import dns.exception
import dns.message
import dns.rdatatype

from probes.discovery.wildcard import Ask, Signature, sample, signature
from probes.facts.discovery import Wildcard, WildcardShape
from probes.interface import Existence, FoundIn, NameAnswer, Reason, canonical_name

#: Parents modelled at the most: an import of ever deeper names must not become a flood.
_PARENTS = 50
#: Names asked at once while their parents are looked at first.
_SLICE = 5000


class Search:
    """What is known of the names under ``domain``, and the counts of what was asked."""

    def __init__(self, domain: str, ask: Ask) -> None:
        self.domain = domain
        self.found: dict[str, FoundIn] = {}
        #: Zones cut beneath the domain, met by a name that is one.
        self.cuts: set[str] = set()
        self.wildcards: dict[str, Wildcard] = {}
        self.asked = 0
        self.hidden = 0
        #: Names that could not be told, by reason.
        self.unanswered: Counter[Reason] = Counter()
        self._ask = ask
        self._models: dict[str, frozenset[Signature]] = {}
        self._known: set[str] = {domain}

    def take(self, names: Iterable[str], found_in: FoundIn) -> None:
        """Take note of names that need no question."""
        for name in names:
            if name not in self._known and not name.startswith("*"):
                self._known.add(name)
                self.found[name] = found_in

    async def look_for(self, names: Iterable[str], found_in: FoundIn) -> None:
        """Ask about names not asked yet, slice by slice, after the wildcards of their parents."""
        todo = iter(names)
        while batch := self._batch(todo):
            for parent in sorted({name.partition(".")[2] for name in batch}):
                await self.model(parent)
            await self._round(batch, found_in)

    def _batch(self, names: Iterator[str]) -> list[str]:
        """The next names that were not asked yet; an iterator of any length is held one slice at a time."""
        batch: list[str] = []
        for text in names:
            name = canonical_name(text)
            if name not in self._known and name.endswith("." + self.domain):
                self._known.add(name)
                batch.append(name)
            if len(batch) == _SLICE:
                break
        return batch

    async def model(self, parent: str) -> None:
        """Sample what names by chance under a parent are answered, once."""
        if parent in self.wildcards or len(self.wildcards) >= _PARENTS:
            return
        self.wildcards[parent], self._models[parent] = await sample(self._ask, parent)

    async def _round(self, batch: list[str], found_in: FoundIn) -> None:
        """Ask for addresses of the fourth version, then of the sixth where a name exists without the fourth."""
        bare: list[str] = []
        async for answer in self._ask(batch):
            self.asked += 1
            if answer.existence is Existence.EXISTS:
                records = signature(answer)
                if not records:
                    bare.append(answer.name)
                elif self._behind_wildcard(answer.name, records):
                    self.hidden += 1
                else:
                    self.found[answer.name] = found_in
            elif answer.existence is Existence.UNKNOWN and not self._referred(answer):
                self.unanswered[answer.reason] += 1
        if bare:
            async for answer in self._ask(bare, dns.rdatatype.AAAA):
                if answer.existence is Existence.EXISTS:
                    records = signature(answer)
                    if self._behind_wildcard(answer.name, records):
                        self.hidden += 1
                    elif records:
                        self.found[answer.name] = found_in
                elif answer.existence is Existence.UNKNOWN:
                    self.unanswered[answer.reason] += 1

    def _behind_wildcard(self, name: str, records: Signature) -> bool:
        """Tell whether any name would have been answered so, by the model of the closest parent that has one."""
        parent = name.partition(".")[2]
        while parent not in self.wildcards and parent != self.domain:
            parent = parent.partition(".")[2]
        model = self.wildcards.get(parent)
        return model is not None and (model.shape is WildcardShape.UNBOUNDED or records in self._models[parent])

    def _referred(self, answer: NameAnswer) -> bool:
        """Note the zone cut that an answer refers to; a name at or beneath one is the other zone's."""
        if answer.reason is not Reason.REFERRAL:
            return False
        try:
            message = dns.message.from_wire(answer.wire, ignore_trailing=True)
        except dns.exception.DNSException:
            return False
        cuts = {canonical_name(str(r.name)) for r in message.authority if r.rdtype == dns.rdatatype.NS}
        below = {cut for cut in cuts if cut.endswith("." + self.domain) and f".{answer.name}".endswith("." + cut)}
        self.cuts |= below
        return bool(below)
