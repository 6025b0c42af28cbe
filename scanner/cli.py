"""The command line: every command found by its place under `scanner/commands`; heavy imports wait inside each."""

from __future__ import annotations

import importlib
import logging
import pkgutil
import signal
import sys
from typing import NoReturn

import typer

import scanner.commands
from reports.visible import visible
from scanner.exit import Exit

#: What Typer exits with on ``KeyboardInterrupt``.
_CTRL_C = 130
app = typer.Typer(no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, rich_markup_mode=None)
for _module in sorted(m.name for m in pkgutil.iter_modules(scanner.commands.__path__, "scanner.commands.")):
    app.add_typer(importlib.import_module(_module).app)


def main() -> None:
    """Run a command; Ctrl-C at any instant is a code of ours."""
    try:
        _run()
    except KeyboardInterrupt:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        raise SystemExit(Exit.INTERRUPTED) from None


def _run() -> None:
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    try:
        app()
    except SystemExit as ended:
        # What came of it is told and settled: Ctrl-C from here on would change nothing but the exit code.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # Ctrl-C outside the part of a scan that stops in order: the framework says 130, we have a code for it.
        raise SystemExit(Exit.INTERRUPTED if ended.code == _CTRL_C else ended.code) from None
    except OSError as error:
        if error.filename is None:
            _fault()
        typer.echo(f"hygie: {visible(str(error.filename))}: {error.strerror}; name another place", err=True)
        raise SystemExit(Exit.REFUSED) from None
    except Exception:
        # The outermost seam: an error that no command could name is ours, and has an exit code of its own.
        _fault()


def _fault() -> NoReturn:
    logging.getLogger(__name__).exception("this is a fault of Hygie's own; what was already collected is kept")
    raise SystemExit(Exit.FAULT) from None
