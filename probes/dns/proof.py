"""Whether DNSSEC proves one record set, aliases followed (RFC 4035 5, RFC 7672 2.1)."""

from __future__ import annotations

from datetime import datetime

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.DS import DS

from probes.dns.chain import Chain
from probes.dns.signatures import flaw_of, found
from probes.dns.walk import Walker
from probes.facts.dnssec import Flaw, Security
from probes.interface import ProbeError, Reason

_ALIASES = 4


async def proved(
    walker: Walker, anchors: tuple[DS, ...], name: dns.name.Name, rdtype: dns.rdatatype.RdataType, now: datetime
) -> Security:
    """Return the state of the records of a name; indeterminate when there are none, or nobody told."""
    chain = Chain(walker, anchors, now)
    for _ in range(_ALIASES):
        link = await chain.to(name)
        if link.security is not Security.SECURE:
            return link.security
        try:
            answer = await walker.ask_any(link.zone, name, rdtype, signed=True)
        except ProbeError as error:
            if error.reason is Reason.INTERRUPTED:
                raise
            return Security.INDETERMINATE
        records, alias = found(answer, name, rdtype), found(answer, name, dns.rdatatype.CNAME)
        here = records if records is not None else alias
        if here is None or link.keys is None:
            return Security.INDETERMINATE
        if flaw_of(here, answer.answer, link.zone.apex, link.keys, now) is not Flaw.NONE:
            return Security.BOGUS
        if records is not None or alias is None:
            return Security.SECURE
        name = alias[0].target
    return Security.INDETERMINATE
