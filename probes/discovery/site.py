"""What makes an answer a site of its own, told without the name it was asked under."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urljoin, urlsplit

from probes.web import pages
from probes.web.fetch import Answer

#: What stands in the place of a name that an answer repeats.
_NAME = "*"


def without_name(answer: Answer, name: str) -> Answer:
    """Return the answer with the name it was asked under taken out of its body and headers."""
    headers = tuple((key, value.replace(name, _NAME)) for key, value in answer.headers)
    return replace(answer, headers=headers, body=answer.body.replace(name.encode(), _NAME.encode()))


def is_site(answer: Answer) -> bool:
    """Tell whether an answer shows a site: a page, a login asked for, or the way to another page of the same name.

    The way to the same place over TLS, or to another name, is no site.
    """
    if answer.status == 200:
        return bool(pages.title(answer.text) or answer.body.strip())
    if 300 <= answer.status < 400:
        try:
            target = urlsplit(urljoin(f"http://{_NAME}/", answer.header("location")))
        except ValueError:
            return False
        return target.hostname == _NAME and target.path not in {"", "/"}
    return answer.status == 401
