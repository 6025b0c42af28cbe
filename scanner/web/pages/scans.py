"""Scans: past ones, those that run, watched live, started and stopped."""

from __future__ import annotations

import time
from dataclasses import dataclass

from rules.subject import Scan
from scanner.schedule.launcher import CANCELLED, KINDS
from scanner.store.boards import Shift, Standing
from scanner.store.queue import Order
from scanner.store.sightings import Live, ScanLine
from scanner.web.rights import Right
from scanner.web.route import Action, Asked, Going, Page, Refused, Watch

#: How long a start waits for the scan to appear, in seconds.
_APPEARS = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scans:
    """The last scans of a perimeter, newest first, and the id of the one that runs, or "".

    ``waiting`` are those asked of the workers that none has begun; ``cut`` is what the last one started here said when
    it could not go to its end, "" otherwise.
    """

    scans: tuple[ScanLine, ...]
    running: str
    waiting: tuple[Order, ...]
    kinds: tuple[str, ...]
    cut: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanSheet:
    """One scan: its declaration, how far it is, what it amounts to, and what moved with it."""

    scan: Scan
    line: ScanLine
    live: Live
    standings: tuple[Standing, ...]
    shifts: tuple[Shift, ...]


def _scans(asked: Asked) -> Scans:
    known = asked.settings.perimeters.get(asked.perimeter)
    kinds = [kind for kind in KINDS if known is not None and (known.directories or kind not in {"directory", "both"})]
    last = asked.launch.last(asked.perimeter)
    return Scans(
        cut=last.said if last is not None and not last.judged and last.said != CANCELLED else "",
        scans=asked.store.sightings.scans(asked.perimeter),
        running=asked.store.sightings.running().get(asked.perimeter, ""),
        waiting=asked.launch.waiting(asked.perimeter),
        kinds=tuple(kinds),
    )


def _sheet(asked: Asked) -> ScanSheet:
    scan, line = asked.store.sightings.scan(asked.perimeter, asked.path["scan"])
    return ScanSheet(
        scan=scan,
        line=line,
        live=asked.store.sightings.live(asked.perimeter, scan.id),
        standings=asked.store.boards.of_scan(scan.id),
        shifts=asked.store.boards.shifts_of(scan.id),
    )


def _live(asked: Asked) -> Live:
    return asked.store.sightings.live(asked.perimeter, asked.path["scan"])


def _start(asked: Asked) -> Going:
    kind, perimeter = asked.form.get("kind", ""), asked.perimeter
    if kind not in KINDS:
        raise Refused(f"unknown kind; known: {', '.join(KINDS)}")
    if perimeter not in asked.settings.perimeters:
        raise Refused(asked.say("Ce périmètre n’est plus déclaré.", "This perimeter is no longer declared."))
    before = asked.store.sightings.running().get(perimeter)
    if before or not asked.launch.start(perimeter, kind, asked.identity.login):
        raise Refused(
            asked.say("Un scan de ce périmètre est déjà en cours.", "This perimeter is being scanned already.")
        )
    asked.store.audit.note("scan-asked", perimeter=perimeter, kind=kind)
    return _appeared(asked)


def _appeared(asked: Asked, resumed: str = "") -> Going:
    """Wait until the scan shows in the store, or the child has said why not; ``resumed`` is one that did before."""
    end, place = time.monotonic() + _APPEARS, f"/p/{asked.perimeter}/scans"
    known = {scan.id for scan in asked.store.sightings.scans(asked.perimeter)}
    while time.monotonic() < end:
        running = asked.store.sightings.running().get(asked.perimeter)
        if running:
            return Going(to=f"{place}/{running}", data=running)
        ended = asked.launch.last(asked.perimeter)
        if ended is not None and not ended.judged:
            raise Refused(ended.said or asked.say("Le scan n’a pas pu commencer.", "The scan could not begin."))
        if ended is not None and resumed:
            return Going(to=f"{place}/{resumed}", data=resumed)
        new = next((s.id for s in asked.store.sightings.scans(asked.perimeter) if s.id not in known), "")
        if new:
            return Going(to=f"{place}/{new}", data=new)
        time.sleep(0.1)
    return Going(to=place, told=asked.say("Le scan va commencer.", "The scan is about to begin."))


def _resume(asked: Asked) -> Going:
    scan, line = asked.store.sightings.scan(asked.perimeter, asked.path["scan"])
    if line.state != "interrupted":
        raise Refused(asked.say("Ce scan n’a pas été interrompu.", "This scan was not interrupted."))
    if not asked.launch.start(asked.perimeter, "", asked.identity.login, resume=scan.id):
        raise Refused(
            asked.say("Un scan de ce périmètre est déjà en cours.", "This perimeter is being scanned already.")
        )
    asked.store.audit.note("resume-asked", perimeter=asked.perimeter, scan=scan.id)
    return _appeared(asked, scan.id)


def _stop(asked: Asked) -> Going:
    scan, _ = asked.store.sightings.scan(asked.perimeter, asked.path["scan"])
    asked.store.stops.press(scan.id)
    told = asked.say("Arrêt demandé ; ce qui est vu est gardé.", "Stop asked; what was seen is kept.")
    return Going(to=f"/p/{asked.perimeter}/scans/{scan.id}", told=told)


def _cancel(asked: Asked) -> Going:
    scan = asked.path["scan"]
    if not asked.launch.cancel(asked.perimeter, scan):
        raise Refused(
            asked.say(
                "Ce scan n’attend plus : une machine l’a pris. Arrêtez-le depuis sa page.",
                "This scan waits no more: a machine took it. Stop it from its page.",
            )
        )
    asked.store.audit.note("order-cancelled", perimeter=asked.perimeter, scan=scan)
    told = asked.say("Scan annulé avant d’avoir commencé.", "Scan cancelled before it began.")
    return Going(to=f"/p/{asked.perimeter}/scans", told=told)


SCANS = Page(
    path="/p/{perimeter}/scans",
    right=Right.READ,
    template="scans.html",
    read=_scans,
    returns=Scans,
    title=("Scans", "Scans"),
)
SCAN = Page(
    path="/p/{perimeter}/scans/{scan}",
    right=Right.READ,
    template="scan.html",
    read=_sheet,
    returns=ScanSheet,
    title=("Scan", "Scan"),
)
EVENTS = Watch(path="/p/{perimeter}/scans/{scan}/events", right=Right.READ, look=_live, title=("En direct", "Live"))
START = Action(
    path="/p/{perimeter}/scans",
    right=Right.SCAN,
    do=_start,
    fields={"kind": "short, full, directory, confirmation or both"},
    title=("Lancer un scan", "Start a scan"),
)
STOP = Action(
    path="/p/{perimeter}/scans/{scan}/stop", right=Right.SCAN, do=_stop, title=("Arrêter le scan", "Stop the scan")
)
CANCEL = Action(
    path="/p/{perimeter}/scans/{scan}/cancel",
    right=Right.SCAN,
    do=_cancel,
    title=("Annuler un scan qui attend", "Cancel a scan that waits"),
)
RESUME = Action(
    path="/p/{perimeter}/scans/{scan}/resume",
    right=Right.SCAN,
    do=_resume,
    title=("Reprendre le scan", "Resume the scan"),
)
