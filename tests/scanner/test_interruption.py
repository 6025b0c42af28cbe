"""Ctrl-C at any instant: a code of ours, and never a page of Python."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest

from scanner.exit import Exit


@pytest.mark.parametrize("after", [0.0, 0.01, 0.02, 0.03, 0.04])
def test_ctrl_c_once_all_is_told_changes_nothing(after: float) -> None:
    command = subprocess.Popen(
        [sys.executable, "-u", "-m", "scanner", "version"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert command.stdout is not None
    assert command.stdout.readline()
    time.sleep(after)
    command.send_signal(signal.SIGINT)
    _, said = command.communicate(timeout=30)
    assert (command.returncode, said) in {(Exit.CLEAN, ""), (Exit.INTERRUPTED, "")}
