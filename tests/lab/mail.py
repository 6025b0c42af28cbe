"""Real mail servers on loopback: Postfix and Dovecot, each with the settings that a test gives."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.lab.daemon import running

_MASTER = """\
{smtp}      inet  n - n - - smtpd
{submission}
cleanup   unix  n - n - 0 cleanup
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
qmgr      unix  n - n 300 1 qmgr
local     unix  - n n - - local
error     unix  - - n - - error
discard   unix  - - n - - discard
tlsmgr    unix  - - n 1000? 1 tlsmgr
postlog   unix-dgram n - n - 1 postlogd
"""


@contextlib.contextmanager
def postfix(
    folder: Path, address: str, *, settings: Mapping[str, str], submission: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Run Postfix on port 25 of an address, and on 587 with ``submission``'s own settings; ``folder`` is its own."""
    configuration, queue, data = folder / "etc", folder / "queue", folder / "data"
    for path in (configuration, queue, data):
        path.mkdir(parents=True)
    shutil.chown(data, "postfix", "postfix")
    os.chmod(folder, 0o755)
    main = {
        "compatibility_level": "3.6",
        "queue_directory": str(queue),
        "data_directory": str(data),
        "inet_interfaces": "all",
        "inet_protocols": "ipv4",
        "maillog_file": "/dev/stdout",
        "mydestination": "$myhostname, localhost",
        "mynetworks": "192.0.2.0/32",
        "alias_maps": "",
        "local_recipient_maps": "inline:{ postmaster=x }",
        **settings,
    }
    (configuration / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in main.items()))
    options = "".join(f"\n  -o {key}={value}" for key, value in (submission or {}).items())
    second = f"{address}:587 inet n - n - - smtpd{options}" if submission is not None else ""
    (configuration / "master.cf").write_text(_MASTER.format(smtp=f"{address}:25", submission=second))
    ports = [(address, 25)] + ([(address, 587)] if submission is not None else [])
    # The script that starts Postfix would outlive its own master: make the queue with it, then run the master itself.
    subprocess.run(["/usr/sbin/postfix", "-c", configuration, "check"], check=True, capture_output=True)
    with running(["/usr/lib/postfix/sbin/master", "-c", configuration, "-s"], ports, log=folder / "out.log"):
        yield


@contextlib.contextmanager
def dovecot(folder: Path, address: str, *, settings: Mapping[str, str]) -> Iterator[None]:
    """Run Dovecot's IMAP on ports 143 and 993 of an address, and whatever other ``protocols`` are set."""
    folder.mkdir(parents=True, exist_ok=True)
    os.chmod(folder, 0o755)
    main = {
        "base_dir": str(folder / "run"),
        "state_dir": str(folder / "state"),
        "log_path": str(folder / "mail.log"),
        "protocols": "imap",
        "listen": address,
        "mail_location": f"maildir:{folder}/%u",
        "default_login_user": "dovenull",
        "default_internal_user": "dovecot",
        **settings,
    }
    text = "".join(f"{key} = {value}\n" for key, value in main.items())
    path = folder / "dovecot.conf"
    path.write_text(text + "passdb {\n  driver = static\n  args = password=unused\n}\nuserdb {\n  driver = static\n}\n")
    ports = [(address, 143), *([(address, 993)] if settings.get("ssl") != "no" else [])]
    with running(["/usr/sbin/dovecot", "-F", "-c", path], ports, log=folder / "out.log"):
        yield
