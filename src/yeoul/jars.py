"""Java libraries: fetched once by Maven into the cache of the user, each checked against the hash in a lock file."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from importlib.resources import files
from pathlib import Path
from xml.sax.saxutils import escape

from yeoul.errors import MissingProgramError, SourceError

__all__ = ["cache_folder", "fetch_jars", "jars_folder", "program"]

_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"
_POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>yeoul</groupId><artifactId>jars</artifactId><version>1</version><dependencies>{dependencies}</dependencies></project>
"""
_DEPENDENCY = """<dependency><groupId>{0}</groupId><artifactId>{1}</artifactId><version>{2}</version>{3}
<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>"""
_SAID_LINES = 2
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def cache_folder() -> Path:
    """Where fetched libraries stay: `$XDG_CACHE_HOME/yeoul`, otherwise `~/.cache/yeoul`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "yeoul"


def program(name: str, package: str) -> str:
    """The path of a program.

    Raises:
        MissingProgramError: it is not on the PATH; the message names its Debian package.
    """
    found = shutil.which(name)
    if found is None:
        raise MissingProgramError(name, package)
    return found


def jars_folder(package: str, lock: str) -> Path:
    """Where the libraries of a lock file are once they were fetched."""
    digest = hashlib.sha256((files(package) / lock).read_bytes()).hexdigest()[:12]
    return cache_folder() / "jars" / f"{Path(lock).stem}-{digest}"


def fetch_jars(package: str, lock: str) -> Path:
    """The folder that holds exactly the libraries of a lock file; fetched when it is not there.

    Args:
        package: the Python package that the lock file is in.
        lock: its name, such as `broker.jars`: a line a library, `GROUP:ARTIFACT:VERSION[:CLASSIFIER] SHA256`.

    Raises:
        MissingProgramError: they must be fetched, and there is no Maven.
        SourceError: Maven cannot fetch them, or what it fetched has another hash.
    """
    text = (files(package) / lock).read_text(encoding="utf-8")
    wanted = dict(line.split() for line in text.splitlines() if line and not line.startswith("#"))
    folder = jars_folder(package, lock)
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".fetching-") as scratch:
        fetched = _fetch(Path(scratch), list(wanted), folder)
        _verify(fetched, set(wanted.values()), lock)
        if not folder.is_dir():  # somebody else may have been quicker
            fetched.rename(folder)
    return folder


def _fetch(scratch: Path, coordinates: list[str], kept: Path) -> Path:
    """Let Maven copy libraries of these coordinates, and no others, into a folder; they are to go to `kept`."""
    maven = program("mvn", "maven")
    dependencies = []
    for each in coordinates:
        group, artifact, version, *classifier = map(escape, each.split(":"))
        extra = f"<classifier>{classifier[0]}</classifier>" if classifier else ""
        dependencies.append(_DEPENDENCY.format(group, artifact, version, extra))
    (scratch / "pom.xml").write_text(_POM.format(dependencies="".join(dependencies)), encoding="utf-8")
    command = [
        maven,
        "--quiet",
        "--batch-mode",
        "-Dstyle.color=never",
        _COPY,
        "-DoutputDirectory=lib",
        "-Dmdep.prependGroupId=true",
    ]
    done = subprocess.run(command, cwd=scratch, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)  # noqa: S603  (our own command)
    if done.returncode:
        said = [line for line in _COLOUR.sub("", done.stdout + done.stderr).splitlines() if line != "[ERROR] "]
        raise SourceError(
            "Maven could not fetch the Java libraries; legal: a reachable Maven repository; set a proxy or mirror in "
            f"`~/.m2/settings.xml`, or copy `{kept}` from a machine that has it. It said: "
            + " | ".join(said[:_SAID_LINES])
        )
    return scratch / "lib"


def _verify(folder: Path, wanted: set[str], lock: str) -> None:
    """Raise unless the files' hashes are those of the lock file, all and no others."""
    got = {hashlib.sha256(path.read_bytes()).hexdigest(): path.name for path in folder.iterdir()}
    strange = sorted(name for digest, name in got.items() if digest not in wanted)
    if strange or len(got) != len(wanted):
        what = f"`{strange[0]}` with a hash that is not in it" if strange else f"{len(got)} of {len(wanted)} libraries"
        message = f"got {what} for `{lock}`; legal: what was locked; look at your Maven repository, or lock anew"
        raise SourceError(message)
