"""Every key of a workspace file: name, type, default, and what it means (the reference page is made from this)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from yeoul.settings.values import (
    Duration,
    FieldPath,
    Formats,
    Legal,
    LocalDays,
    LocalTime,
    Persist,
    PositiveDuration,
    Size,
    Start,
    TimeZone,
)

__all__ = [
    "SECTIONS",
    "CalendarKeys",
    "ConsoleKeys",
    "DetectKeys",
    "EngineKeys",
    "EventTimeKeys",
    "FieldKeys",
    "FilesKeys",
    "KafkaKeys",
    "LookupKeys",
    "NotifyKeys",
    "RankKeys",
    "SinkKeys",
    "StreamKeys",
    "WindowKeys",
]

_S = 1_000_000

Tables = Annotated[dict[str, Any], Legal("a table")]
Bootstrap = Annotated[
    str, Legal("`host:port`, several joined by commas"), Field(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")
]
Topic = Annotated[str, Legal("a topic's name"), Field(pattern=r"^[\w.-]+$")]


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, use_attribute_docstrings=True)


class _LineFormat(_Keys):
    format: Literal["json", "csv", "logfmt", "pattern"] = "json"
    """How a line is written."""
    pattern: Annotated[str | None, Legal("a regular expression with named groups")] = None
    """For `pattern`: a regular expression whose named groups are the members of a line."""
    delimiter: Annotated[str, Legal("one character"), Field(min_length=1, max_length=1)] = ","
    """For `csv`: what stands between columns."""
    columns: Annotated[list[str] | None, Legal("a list of texts")] = None
    """For `csv`: names of the columns; without them the first line of each file is the header."""


class FilesKeys(_LineFormat):
    """A source of kind `files`: log files that are read while they are written."""

    kind: Literal["files"]
    """Files under a glob."""
    path: Annotated[str, Legal("a path or glob, such as `logs/*.ndjson`"), Field(min_length=1)]
    """Glob of the files, relative to the workspace; rotated siblings belong to them."""


class KafkaKeys(_LineFormat):
    """A source of kind `kafka`."""

    kind: Literal["kafka"]
    """A Kafka topic."""
    bootstrap: Bootstrap
    """Brokers to begin with."""
    topic: Topic
    """The topic; each message is one line."""
    group: Annotated[str, Legal("a consumer group's name"), Field(min_length=1)] = "yeoul"
    """Consumer group that offsets are committed to, for those who watch it; nothing is read from there."""
    on_loss: Literal["stop", "continue"] = "stop"
    """What to do when messages were deleted before they were read: `continue` goes on behind them, with a notice."""
    client: Annotated[dict[str, str], Legal("a table of texts")] = Field(default={})
    """More settings of the client library (librdkafka): TLS, SASL; `${NAME}` is taken from the environment."""


class EventTimeKeys(_Keys):
    """Where the time of an event is. A text alone is its path."""

    path: FieldPath
    """The member that holds the time."""
    format: Formats = Field(default=["iso"])
    """How it is written; of several, the first that fits."""
    timezone: TimeZone = "UTC"
    """Zone of times that are written without one."""


class FieldKeys(_Keys):
    """A field taken from each event. A text alone is its path."""

    path: FieldPath
    """The member that holds it."""
    type: Literal["str", "int", "float", "bool", "timestamp"] = "str"
    """What it is; numbers written as texts are numbers."""
    default: Annotated[Any, Legal("a value of the field's type")] = None
    """Taken where the member is absent or null; without a default such a row is invalid."""
    format: Formats = Field(default=["iso"])
    """For `timestamp`: how it is written."""
    timezone: TimeZone = "UTC"
    """For `timestamp`: zone of times that are written without one."""


class WindowKeys(_Keys):
    """Windows of events. A duration alone is the size of tumbling windows."""

    size: PositiveDuration
    """Length of a window."""
    slide: PositiveDuration | None = None
    """Distance between window starts; a divisor of the size. Unset: tumbling windows."""


class StreamKeys(_Keys):
    """A stream of events: where they come from and how they are counted."""

    source: Annotated[Any, Legal('a table, such as `{ kind = "files", path = "logs/*.ndjson" }`')]
    """Where events come from."""
    event_time: Annotated[Any, Legal("a field path, or a table with `path`, `format`, `timezone`")]
    """When an event happened."""
    fields: Annotated[Any, Legal("a table of names and field paths")]
    """What is taken from an event, by name."""
    keys: Annotated[list[str], Legal("a list of declared fields")]
    """Fields that events are grouped by; the first also tells one device's wrong clock from many."""
    window: Annotated[Any, Legal('a duration, or `{ size = "1m", slide = "10s" }`')] = "10s"
    """Length of the windows that events are counted in."""
    delay: PositiveDuration = 10 * _S
    """How far out of order rows may come and still be on time."""
    aggregates: Annotated[Any, Legal('a table of names and aggregates, such as `{ plays = "count()" }`')] = Field(
        default={"count": "count()"}
    )
    """What is computed of each group: count(), sum(f), min(f), max(f), mean(f), distinct(f)."""
    idle_timeout: PositiveDuration = 30 * _S
    """A file that is silent for so long holds nobody back."""
    max_future_skew: Duration = 300 * _S
    """Rows at most so far ahead count; those further ahead need others that confirm them."""
    max_split_lag: PositiveDuration = 300 * _S
    """A file that stays more than this behind the others holds nobody back."""
    allowed_lateness: Duration = 0
    """Late rows up to here revise their closed window; later ones are set aside as late."""
    retention: PositiveDuration = 7 * 86_400 * _S
    """How long windows can still be revised by redriven rows."""
    start: Start = "earliest"
    """Rows before this are not counted."""
    event_id: Annotated[str | None, Legal("a declared field")] = None
    """The field whose repeats are duplicates."""
    where: Annotated[str | None, Legal("a comparison over declared fields")] = None
    """Only rows for which this holds are counted."""
    redact: Annotated[list[str], Legal("a list of declared fields")] = Field(default=[])
    """Fields that are masked wherever a row is shown or set aside."""


