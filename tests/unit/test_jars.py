"""Java libraries come from the cache, or from Maven and then only with the hashes that were locked."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from yeoul.errors import MissingProgramError, SourceError
from yeoul.jars import fetch_jars

LOCKED = b"a library"
MAVEN = """#!/bin/sh
mkdir lib && printf 'a library' > lib/org.some.one-1.jar && cp pom.xml "$HOME/asked.xml"
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a lock file of one library, an empty cache and a PATH of its own."""
    home = tmp_path / "locked_package"
    home.mkdir()
    (home / "__init__.py").touch()
    digest = hashlib.sha256(LOCKED).hexdigest()
    (home / "some.jars").write_text(f"# one library\norg.some:one:1 {digest}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return "locked_package"


def _maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program called `mvn` that does what the script says."""
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    (folder / "mvn").write_text(script)
    (folder / "mvn").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_what_is_locked_is_asked_for_once(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _maven(tmp_path, monkeypatch, MAVEN)
    folder = fetch_jars(package, "some.jars")
    assert [path.read_bytes() for path in folder.iterdir()] == [LOCKED]
    assert "<artifactId>one</artifactId><version>1</version>" in (tmp_path / "asked.xml").read_text()
    (tmp_path / "bin/mvn").write_text("#!/bin/sh\nexit 1\n")
    assert fetch_jars(package, "some.jars") == folder


def test_another_hash_is_refused_and_not_kept(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _maven(tmp_path, monkeypatch, MAVEN.replace("a library", "a forgery"))
    for _ in range(2):
        with pytest.raises(SourceError, match=r"got `org.some.one-1.jar` with a hash that is not in it"):
            fetch_jars(package, "some.jars")


def test_a_missing_library_is_refused(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _maven(tmp_path, monkeypatch, "#!/bin/sh\nmkdir lib\n")
    with pytest.raises(SourceError, match="got 0 of 1 libraries"):
        fetch_jars(package, "some.jars")


def test_what_maven_says_is_handed_on(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _maven(tmp_path, monkeypatch, "#!/bin/sh\necho no such host\nexit 1\n")
    with pytest.raises(SourceError, match="no such host"):
        fetch_jars(package, "some.jars")


def test_without_maven_its_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(MissingProgramError, match="apt-get install maven"):
        fetch_jars(package, "some.jars")
