"""A session of Spark: started with the connector to Kafka and without its chatter, ended for good."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from yeoul.errors import InputError, MissingExtraError, SourceError, YeoulError
from yeoul.jars import fetch_jars, program

__all__ = ["DEFAULTS", "check_words", "require_spark", "session"]

DEFAULTS = {
    "spark.app.name": "yeoul",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "8",
    "spark.sql.streaming.stopTimeout": "5s",
}
"""Settings of ours; `--conf` wins over them."""
_MEANING = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.legacy.timeParserPolicy": "CORRECTED",
}
"""Settings that results depend on: nothing wins over them."""
_MASTER = re.compile(r"local(\[.+\])?|(spark|k8s|yarn)(://.+)?")
_LIBRARY = "pyspark"
_CHATTER = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")
_SAID = 300


def require_spark() -> None:
    """See that Spark can be started, before anything else is done.

    Raises:
        MissingExtraError: no PySpark.
        MissingProgramError: no Java.
    """
    if importlib.util.find_spec(_LIBRARY) is None:
        raise MissingExtraError(_LIBRARY, "spark")
    if "JAVA_HOME" not in os.environ:
        program("java", "default-jre-headless")


@contextmanager
def session(master: str, conf: Mapping[str, str], *, topics: bool) -> Iterator[Any]:
    """A `SparkSession` that ends with the block.

    Args:
        master: such as `local[*]` or `spark://host:7077`.
        conf: more settings of Spark.
        topics: whether the connector to Kafka is needed.

    Raises:
        InputError: no address of a master, or a setting that is not free to choose.
        MissingExtraError: no PySpark.
        MissingProgramError: no Java, or no Maven to fetch the connector with.
        SourceError: the connector cannot be fetched, or Spark does not start.
    """
    settings = DEFAULTS | {"spark.master": master} | dict(conf) | _MEANING
    check_words(master, conf)
    require_spark()
    if topics:
        jars = fetch_jars("yeoul.streams.spark", "connector.jars")
        ours = ",".join(sorted(str(path) for path in jars.iterdir()))
        settings["spark.jars"] = ",".join(filter(None, [conf.get("spark.jars"), ours]))
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    with tempfile.TemporaryDirectory(prefix="yeoul-spark-") as scratch:
        settings.setdefault("spark.sql.warehouse.dir", f"{scratch}/warehouse")
        log = Path(scratch, "spark.log")
        with _signals_held() as held:
            spark = _start(settings, log)
        try:
            if held:
                sys.exit(128 + held[0])
            yield spark
            spark.stop()
        except Exception as error:
            if not isinstance(error, YeoulError) and _java_ended():
                message = "Java, in which Spark runs, was killed or ended by itself; see whether memory was short; "
                raise SourceError(message + "the same command goes on from the checkpoint") from None
            spark.stop()
            raise
        finally:
            # who is ended by a signal, perhaps within an answer of Java's, asks for nothing more
            _end_gateway()


def check_words(master: str, conf: Mapping[str, str]) -> None:
    """See that Spark can be told so.

    Raises:
        InputError: no address of a master, or a setting that is not free to choose.
    """
    if not _MASTER.fullmatch(master):
        message = f"got --master {master}; legal: `local[*]`, `local[2]`, `spark://HOST:PORT`, `yarn`"
        raise InputError(message)
    for key in conf:
        if key in _MEANING:
            message = f"got --conf {key}, which results depend on; leave it as it is, `{_MEANING[key]}`"
            raise InputError(message)


def _start(settings: Mapping[str, str], log: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of versions of pandas, which is not used
        from pyspark import SparkConf  # noqa: PLC0415  (an extra)
        from pyspark.logger import PySparkLogger  # noqa: PLC0415  (an extra)
        from pyspark.sql import SparkSession  # noqa: PLC0415  (an extra)

        logging.getLogger().addFilter(_not_of_py4j)
        for chatter in _CHATTER:  # what they tell is raised too, and told as a sentence
            PySparkLogger.getLogger(chatter).disabled = True
        try:
            with _stderr_to(log):
                conf = SparkConf().setAll(list(settings.items()))
                spark = SparkSession.builder.config(conf=conf).getOrCreate()
                spark.sparkContext.setLogLevel("WARN")
        except Exception as error:  # noqa: BLE001  (of Java, of py4j, of the system)
            raise _not_started(error, log, settings["spark.master"]) from None
    return spark


def _not_started(error: Exception, log: Path, master: str) -> SourceError:
    """What Java said, without where in its code."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    causes = [line.partition("Caused by: ")[2] for line in lines if "Caused by: " in line]
    odd = [line.strip() for line in lines if "rror" in line or "xception" in line]
    said = (causes or odd or str(error).strip().splitlines() or [type(error).__name__])[0]
    message = f"Spark did not start at --master {master}: {said[:_SAID]}; "
    return SourceError(message + "see that the master is there, that Java is 17 or newer, and what --conf says")


@contextmanager
def _signals_held() -> Iterator[list[int]]:
    """SIGINT and SIGTERM that come within are noted: Java that is left while it starts would stay.

    Java that is started within ignores SIGTERM, which may come to all processes at once and is for us to pass on.
    """
    held: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield held
        return
    both = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda got, _: held.append(got)) for number in both]
    within = [True]
    # PySpark starts Java by a fork, and has it ignore SIGINT alone
    os.register_at_fork(after_in_child=lambda: within and signal.signal(signal.SIGTERM, signal.SIG_IGN))
    try:
        yield held
    finally:
        within.clear()
        for number, handler in zip(both, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def _stderr_to(log: Path) -> Iterator[None]:
    """What is started within, Java, writes its log there and not to people."""
    sys.stderr.flush()
    kept = os.dup(2)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _java_ended() -> bool:
    """Whether there is nobody to ask any more."""
    from pyspark import SparkContext  # noqa: PLC0415  (an extra)

    gateway: Any = SparkContext._gateway  # noqa: SLF001  (as below)
    try:
        gateway.proc.wait(1)
    except subprocess.TimeoutExpired:
        return False
    return True


def _not_of_py4j(record: logging.LogRecord) -> bool:
    """What py4j cannot send it writes to the log of all, with a trace, and raises it too."""
    return f"{os.sep}py4j{os.sep}" not in record.pathname


def _end_gateway() -> None:
    """End Java too, so that a next session starts with settings of its own."""
    from pyspark import SparkContext  # noqa: PLC0415  (an extra)

    gateway: Any = SparkContext._gateway  # noqa: SLF001  (there is no other way to end it)
    if gateway is not None:
        gateway.shutdown()
        process = getattr(gateway, "proc", None)
        if process is not None:
            process.stdin.close()
            process.wait()
        SparkContext._gateway = SparkContext._jvm = None  # noqa: SLF001  (as above)
