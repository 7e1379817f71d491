"""On the build server a service that is missing is a failure, not a skip that nobody reads."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # each starts a pytest of its own

MARKED = """
import pytest
@pytest.mark.services
def test_of_a_broker():
    pytest.skip("no broker here")
"""
CONDITION = """
import pytest
@pytest.mark.services
@pytest.mark.skipif(True, reason="no broker here")
def test_of_a_broker(): pass
"""
WHOLE_FILE = 'import pytest\npytest.skip("no broker here", allow_module_level=True)\n'
UNMARKED = 'import pytest\ndef test_of_something(): pytest.skip("not on this system")\n'


def _exit_code(home: Path, text: str, **environment: str) -> int:
    folder = home / "services"
    folder.mkdir()
    (folder / "test_planted.py").write_text(text + "\ndef test_that_passes(): pass\n", encoding="utf-8")
    (home / "pytest.ini").write_text("[pytest]\nmarkers =\n    services: as in the project\n", encoding="utf-8")
    shutil.copy(Path(__file__).parents[1] / "conftest.py", home)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("YEOUL_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "."]
    return subprocess.run(command, cwd=home, env=clean | environment, capture_output=True, check=False).returncode


@pytest.mark.parametrize("text", [MARKED, CONDITION, WHOLE_FILE])
def test_a_missing_service_fails_the_run_where_it_is_required(text: str, tmp_path: Path) -> None:
    assert _exit_code(tmp_path, text, YEOUL_REQUIRE_SERVICES="1") != 0


@pytest.mark.parametrize("text", [MARKED, CONDITION])
def test_a_missing_service_is_a_skip_elsewhere(text: str, tmp_path: Path) -> None:
    assert _exit_code(tmp_path, text) == 0


def test_a_skip_that_is_no_service_stays_a_skip(tmp_path: Path) -> None:
    assert _exit_code(tmp_path, UNMARKED, YEOUL_REQUIRE_SERVICES="1") == 0
