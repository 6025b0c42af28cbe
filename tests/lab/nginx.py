"""A real nginx on loopback, with the server blocks that a test gives."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.lab.daemon import running

_CONFIGURATION = """\
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
  access_log {folder}/access.log;
  types {{ text/html html; text/plain txt; application/json json; }}
  default_type application/octet-stream;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
{servers}
}}
"""


@contextlib.contextmanager
def nginx(folder: Path, servers: str, ports: Sequence[tuple[str, int]]) -> Iterator[None]:
    """Run nginx with ``servers`` (text of server blocks) until the context ends; ``folder`` is its own."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o755)
    path = folder / "nginx.conf"
    path.write_text(_CONFIGURATION.format(folder=folder, servers=servers))
    command = ["/usr/sbin/nginx", "-c", str(path), "-p", str(folder), "-e", str(folder / "error.log"),
               "-g", "daemon off;"]  # fmt: skip
    with running(command, ports, log=folder / "out.log"):
        yield
