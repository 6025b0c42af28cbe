"""TLS wherever it is spoken: the same profile is seen on the ports of real servers, after what each asks for."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from probes.facts.tls import Acceptance, CertificateChain, PathState, TlsProfile, Version
from probes.facts.tls_suites import suite
from probes.interface import Sight, service
from probes.tls.probe import TlsProbe, TlsSettings
from tests.lab import mail, postgres, services
from tests.lab.daemon import running
from tests.lab.line import open_line
from tests.lab.nginx import nginx
from tests.lab.samba import certificates

pytestmark = pytest.mark.daemon

HERE = services.ADDRESS
Server = contextlib.AbstractContextManager[object]


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that daemons enter under their own names."""
    with tempfile.TemporaryDirectory(prefix="hygie-tls-") as temporary:
        Path(temporary).chmod(0o755)
        yield Path(temporary)


async def seen(port: int) -> tuple[TlsProfile, CertificateChain | None]:
    """The profile by the ports of the product's own settings."""
    probe = TlsProbe(TlsSettings(patience=4.0))
    asset = service("tcp", port, "srv.ch.test", addresses=[HERE])
    assert probe.wants(asset)
    facts = [y.fact async for y in probe.look(asset, open_line(domains=["test"])) if isinstance(y, Sight)]
    profile, *rest = facts
    assert isinstance(profile, TlsProfile)
    assert all(isinstance(fact, CertificateChain) for fact in rest)
    return profile, rest[0] if rest and isinstance(rest[0], CertificateChain) else None


def written(folder: Path) -> tuple[Path, Path]:
    certificates(folder, "srv.ch.test")
    return folder / "cert.pem", folder / "key.pem"


def postfix(folder: Path) -> Server:
    chain, key = written(folder)
    own = {"smtpd_tls_security_level": "may", "smtpd_tls_chain_files": f"{key}, {chain}", "smtp_tls_security_level": ""}
    return mail.postfix(folder / "postfix", HERE, settings={"myhostname": "srv.ch.test", **own})


def dovecot(folder: Path) -> Server:
    chain, key = written(folder)
    own = {"ssl": "yes", "ssl_cert": f"<{chain}", "ssl_key": f"<{key}", "protocols": "imap pop3"}
    return mail.dovecot(folder / "dovecot", HERE, settings=own)


@contextlib.contextmanager
def database(folder: Path) -> Iterator[None]:
    chain, key = written(folder)
    with postgres.server(listen=HERE) as server:
        for path in (chain, key):
            shutil.copy(path, server.folder / "data" / path.name)
            shutil.chown(server.folder / "data" / path.name, "postgres", "postgres")
        (server.folder / "data" / key.name).chmod(0o600)
        with server.connect() as connection:
            connection.execute("ALTER SYSTEM SET ssl_cert_file = 'cert.pem'")
            connection.execute("ALTER SYSTEM SET ssl_key_file = 'key.pem'")
            connection.execute("ALTER SYSTEM SET ssl = on")
            connection.execute("SELECT pg_reload_conf()")
        yield


def directory(folder: Path) -> Server:
    written(folder)
    return services.openldap(folder, tls=True)


def ftp(folder: Path) -> Server:
    return services.vsftpd(folder, ssl_enable="YES", anonymous_enable="NO", ssl_ciphers="HIGH")


def mariadb(folder: Path) -> Server:
    chain, key = written(folder)
    return services.mariadb(folder, f"--ssl-cert={chain}", f"--ssl-key={key}")


def dicom(folder: Path) -> Server:
    chain, key = written(folder)
    command: list[str | Path] = [
        "openssl",
        "s_server",
        "-quiet",
        "-accept",
        f"{HERE}:2762",
        "-cert",
        chain,
        "-key",
        key,
    ]
    return running([*command, "-cert", chain, "-key", key], [(HERE, 2762)], log=folder / "log")


def winrm(folder: Path) -> Server:
    chain, key = written(folder)
    block = f"server {{ listen {HERE}:5986 ssl; ssl_certificate {chain}; ssl_certificate_key {key}; return 404; }}"
    return nginx(folder / "nginx", block, [(HERE, 5986)])


@pytest.mark.parametrize(
    ("start", "ports"),
    [
        (postfix, (25,)),
        (dovecot, (143, 993, 110, 995)),
        (database, (5432,)),
        (directory, (389, 636)),
        (ftp, (21,)),
        (mariadb, (3306,)),
        (lambda folder: services.xrdp(folder, "negotiate"), (3389,)),
        (dicom, (2762,)),
        (winrm, (5986,)),
    ],
)
async def test_the_profile_is_seen(folder: Path, start: Callable[[Path], Server], ports: tuple[int, ...]) -> None:
    with start(folder):
        for port in ports:
            profile, chain = await seen(port)
            assert profile.state(Version.TLS12) is Acceptance.ACCEPTED, port
            assert profile.state(Version.SSL3) is Acceptance.REFUSED, port
            assert profile.complete, port
            assert chain is not None, port
            assert (chain.key_type, chain.self_signed, chain.path) == ("EC", False, PathState.NOT_FOUND)
            assert profile.connections <= 80, port
            assert any(suite(n).anonymous for n in profile.suites) is (port == 25), port


async def test_who_offers_no_tls_is_seen_as_such(folder: Path) -> None:
    with services.openldap(folder):
        profile, chain = await seen(389)
    assert (profile.spoken, chain) == (False, None)
