"""A real PostgreSQL server on a socket of its own, that can be stopped in mid-work and started again."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from signal import SIGINT, SIGQUIT
from uuid import uuid4

import psycopg
from psycopg import sql


@dataclass(slots=True, kw_only=True)
class Server:
    """A server of one folder; ``new_database`` makes an empty database and returns its URL."""

    folder: Path
    binaries: Path
    listen: str = ""
    process: subprocess.Popen[bytes] | None = None

    def new_database(self) -> str:
        name = f"hygie_{uuid4().hex[:12]}"
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://postgres@/{name}?host={self.folder}"

    def connect(self, name: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=name, autocommit=True)

    def start(self) -> None:
        """Start the server and return once it answers."""
        options: list[str | Path] = [
            "-D",
            self.folder / "data",
            "-k",
            self.folder,
            "-c",
            f"listen_addresses={self.listen}",
        ]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", *options], stdout=log, stderr=log, user=_user(), cwd="/"
            )
        end = time.monotonic() + 30
        while True:
            try:
                self.connect().close()
            except psycopg.OperationalError:
                if self.process.poll() is not None or time.monotonic() > end:
                    raise RuntimeError((self.folder / "log").read_text()[-2000:]) from None
                time.sleep(0.05)
            else:
                return

    def stop(self, *, crash: bool = False) -> None:
        """Stop the server: cut every connection, or end without a checkpoint as after a crash."""
        if self.process is not None:
            self.process.send_signal(SIGQUIT if crash else SIGINT)
            self.process.wait(30)
            self.process = None


@contextmanager
def server(*, listen: str = "", hosts: str = "trust") -> Iterator[Server]:
    """Make a cluster in a temporary folder, start it, and stop it at the end.

    With an address to ``listen`` at it speaks TCP too, and authenticates ``hosts`` as told.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if not found:
        raise RuntimeError("PostgreSQL is not installed")
    binaries = found[-1].parent
    with tempfile.TemporaryDirectory(prefix="hygie-pg-") as temporary:
        folder = Path(temporary)
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        command: list[str | Path] = [
            binaries / "initdb",
            "-D",
            folder / "data",
            "-U",
            "postgres",
            "--auth-local=trust",
            f"--auth-host={hosts}",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        done = subprocess.run(
            [*command, "--locale=C.UTF-8"], capture_output=True, text=True, check=False, user=_user(), cwd="/"
        )
        if done.returncode:
            raise RuntimeError(done.stderr)
        server = Server(folder=folder, binaries=binaries, listen=listen)
        try:
            server.start()
            yield server
        finally:
            server.stop()


def _user() -> int | None:
    """The server refuses to run as root: it runs as Debian's user for it."""
    return pwd.getpwnam("postgres").pw_uid if os.geteuid() == 0 else None
