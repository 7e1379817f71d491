"""A mistake at the command line is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from yeoul.testing.workspaces import demo_workspace


def yeoul(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yeoul.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("run",), 2, "WORKSPACE"),
        (("replay", "x"), 2, "--out"),
        (("rnu",), 2, "rnu"),
        (("check", "nowhere"), 2, "got `nowhere`, which is not there"),
        (("demo", "--for", "soon"), 2, "got the duration `soon`"),
        (("demo", "--rate", "0"), 2, "--rate"),
        (("export", "nowhere", "--out", "o"), 2, "yeoul init"),
        (("--version",), 0, "yeoul "),
        (("--help",), 0, "Commands"),
        (("replay", "--help"), 0, "same input gives the same"),
    ],
)
def test_each_is_told(words: tuple[str, ...], code: int, said: str):
    done = yeoul(*words)
    assert done.returncode == code
    assert said in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_all_mistakes_of_a_workspace_are_told_at_once(tmp_path: Path):
    folder = demo_workspace(tmp_path, changes={'window      = "10s"': 'windw = "10s"', "top       = 10": 'top = "x"'})
    done = yeoul("check", str(folder))
    assert done.returncode == 2
    assert "did you mean `window`?" in done.stderr
    assert "rank.hot.top" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_in_use_is_told_and_the_engine_ends_with_it(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = yeoul("run", str(folder), "--port", port)
    assert done.returncode == 1
    assert port in done.stderr
    assert "Traceback" not in done.stderr


def test_a_state_made_by_another_declaration_is_refused_with_what_to_do(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    (folder / "logs/a.ndjson").write_text("")
    script = (
        "import sys, threading; from yeoul.flows.run import run_engine; from yeoul.settings import load_workspace\n"
    )
    script += "stop = threading.Event(); stop.set(); run_engine(load_workspace(sys.argv[1]).plan(), stop)"
    subprocess.run([sys.executable, "-c", script, str(folder)], check=True, timeout=60)
    demo_workspace(folder, changes={'window      = "10s"': 'window = "1m"'})
    done = yeoul("run", str(folder), "--no-console")
    assert done.returncode == 1
    assert "give the stream a new name" in done.stderr
    assert "Traceback" not in done.stderr
