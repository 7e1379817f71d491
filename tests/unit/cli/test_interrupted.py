"""Ctrl-C while a command is still loaded ends it quietly, at whatever moment."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

SCRIPT = """
import os, signal, sys
name, number = sys.argv.pop(1), int(sys.argv.pop(1))

def interrupt(frame, event, _):
    global number
    if event == "call" and frame.f_code.co_name == name:
        number -= 1
        if number == 0:
            os.kill(os.getpid(), signal.SIGINT)

from yeoul.cli import main
sys.setprofile(interrupt)
main()
"""
"""The installed command, which interrupts itself when it calls a function for the so-manieth time."""
LOADED, CALLBACK, COMMANDS = "_load_unlocked", "cb", "get_command"
"""A module is loaded; a lock of an import is let go, where an exception would be lost; all is loaded."""


@pytest.mark.parametrize(
    ("name", "number"),
    [(LOADED, 1), (LOADED, 9), (LOADED, 90), (LOADED, 400), (CALLBACK, 1), (CALLBACK, 300), (COMMANDS, 1)],
)
def test_a_command_that_is_interrupted_while_it_is_loaded_says_nothing(name: str, number: int):
    command = [sys.executable, "-c", SCRIPT, name, str(number), "run", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")