class DetectKeys(_Keys):
    """What is watched for abnormal behaviour."""

    stream: Annotated[str, Legal("the name of a stream")]
    """The stream that is watched."""
    by: Annotated[list[str], Legal("a list of the stream's keys")]
    """Keys that windows are rolled up to: one of these is what is judged."""
    value: Annotated[str, Legal("an aggregate of the stream")]
    """The number that is judged."""
    detectors: Annotated[list[str], Legal("a list of detectors")] = Field(default=["seasonal", "kmeans"])
    """Which detectors judge; the first one's expectation is shown."""
    alarms_per_day: Annotated[float, Field(gt=0)] = 1.0
    """The budget: false alarms a day for the whole block."""
    min_volume: Annotated[float, Field(ge=0)] = 20.0
    """Neither observed nor expected reach this in a window: no alarm."""
    min_effect: Annotated[float, Field(ge=0)] = 0.2
    """Least distance from expected, as a share of it: 0.2 is 20 %."""
    persist: Persist = (2, 3)
    """An incident opens after K alarms in the last N windows."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.2
    """Keys with less history are judged but raise no alarm; 0.2 is about 20 windows."""
    max_keys: Annotated[int, Field(ge=1)] = 200_000
    """Above this many keys those absent longest are forgotten."""


class CalendarKeys(_Keys):
    """When what is watched is known not to be as usual: maintenance, holidays."""

    from_: LocalTime | None = Field(default=None, alias="from")
    """Begin of the time; give `from` and `until`, or `dates`."""
    until: LocalTime | None = None
    """Its end: the first moment after it."""
    dates: LocalDays = Field(default=[])
    """Whole days."""
    timezone: TimeZone = "UTC"
    """By whose clock these are written."""
    every: Annotated[Literal["year", "week", "day"] | None, Legal("`year`, `week`, `day`")] = None
    """It comes again, from the first time on. Unset: once."""
    keys: Annotated[str, Legal("a pattern such as `CP00*`"), Field(min_length=1)] = "*"
    """Which keys: `*` is any text, `?` any character; several fields are joined by `/`."""
    watch: Annotated[list[str], Legal("a list of detect blocks")] = Field(default=[])
    """In which detect blocks; empty: in all."""
    action: Literal["mute", "rebaseline"] = "mute"
    """`mute`: findings are listed, nobody is told, nothing is learnt. `rebaseline`: levels begin anew, after it too."""


class RankKeys(_Keys):
    """What is hot."""

    stream: Annotated[str, Legal("the name of a stream")]
    """The stream that is ranked."""
    by: Annotated[list[str], Legal("a list of the stream's keys")]
    """Keys that make what is ranked."""
    within: Annotated[list[str], Legal("a list of the stream's keys")] = Field(default=[])
    """Keys that each have places of their own, beside the ones over all."""
    value: Annotated[str, Legal("a count() or sum() of the stream")]
    """The number that is ranked by."""
    half_life: PositiveDuration = 600 * _S
    """After this time an event weighs half."""
    top: Annotated[int, Field(ge=1, le=1000)] = 10
    """Places of each ranking."""


class LookupKeys(_Keys):
    """Names for keys, shown everywhere."""

    path: Annotated[str, Legal("the path of a CSV file"), Field(min_length=1)]
    """A CSV file with a header line, relative to the workspace; read again when it changes."""
    key: Annotated[str, Legal("a key of a stream")]
    """The key field, and the column that holds its texts."""
    name: Annotated[str, Legal("a column of the file")]
    """The column that holds the names."""


class NotifyKeys(_Keys):
    """Who is told when an incident opens, grows or closes."""

    kind: Literal["webhook"]
    """How: `webhook` posts a JSON document."""
    url: Annotated[str, Legal("an address that begins with http:// or https://"), Field(pattern=r"^https?://[^\s/]+")]
    """Where to; `${NAME}` is taken from the environment."""
    headers: Annotated[dict[str, str], Legal("a table of texts")] = Field(default={})
    """Headers of the request; `${NAME}` is taken from the environment: the place for secrets."""
    timeout: PositiveDuration = 5 * _S
    """How long one request may take."""
    detect: Annotated[list[str], Legal("a list of detect blocks")] = Field(default=[])
    """Only incidents of these blocks; empty: of all."""


class SinkKeys(_Keys):
    """Where lines or results go."""

    kind: Literal["kafka"]
    """Topics of Kafka."""
    bootstrap: Bootstrap
    """Brokers to begin with."""
    send: Literal["results", "lines"] = "results"
    """What goes there: `results` of `yeoul run`, or `lines` of files, by `yeoul ship`."""
    topics: Annotated[Any, Legal('a table, such as `{ windows = "hits-windows" }`')] = Field(default={})
    """For results: topics of `windows`, `live`, `late`, `findings`, `incidents`, `rankings`; others are not sent."""
    transactional: bool = False
    """For results: a consumer of committed messages (`read_committed`) is given each once, also after a kill."""
    live_every: PositiveDuration = _S
    """For results: how often a group of an open window is sent to the topic `live`, at most."""
    shard_by: Annotated[list[str], Legal('a list of keys, such as `["customer"]`')] = Field(default=[])
    """For results: keys whose windows stay together in one partition, so that workers (`run --part`) can share them."""
    group: Annotated[str, Legal("a name of letters, digits, `.`, `_`, `-`"), Field(pattern=r"^[\w.-]+$")] = "yeoul"
    """For results: how names of the workers' consumer groups, and of the topics with their states, begin."""
    topic: Topic | None = None
    """For lines: where they go."""
    stream: Annotated[str | None, Legal("the name of a stream")] = None
    """For lines: send those of this stream's files; or give `path`."""
    path: Annotated[str | None, Legal("a path or glob, such as `logs/*.ndjson`")] = None
    """For lines: glob of the files, relative to the workspace."""
    key: FieldPath | None = None
    """For lines: the member of one (JSON) whose value is the message's key: what has one key stays in order."""
    fields: Annotated[Any, Legal("a list of field paths, or a table of names and field paths")] = Field(default=[])
    """For lines: send only these, of a list where they stand, of a table at the top under their names; empty: all."""
    start: Literal["earliest", "latest"] = "earliest"
    """For lines: where a first start begins; `latest`: with what is written from then on."""
    compression: Literal["zstd", "lz4", "snappy", "gzip", "none"] = "zstd"
    """How batches are compressed."""
    client: Annotated[dict[str, str], Legal("a table of texts")] = Field(default={})
    """More settings of the client library (librdkafka): TLS, SASL; `${NAME}` is taken from the environment."""


