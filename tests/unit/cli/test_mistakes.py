"""A mistake at the command line is a sentence and an exit code, never a traceback."""

from __future__ import annotations

import errno
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from yeoul.cli.mistakes import refused
from yeoul.testing.workspaces import demo_workspace


def yeoul(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yeoul.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
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
        (("chek", "x"), 2, "got the command `chek`; legal: `demo`, `init`, `check`"),
        (("chek", "x"), 2, "did you mean `check`?"),
        (("check", "x", "--jsn"), 2, "got the option `--jsn`; legal: `--json`, `--help`; did you mean `--json`?"),
        (("check",), 2, "`yeoul check` needs WORKSPACE: Folder with `yeoul.toml`"),
        (("check", "x", "y"), 2, "got `y` too much; legal: `yeoul check WORKSPACE`"),
        (("replay", "x", "--out"), 2, "got the option `--out`, which needs a value behind it"),
        (("check", "x", "--json=1"), 2, "got the option `--json`, which takes no value"),
        (("run", "x", "--port", "http"), 2, "got `http` for `--port`; legal: a whole number"),
        (("run", "x", "--port", "99999"), 2, "got `99999` for `--port`; legal: at most 65535"),
        (("run", "x", "--port", "0", "--no-console"), 2, "got --port 0 and --no-console, which starts no console"),
        (("quarantine", "lst"), 2, "got the command `lst`; legal: `list`, `show`, `redrive`; did you mean `list`?"),
        (("demo", "--folder", __file__), 1, "a part of this path is a file; choose a folder"),
        (("quarantine",), 2, "redrive"),
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
    assert "╭─ Error" not in done.stderr


@pytest.mark.slow
def test_all_mistakes_of_a_workspace_are_told_at_once(tmp_path: Path):
    folder = demo_workspace(tmp_path, changes={'window      = "10s"': 'windw = "10s"', "top       = 10": 'top = "x"'})
    done = yeoul("check", str(folder))
    assert done.returncode == 2
    assert "did you mean `window`?" in done.stderr
    assert "rank.hot.top" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_a_state_that_cannot_be_read_is_a_sentence(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    (folder / ".yeoul").mkdir()
    (folder / ".yeoul/state.db").write_bytes(b"no database at all" * 1000)
    done = yeoul("quarantine", "list", str(folder))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("disk I/O error"), "the state cannot be read or written (disk I/O error); see that"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full; free some space and try again"),
        (PermissionError(errno.EACCES, "Permission denied", "/o"), "got `/o`: Permission denied; give yourself"),
        (OSError(errno.EIO, "Input/output error"), "Input/output error; `yeoul doctor` looks at the machine"),
    ],
)
def test_what_the_system_refuses_is_told_with_what_to_do(error: OSError | sqlite3.Error, said: str):
    assert refused(error).startswith(said)


def test_a_full_disk_seen_by_the_database_is_told_as_one():
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript("PRAGMA max_page_count = 2; CREATE TABLE t (x)")
        with pytest.raises(sqlite3.OperationalError) as caught:
            db.execute("INSERT INTO t VALUES (zeroblob(100000))")
    assert refused(caught.value) == "the disk is full; free some space and try again"


@pytest.mark.slow
def test_a_replay_that_is_ended_leaves_nothing_behind(tmp_path: Path):
    folder = demo_workspace(tmp_path)
    script = "import time, yeoul.cli.replay as verb; verb.replay = lambda *_: wait()\n"
    script += "import sys, tempfile; from yeoul.cli.app import main\n"
    script += "def wait():\n"
    script += "    with tempfile.TemporaryDirectory(dir=sys.argv[-1]):\n"
    script += "        print('there', flush=True)\n"
    script += "        time.sleep(60)\n"
    script += "main()"
    out = tmp_path / "out"
    out.mkdir()
    command = [sys.executable, "-c", script, "replay", str(folder), "--out", str(out)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "there\n"
        process.terminate()
        assert process.wait(30) == 143
    assert list(out.iterdir()) == []
