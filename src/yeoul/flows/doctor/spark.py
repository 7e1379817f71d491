"""What `yeoul submit` needs beside PySpark: Java, and the connector to Kafka or Maven to fetch it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.jars import jars_folder

__all__ = ["spark_checks"]

_JAVA = 17
_ASK_S = 20.0
_VERSION = re.compile(r'version "(?:1\.)?(\d+)')
_ONLY = "only `yeoul submit` needs it"


def spark_checks(*, topics: bool) -> list[Check]:
    """Nothing where PySpark is not installed; `topics`: whether streams read topics."""
    if find_spec("pyspark") is None:
        return []
    verdicts = Verdicts("spark")
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=str(Path(home, "bin")) if home else None)
    if java is None:
        where = f"in `JAVA_HOME` ({home})" if home else "on the PATH"
        verdicts.warn(f"no `java` {where}", f"{_ONLY}: apt-get install default-jre-headless (Java {_JAVA} or newer)")
    else:
        _java(verdicts, java)
    if not topics:
        return verdicts.found
    jars = jars_folder("yeoul.streams.spark", "connector.jars")
    if jars.is_dir():
        verdicts.ok(f"the connector to Kafka is in `{jars}`")
    elif shutil.which("mvn"):
        verdicts.ok("the connector to Kafka is fetched by Maven at the first `yeoul submit`")
    else:
        advice = f"{_ONLY}: apt-get install maven, or copy that folder from a machine that has it"
        verdicts.warn(f"the connector to Kafka is not in `{jars}`, and there is no `mvn` to fetch it with", advice)
    return verdicts.found


def _java(verdicts: Verdicts, java: str) -> None:
    command = [java, "-version"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_ASK_S, check=False)  # noqa: S603  (what Spark starts, too)
    except (OSError, subprocess.TimeoutExpired) as error:
        verdicts.warn(f"`{java}` does not start ({error})", f"{_ONLY}: install Java {_JAVA} or newer")
        return
    match = _VERSION.search(done.stderr + done.stdout)
    if match is None:
        verdicts.warn(f"`{java}` does not say its version", f"{_ONLY}: install Java {_JAVA} or newer")
    elif int(match[1]) < _JAVA:
        verdicts.warn(f"`{java}` is Java {match[1]}", f"{_ONLY}: install Java {_JAVA} or newer, and set JAVA_HOME")
    else:
        verdicts.ok(f"`{java}` is Java {match[1]}")