class ConsoleKeys(_Keys):
    """The web pages. A password is taken from the environment: YEOUL_PASSWORD."""

    host: Annotated[str, Legal("an address of this machine"), Field(min_length=1)] = "127.0.0.1"
    """Address to listen at; another than loopback needs a password."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8750
    """Port to listen at; 0 takes a free one."""
    language: Literal["auto", "en", "ko"] = "auto"
    """Language of the pages; `auto` follows the browser."""


class EngineKeys(_Keys):
    """How the engine works; nothing here changes a result."""

    commit_interval: PositiveDuration = 200_000
    """Time between checkpoints."""
    quarantine_cap: Size = 256_000_000
    """Raw bytes kept of lines that are no rows; beyond it the oldest go."""
    log_cap: Size = 2_000_000_000
    """Size of the results log at which reading pauses until detectors and rankings have caught up."""


SECTIONS: dict[str, tuple[type[BaseModel], bool]] = {
    "stream": (StreamKeys, True),
    "detect": (DetectKeys, True),
    "calendar": (CalendarKeys, True),
    "rank": (RankKeys, True),
    "lookup": (LookupKeys, True),
    "notify": (NotifyKeys, True),
    "sink": (SinkKeys, True),
    "console": (ConsoleKeys, False),
    "engine": (EngineKeys, False),
}
"""Sections of the file by name: their keys, and whether there are several, each with a name of its own."""
