"""Names are data: no text that comes from a directory, or from a person, changes the question that is asked."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from probes.directory.connection import Page, Session
from probes.directory.messages import Scope, descriptor_parts, paged, search
from probes.directory.target import DirectoryTarget
from probes.facts.ber import expect, header
from probes.facts.entries import decode_entries
from probes.interface.secret import Secret
from tests.lab import samba

#: The characters that mean something in filters, names, URLs and BER.
HOSTILE = '*()\\\0|&!=<>;,+"#/ \nàéŒ\x30\x84\u202e'
NAMES = st.one_of(
    st.text(max_size=120),
    st.text(alphabet=HOSTILE, max_size=60),
    st.text(alphabet=HOSTILE, max_size=30).map(lambda t: f"CN={t},OU=Médecins,DC=chu,DC=example"),
)


@given(name=NAMES, attributes=st.lists(st.text(max_size=20), max_size=4))
def test_a_search_says_the_name_byte_for_byte_and_one_filter(name: str, attributes: list[str]) -> None:
    base = name.encode("utf-8", "surrogatepass")
    asked = [a.encode("ascii", "ignore").decode() for a in attributes]
    message = search(7, base, Scope.SUBTREE, asked, [paged(10, b""), descriptor_parts(7)])
    start, stop = expect(message, 0, len(message), 0x30)
    _, past = expect(message, start, stop, 0x02)
    tag, at, end = header(message, past, stop)
    assert tag == 0x63
    parts = []
    while at < end:
        kind, first, at = header(message, at, end)
        parts.append((kind, message[first:at]))
    assert parts[0] == (0x04, base)
    assert [kind for kind, _ in parts] == [0x04, 0x0A, 0x0A, 0x02, 0x02, 0x01, 0x87, 0x30]
    assert parts[6] == (0x87, b"objectClass")


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    with samba.domain() as dc:
        target = DirectoryTarget(
            url=f"ldaps://{dc.host}", address=dc.address, user=dc.user(), password=Secret(samba.USER_PASSWORD),
            ca_file=str(dc.ca_file),
        )  # fmt: skip
        opened = Session(target, ip_address(dc.address))
        opened.open()
        opened.wire.allowance = 1 << 30
        yield opened
        opened.close()


@pytest.mark.samba
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES.filter(lambda name: bool(name.strip(" \0"))))
def test_a_real_controller_finds_nothing_by_a_hostile_name(session: Session, name: str) -> None:
    page: Page = session.read(name.encode("utf-8", "surrogatepass"), Scope.SUBTREE, ["objectClass"])
    assert page.entries == []
    # no such object, invalid name, or another refusal: never a success that shows other objects
    assert page.answer.code in {1, 10, 32, 34, 53}
    whole = session.read(b"", Scope.BASE, ["defaultNamingContext"])
    assert len(list(decode_entries(b"".join(whole.entries)))) == 1
