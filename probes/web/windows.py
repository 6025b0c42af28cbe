"""Windows authentication on a web origin: which paths ask for it, and the names one challenge tells."""

from __future__ import annotations

import base64
import binascii
import re

from probes.facts.ntlm import NEGOTIATE, NtlmError, NtlmNames, read_challenge
from probes.facts.web_products import NtlmEndpoint, WebWindowsAuthentication
from probes.web.fetch import Answer
from probes.web.origin import Origin
from probes.web.pages import schemes

#: Paths where Windows products ask for it; the first page was already read.
PATHS = (
    "/EWS/Exchange.asmx", "/autodiscover/autodiscover.xml", "/rpc/rpcproxy.dll", "/mapi/emsmdb/",
    "/adfs/services/trust/2005/windowstransport", "/certsrv/", "/RDWeb/Feed/webfeed.aspx",
)  # fmt: skip


async def windows_authentication(origin: Origin, first: Answer, paths: tuple[str, ...]) -> WebWindowsAuthentication:
    """Ask each path once; where NTLM is offered, ask again with a first message that names nobody."""
    endpoints, unanswered = [], []
    for path in ("/", *paths):
        answer = first if path == "/" else await origin.attempt(path)
        if answer is None:
            unanswered.append(path)
        elif _offers(answer):
            endpoints.append(NtlmEndpoint(path=path, names=await _names(origin, path)))
    return WebWindowsAuthentication(endpoints=tuple(endpoints), unanswered=tuple(unanswered))


def _offers(answer: Answer) -> bool:
    return answer.status == 401 and not {"ntlm", "negotiate"}.isdisjoint(schemes(answer))


async def _names(origin: Origin, path: str) -> NtlmNames:
    """The names that the challenge of a path tells; none when it does not answer with one."""
    message = base64.b64encode(NEGOTIATE).decode()
    for scheme in ("NTLM", "Negotiate"):
        answer = await origin.attempt(path, headers=(("Authorization", f"{scheme} {message}"),))
        for value in answer.every("www-authenticate") if answer else ():
            match = re.match(r"(?:NTLM|Negotiate)\s+([A-Za-z0-9+/=]{20,5000})\s*\Z", value, re.I)
            try:
                if match:
                    return read_challenge(base64.b64decode(match[1], validate=True))
            except (binascii.Error, NtlmError):
                continue
    return NtlmNames()
