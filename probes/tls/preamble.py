"""What is said in clear before TLS on ports where it starts on request; one entry a port."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType

from probes.interface import Stream
from probes.mail.greeting import step_up

#: Brings a fresh connection to where a ClientHello is awaited; raises ``protocol-not-spoken`` when TLS is not offered.
Preamble = Callable[[Stream], Awaitable[None]]

_EHLO = "audit-hygie.invalid"
PREAMBLES: Mapping[int, Preamble] = MappingProxyType(
    {
        25: partial(step_up, protocol="smtp", ehlo=_EHLO),
        587: partial(step_up, protocol="smtp", ehlo=_EHLO),
        143: partial(step_up, protocol="imap", ehlo=_EHLO),
        110: partial(step_up, protocol="pop3", ehlo=_EHLO),
    }
)
