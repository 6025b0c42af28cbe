"""Secrets by reference: `env:NAME`, `file:/path`, `keyring:service/user`; never a literal."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from probes.interface.secret import Secret

#: Longest secret read from a file, in bytes.
_LONGEST = 65_536


class SecretError(Exception):
    """A secret cannot be had; the message never quotes it."""


def is_reference(text: str) -> bool:
    """Tell whether a text refers to a secret rather than being one."""
    kind, colon, rest = text.partition(":")
    return bool(colon) and kind in {"env", "file", "keyring"} and bool(rest)


def read(reference: str) -> Secret:
    """Return the secret that a reference names; raise ``SecretError`` with what to do."""
    kind, _, rest = reference.partition(":")
    if kind == "env":
        if rest not in os.environ:
            raise SecretError(f"the environment variable {rest} is not set: export it before running Hygie")
        return Secret(os.environ[rest])
    if kind == "file":
        return _from_file(Path(rest))
    if kind == "keyring":
        return _from_keyring(rest)
    raise SecretError("a secret is referenced as env:NAME, file:/path or keyring:service/user")


def _from_file(path: Path) -> Secret:
    try:
        mode = path.stat().st_mode
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            raise SecretError(f"{path} can be read by others than its owner: chmod 600 {path}")
        with path.open("rb") as file:
            data = file.read(_LONGEST)
    except OSError as error:
        raise SecretError(f"{path}: {error.strerror}") from error
    try:
        return Secret(data.decode().rstrip("\r\n"))
    except UnicodeDecodeError:
        raise SecretError(f"{path} is not UTF-8: write the secret in it as UTF-8 text") from None


def _from_keyring(rest: str) -> Secret:
    service, slash, user = rest.rpartition("/")
    if not slash or not service or not user:
        raise SecretError("a keyring secret is referenced as keyring:service/user")
    try:
        import keyring
    except ImportError:
        raise SecretError("keyring secrets need the extra: install hygie[keyring]") from None
    found = keyring.get_password(service, user)
    if found is None:
        raise SecretError(f"the keyring holds no secret for {service}/{user}")
    return Secret(found)
