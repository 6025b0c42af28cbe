"""Files that lie open on an origin, each proved by its content, and the security contact it publishes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from urllib.parse import urlsplit

from probes.facts.web import OpenFile, Proof, SecurityText, WebFiles
from probes.web.fetch import Answer
from probes.web.missing import Missing
from probes.web.origin import Origin
from probes.web.proofs import proof, repository_credentials

#: Follows the redirects of an answer to the one at their end.
Follow = Callable[[Origin, Answer], Awaitable[Answer]]
#: Share of the paths that "exist" from which on an origin is no longer believed, and the fewest for it.
_TOO_MANY, _AT_LEAST = 0.3, 5


async def open_files(origin: Origin, first: Answer, paths: tuple[str, ...], nowhere: Missing, *, of: int) -> WebFiles:
    """Ask each path once; they are all of the ``of`` that there are, or those found before.

    The first page, read before, may be a listing itself. What the origin answers anywhere is no file; one whose usual
    answer proves something lies.
    """
    listed = proof("/", first)
    lies = listed is not None and nowhere.like(first)
    proofs: list[Proof] = [listed] if listed is not None else []
    answered, unanswered = 0, []
    for path in paths:
        answer = await origin.attempt(path)
        if answer is None:
            unanswered.append(path)
            continue
        found = proof(path, answer)
        if nowhere.like(answer):
            lies = lies or found is not None
            continue
        answered += answer.status == 200
        if found is not None:
            proofs.append(await _weighed(origin, found))
    everything = answered >= max(_AT_LEAST, _TOO_MANY * of)
    return WebFiles(
        asked=paths, unanswered=tuple(unanswered), proofs=tuple(proofs), reliable=not lies and not everything
    )


async def _weighed(origin: Origin, found: Proof) -> Proof:
    """A Git folder whose configuration holds a password is worse; nothing more of it is read."""
    if found.what is not OpenFile.GIT:
        return found
    answer = await origin.attempt("/.git/config")
    return replace(found, credentials=answer is not None and repository_credentials(answer))


async def security_text(origin: Origin, follow: Follow) -> SecurityText:
    """Read the contact that an origin publishes (RFC 9116), wherever in the mandate its redirects lead."""
    answer = await origin.attempt("/.well-known/security.txt")
    return SecurityText(state="unknown") if answer is None else _read(await follow(origin, answer))


def _read(answer: Answer) -> SecurityText:
    fields = re.findall(r"^(Contact|Expires)\s*:\s*(\S.{0,300}?)\s*$", answer.text, re.M | re.I)
    contact = tuple(value for name, value in fields if name.lower() == "contact")[:10]
    # One that is had in clear only is not published (RFC 9116 section 3).
    clear = urlsplit(answer.url).scheme != "https"
    if answer.status in {404, 410} or (answer.status == 200 and (clear or not contact)):
        return SecurityText(state="absent")
    if answer.status != 200:
        return SecurityText(state="unknown")
    expires = next((value for name, value in fields if name.lower() == "expires"), "")
    return SecurityText(state="present", contact=contact, expires=expires)
