"""The FINESS register, taken in from a file sent on screen: held to what the command line holds it to."""

from __future__ import annotations

import threading
from pathlib import Path, PurePosixPath

from reports.visible import visible
from reports.words import load
from scanner.finess.number import FinessError
from scanner.finess.read import unfolded
from scanner.finess.taking import Taken, take, told
from scanner.store import plain
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Going, Refused

#: Largest content read on screen, in bytes: a larger one takes more memory than the service should lend.
_LARGEST = 512 << 20
_LONGEST_NAME = 100
#: One register at a time: reading one takes many times its size.
_reading = threading.Lock()


def _import(asked: Asked) -> Going:
    name, data = asked.files.get("register", ("", b""))
    if not data:
        raise Refused(asked.say("Choisissez le fichier du registre.", "Choose the file of the register."))
    if not _reading.acquire(blocking=False):
        raise Refused(
            asked.say("Un registre est déjà en cours de lecture.", "A register is being read already; try again.")
        )
    try:
        taken = _taken(asked, Path(_plain(name)), data)
    finally:
        _reading.release()
    said, doubts = told(taken, load(asked.language, "scanner"))
    return Going(to="/settings#register", told=". ".join([said, *doubts]), data=plain.data_of(taken))


def _taken(asked: Asked, name: Path, data: bytes) -> Taken:
    try:
        return take(asked.store, name, unfolded(name, data, _LARGEST), asked.now.date())
    except FinessError as error:
        sentence = visible(str(error), 400)
        raise Refused(
            asked.say(f"Rien n’est repris de ce fichier. {sentence}", f"Nothing is taken from this file. {sentence}")
        ) from error


def _plain(name: str) -> str:
    """The last part of the name a browser sent, made visible: it is quoted, logged, and never opened."""
    return visible(PurePosixPath(name.replace("\\", "/")).name, _LONGEST_NAME) or "file"


REGISTER = Action(
    path="/settings/register",
    right=Right.CONFIGURE,
    do=_import,
    fields={"register": "the daily JSON, the former flat file, or a CSV finess;ght;lits, maybe gzip (multipart)"},
    title=("Importer le registre FINESS", "Import the FINESS register"),
)
