"""Signals that come close together stop a process, wherever its main thread is."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

WAITS = """
import threading
from yeoul.stopping import set_on_signals
stop = threading.Event()
set_on_signals(stop)
print("up", flush=True)
while not stop.wait(1e-5):
    pass
"""


@pytest.mark.slow
def test_a_hail_of_signals_stops_a_process_that_looks_at_its_event_all_the_time():
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        until = time.monotonic() + 10
        while process.poll() is None and time.monotonic() < until:
            for number in (signal.SIGTERM, signal.SIGINT):
                os.kill(process.pid, number)
        ended = process.poll()
        process.kill()
        process.wait()
        process.stdout.close()
        assert ended in {0, -signal.SIGTERM, -signal.SIGINT}  # at the very end Python has no handlers any more
