"""Real servers that are odd but healthy: what is seen of them makes no stable rule speak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from probes.facts.tls import CertificateChain, TlsProfile
from probes.interface import Asset, Fact, Observation, Sight, Vantage, service
from probes.tls.probe import TlsProbe, TlsSettings
from rules.interface import Maturity, Outcome
from rules.registry import load
from scanner.demo.certificates import authority, leaf
from tests.lab.daemon import running
from tests.lab.line import open_line
from tests.lab.nginx import nginx

ADDRESS, PORT = "127.94.1.1", 18710
STRONG = ("-cipher", "ECDHE+AESGCM:ECDHE+CHACHA20")


def identity(folder: Path) -> None:
    """A leaf for *.ch.test with a curve for a key, and the authority that the trust store holds."""
    now = datetime.now(UTC)
    issuer = authority("Autorité d'essai", now)
    chain, key = leaf(issuer, ("*.ch.test",), now).pem()
    for name, data in (("chain.pem", chain), ("key.pem", key), ("roots.pem", issuer.pem()[0])):
        (folder / name).write_bytes(data)


def openssl(folder: Path, *options: str) -> AbstractContextManager[object]:
    files = ["-cert", f"{folder}/chain.pem", "-cert_chain", f"{folder}/chain.pem", "-key", f"{folder}/key.pem"]
    command = ["openssl", "s_server", "-quiet", "-accept", f"{ADDRESS}:{PORT}", *files, *options]
    return running(command, [(ADDRESS, PORT)], log=folder / "log")


def picky_nginx(folder: Path) -> AbstractContextManager[object]:
    """Refuses the handshake of whoever does not name the site."""
    shared = f"ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/key.pem; ssl_protocols TLSv1.2 TLSv1.3;"
    blocks = f"""server {{ listen {ADDRESS}:{PORT} ssl default_server; ssl_protocols TLSv1.2 TLSv1.3;
        ssl_reject_handshake on; }}
      server {{ listen {ADDRESS}:{PORT} ssl; server_name www.ch.test; {shared}
      ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20; return 204; }}"""
    return nginx(folder / "nginx", blocks, [(ADDRESS, PORT)])


@contextmanager
def started(folder: Path, *options: str) -> Iterator[None]:
    identity(folder)
    with picky_nginx(folder) if options == ("nginx",) else openssl(folder, *options):
        yield


async def faults(folder: Path, name: str = "www.ch.test") -> set[str]:
    """The stable rules on what is seen that are not met."""
    probe = TlsProbe(TlsSettings(ports=(PORT,), patience=3.0, store=f"{folder}/roots.pem", store_label="essai"))
    asset = service("tcp", PORT, name, addresses=[ADDRESS])
    facts = [y.fact async for y in probe.look(asset, open_line(domains=["test"])) if isinstance(y, Sight)]
    assert [type(fact) for fact in facts] == [TlsProfile, CertificateChain]
    found = set()
    for fact in facts:
        for rule in (r for r in load().rules.values() if r.reads is type(fact)):
            outcome = rule.judge(observed(asset, fact)).outcome
            assert outcome is not Outcome.UNDETERMINED, rule.id
            if outcome is Outcome.NOT_MET and load().cards[rule.id].maturity is Maturity.STABLE:
                found.add(rule.id)
    return found


def observed(asset: Asset, fact: Fact) -> Observation[Fact]:
    now = datetime.now(UTC)
    return Observation(id="o", asset=asset, fact=fact, seen_at=now, probe="tls@3", vantage=Vantage.INTERNET)


@pytest.mark.daemon
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("-tls1_3",), set()),
        (STRONG, set()),
        (("-no_ticket", "-serverpref", *STRONG), set()),
        # whoever comes must show a certificate: with TLS 1.2 the handshake fails, after the server has shown its own
        (("-Verify", "1", *STRONG), set()),
        (("-Verify", "1", "-tls1_2", *STRONG), {"tls-13-offered"}),
        (("-Verify", "1", "-tls1_3"), set()),
        (("-curves", "P-521", *STRONG), set()),
        (("nginx",), set()),
        # a control: what is wrong does show
        (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"), {"tls-13-offered", "tls-authenticated-encryption-offered"}),
    ],
)
async def test_no_stable_rule_speaks_of_it(tmp_path: Path, options: tuple[str, ...], expected: set[str]) -> None:
    with started(tmp_path, *options):
        assert await faults(tmp_path) == expected
