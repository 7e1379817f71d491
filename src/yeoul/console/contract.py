"""The JSON that pages and programs see: every REST answer and every WebSocket message, one model each.

What they send is in `requests.py`.

Rules that hold everywhere
- Times are integer microseconds since 1970-01-01 UTC, names end in `_us`; spans end in `_s`, sizes in `_bytes`.
- A member that is null and a member that is absent mean the same: not known.
- What people read is a code with parameters; the pages hold the sentences, in each language.
- What has a name or an id is an object by it (`streams`, `splits`, `incidents`); what has an order is a list.

The live feed (`/api/live`)
- The page sends `{"subscribe": ["now", "incident:ID", …]}`; each such message replaces the set of topics.
- The server answers each topic with a `snapshot`, then a `delta` whenever something changed. A delta's `data` is a
  JSON merge patch (RFC 7396) to the data of version `base`, the one sent before: objects are merged, null removes, all
  else (lists too) replaces. A reader too slow for deltas gets a snapshot again; none is sent what is out of date.
- Topics: `now`, `pipeline`, `rankings`, `demo`, `incident:ID`, `ranking:NAME` (over all) and `ranking:NAME:SCOPE`
  (SCOPE: the JSON object of one scope, as in `{"cpk":"c1"}`). REST gives the same: `/api/now`, `/api/incidents/ID`, …
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from yeoul.console.shape import CalendarNow, Shape, Watch

__all__ = [
    "Audit",
    "AuditEntry",
    "CalendarNow",
    "Cause",
    "Change",
    "Checkpoint",
    "Contributor",
    "Demo",
    "Engine",
    "ErrorAnswer",
    "ErrorBody",
    "Finding",
    "Health",
    "Incident",
    "IncidentDetail",
    "IncidentPage",
    "KeyPart",
    "Ledger",
    "Muted",
    "MutedFinding",
    "Notice",
    "Now",
    "Partial",
    "Pipeline",
    "Place",
    "PlantKind",
    "Planted",
    "Pulse",
    "QuarantineSample",
    "QuarantineSummary",
    "Ranking",
    "RankingBrief",
    "Rankings",
    "Redriven",
    "Scopes",
    "ServerMessage",
    "Session",
    "Split",
    "Stream",
    "StreamPipeline",
    "Text",
    "Track",
    "Watch",
]


class Text(Shape):
    """Something to say to people, without its sentence."""

    code: str = Field(description="Which sentence: a member of the pages' message catalogues.")
    params: dict[str, Any] = Field(default_factory=dict, description="What the sentence names: texts, numbers, times.")


class ErrorBody(Text):
    """Why a request was refused."""

    message: str = Field(description="The same in English, for people at a terminal.")


class ErrorAnswer(Shape):
    """The body of every answer with status 400 and above."""

    error: ErrorBody


class KeyPart(Shape):
    """One field of a key, with the name that a lookup gives it."""

    field: str = Field(description="Declared field, such as `cpk`.")
    value: str = Field(description="Its value as text.")
    name: str | None = Field(default=None, description="Display name from a lookup file; null when there is none.")


class Health(Shape):
    """Whether something is wrong with Yeoul itself."""

    status: Literal["green", "yellow", "red"] = Field(description="The worst of the causes; green without any.")
    causes: list[Text] = Field(
        default_factory=list,
        description="Why. The console adds `engine_stopped {since_us}`, `engine_silent {since_us}`, `state_missing`, "
        "`state_unreadable {detail}`, `lookup_unreadable {lookup, detail}`, `people_unwritable {detail}`; those of the "
        "engine: `no_input`, `catching_up`, `all_silent`, `source_unreadable`, `many_invalid`, `schema_drift` (of a "
        "`stream`), `disk_full` …",
    )


class Engine(Shape):
    """The process that reads and judges."""

    status: Literal["running", "silent", "stopped"] = Field(
        description="running: its messages arrive; silent: it lives but says nothing; stopped: what is shown is old."
    )
    since_us: int | None = Field(default=None, description="Running, silent or stopped since when.")
    pid: int | None = Field(default=None, description="Its process id while it runs.")


class Ledger(Shape):
    """What became of every row; `read` is the sum of the six classes."""

    read: int = Field(default=0, description="Rows read.")
    counted: int = Field(default=0, description="Rows in a window.")
    late: int = Field(default=0, description="Rows beyond allowed lateness.")
    future: int = Field(default=0, description="Rows of an unconfirmed future.")
    invalid: int = Field(default=0, description="Rows that cannot be decoded or typed.")
    duplicate: int = Field(default=0, description="Rows whose event id was seen.")
    filtered: int = Field(default=0, description="Rows that `where` drops.")
    bytes: int = Field(default=0, description="Bytes read.")


class Pulse(Shape):
    """Totals of the newest closed windows of a stream, oldest first; lists of equal length."""

    width_us: int | None = Field(default=None, description="Length of a window.")
    start_us: list[int] = Field(description="Start of each window.")
    rows: list[int] = Field(description="Rows counted in it.")
    keys: list[int] = Field(description="Keys seen in it.")
    full: list[bool] = Field(description="Whether every split reported; false: the totals may be too low.")


class Partial(Shape):
    """What is in the oldest window that is still open."""

    start_us: int = Field(description="Its start.")
    rows: int = Field(description="Rows so far.")


class Stream(Shape):
    """A stream at a glance. Numbers of the running engine are null while it is stopped."""

    rate_eps: float | None = Field(default=None, description="Rows read a second, lately.")
    bytes_per_s: float | None = Field(default=None, description="Bytes read a second, lately.")
    watermark_us: int | None = Field(default=None, description="Event time up to which windows are closed.")
    newest_us: int | None = Field(default=None, description="Newest event time that is believed.")
    lag_s: float | None = Field(default=None, description="Wall time minus newest event time, seconds.")
    backlog_bytes: int | None = Field(default=None, description="Bytes written and not read yet.")
    backlog_messages: int | None = Field(default=None, description="Of a topic: messages written and not read yet.")
    open_windows: int | None = Field(default=None, description="Windows that are not closed yet.")
    keys: int | None = Field(default=None, description="Keys known.")
    ledger: Ledger = Field(description="Totals over all splits.")
    pulse: Pulse = Field(description="Throughput of the last hour, a window each.")
    partial: Partial | None = Field(default=None, description="The window that fills now.")


class Cause(Shape):
    """What keys that became abnormal together share."""

    key: list[KeyPart] = Field(description="The part that they lost or gained (a title of customers, say).")
    direction: str = Field(description="`lost` or `gained`, against what was expected.")
    keys: int = Field(description="So many abnormal keys...")
    of: int = Field(description="...of so many.")
    share: float = Field(description="Of the deviation of all of them, 0 to 1.")
    since_us: int = Field(description="Start of the first alarmed window.")


class Incident(Shape):
    """Something abnormal, at a glance."""

    id: str
    block: str = Field(description="The `[detect.…]` block that found it.")
    keys: list[list[KeyPart]] = Field(description="Who: one key, or several with a shared cause (at most 20 here).")
    keys_total: int = Field(description="How many keys in all.")
    detectors: list[str] = Field(description="Which detectors agree.")
    direction: str = Field(description="`up`, `down` or `mixed`: above or below what was expected.")
    observed: float = Field(description="What was seen (unit of the block's value, a window).")
    expected: float = Field(description="What was expected, same unit.")
    score: float = Field(description="0 to 1; min(1, -log10 p / 6): 0.5 is one in a thousand.")
    confidence: float = Field(description="0 to 1, apart from the score: low while the history is short.")
    since_us: int = Field(description="Since when: start of the first alarmed window.")
    opened_us: int = Field(description="Start of the window that made it an incident.")
    updated_us: int = Field(description="Time of the newest finding.")
    closed_us: int | None = Field(default=None, description="Until when; null while open.")
    findings: int = Field(description="How many alarmed key-windows.")
    causes: list[Cause] = Field(default_factory=list, description="What its keys share, at most 3.")


class Place(Shape):
    """One place of a ranking."""

    place: int = Field(description="1 is the hottest.")
    key: list[KeyPart] = Field(description="Who or what is there.")
    score: float = Field(description="Exponentially decayed count.")
    count: float = Field(description="Plain count in the recent past, the number behind the score.")
    trend: float = Field(description="Against its own past: 0 is as ever, 0.5 half as much again, -1 nothing any more.")
    movement: str = Field(description="Since places were last kept (hourly): `new`, `up 3`, `down 1`, `same`.")


class Ranking(Shape):
    """A ranking in one scope at one time."""

    name: str = Field(description="The `[rank.…]` block.")
    scope: list[KeyPart] = Field(description="Within which key (a customer); empty: over all.")
    at_us: int | None = Field(default=None, description="Event time of a kept hourly ranking; null: now.")
    places: list[Place] = Field(description="Hottest first.")


class Now(Shape):
    """Topic `now`, GET /api/now: whether something is wrong, what, and since when; and what is hot."""

    at_us: int = Field(description="Wall time of this answer.")
    engine: Engine
    health: Health
    incidents: dict[str, Incident] = Field(description="Open incidents by id (the 200 with the highest scores).")
    incidents_open: int = Field(description="How many are open in all.")
    recent: list[Incident] = Field(description="Closed lately, newest first, at most 10.")
    rankings: dict[str, list[Place]] = Field(description="Each ranking over all, hottest first.")
    streams: dict[str, Stream]
    watches: dict[str, Watch] = Field(default_factory=dict, description="The alarm policy of each detect block.")


class Track(Shape):
    """What one key did, tick by tick, and the band it was expected in; lists of equal length, nulls are gaps."""

    key: list[KeyPart]
    at_us: list[int] = Field(description="Start of each window.")
    observed: list[float | None]
    expected: list[float | None]
    lower: list[float | None] = Field(description="Lower end of the range of 99 % of normal values.")
    upper: list[float | None] = Field(description="Upper end of it.")


class Contributor(Shape):
    """What of the key's parts made it abnormal."""

    key: list[KeyPart]
    share: float | None = Field(default=None, description="Part of the difference that is due to it, 0 to 1.")
    observed: float | None = None
    expected: float | None = None


class Finding(Shape):
    """One key alarmed in one window by one detector."""

    id: str
    detector: str
    key: list[KeyPart]
    start_us: int = Field(description="Start of the window.")
    observed: float
    expected: float
    lower: float
    upper: float
    p: float = Field(description="Tail probability: how often a normal key would look at least this odd.")
    score: float
    confidence: float
    why: list[Text] = Field(description="Why the detector says so.")


class MutedFinding(Finding):
    """A finding that the calendar mutes: it belongs to no incident."""

    block: str
    muted: str = Field(description="The `[calendar.…]` entry.")


class Muted(Shape):
    """GET /api/muted: what the calendar muted lately."""

    findings: list[MutedFinding] = Field(description="Newest first, at most 200.")


class Change(Shape):
    """A step in an incident's life."""

    at_us: int
    code: str = Field(description="`opened`, `key_joined`, `detector_joined`, `peaked`, `closed`.")
    params: dict[str, Any] = Field(default_factory=dict, description="`key` (list of parts), `detector`, `score`.")


class IncidentDetail(Incident):
    """Topic `incident:ID`, GET /api/incidents/ID: observed against expected, how sure, who contributed."""

    width_us: int | None = Field(default=None, description="Length of a tick.")
    tracks: list[Track] = Field(description="At most 20 keys; the last 2,000 ticks of each.")
    contributors: list[Contributor] = Field(description="Largest share first.")
    finding_list: list[Finding] = Field(description="Newest first, at most 200.")
    changes: list[Change] = Field(description="Oldest first.")


class IncidentPage(Shape):
    """GET /api/incidents: incidents newest first, a page at a time."""

    incidents: list[Incident]
    next_before_us: int | None = Field(default=None, description="Ask with `before_us` of this for the next page.")


class Split(Shape):
    """What one reader reads in order: a file with its rotated generations, a partition."""

    status: str = Field(description="`reading`, `caught_up`, `idle`, `waiting`, `ended`, `joining`; `stopped`.")
    source: str = Field(description="File (or topic and partition) being read.")
    offset: int | None = Field(default=None, description="Position in it: bytes, or messages.")
    front_us: int | None = Field(default=None, description="Newest event time it believes.")
    watermark_us: int | None = None
    backlog_bytes: int | None = Field(default=None, description="Bytes written and not read yet.")
    backlog_messages: int | None = Field(default=None, description="Of a topic: messages written and not read yet.")
    lag_s: float | None = Field(default=None, description="Wall time minus its front, seconds.")
    ledger: Ledger


class QuarantineSample(Shape):
    """A line that is no row, as kept (declared fields masked)."""

    id: int
    kind: str = Field(description="`invalid` or `future`.")
    reason: str
    source: str
    position: int = Field(description="Byte offset, or message offset.")
    preview: str = Field(description="Beginning of the line, at most 500 characters; undecodable bytes as U+FFFD.")
    size_bytes: int = Field(description="Bytes of the whole line.")
    at_us: int = Field(description="Wall time when it was rejected.")


class QuarantineSummary(Shape):
    """The quarantine of a stream."""

    rows: int = Field(description="Lines kept.")
    bytes: int = Field(description="Their size.")
    dropped_rows: int = Field(default=0, description="Lines that had to go because the quarantine is full.")
    reasons: dict[str, int] = Field(description="Lines by reason, most frequent first, at most 50.")
    samples: list[QuarantineSample] = Field(description="Newest first, at most 20.")


class StreamPipeline(Stream):
    """A stream in full. Its ledger also holds the rows of splits that are gone."""

    splits: dict[str, Split]
    quarantine: QuarantineSummary
    log_seq: int | None = Field(default=None, description="Newest entry of the results log.")


class Checkpoint(Shape):
    """A commit of the engine."""

    seq: int
    at_us: int = Field(description="Wall time of it.")
    duration_ms: float
    state_bytes: int = Field(description="Size of the state file after it.")


class Notice(Shape):
    """Something that happened to a source, or that people asked for."""

    id: int
    at_us: int
    stream: str
    kind: str = Field(
        description="A code: `rotated`, `truncated`, `gap`, `copy`, `vanished`, `unreadable`, `redrive`, …"
    )
    source: str
    detail: str


class Pipeline(Shape):
    """Topic `pipeline`, GET /api/pipeline: how events get in."""

    at_us: int
    engine: Engine
    health: Health
    streams: dict[str, StreamPipeline]
    checkpoint: Checkpoint | None = Field(default=None, description="The last one.")
    checkpoints: list[Checkpoint] = Field(description="Those it saw, a second apart, oldest first, at most 60.")
    notices: list[Notice] = Field(description="Newest first, at most 50.")


class Rankings(Shape):
    """Topic `rankings`, GET /api/rankings: what can be ranked, and the places over all."""

    rankings: dict[str, RankingBrief]


class RankingBrief(Shape):
    """One ranking and where one can look into it."""

    places: list[Place] = Field(description="Over all, hottest first.")
    scope_fields: list[str] = Field(description="Fields of a scope (`within`); empty: only over all.")
    hours_us: list[int] = Field(description="Times of the kept hourly rankings, newest first, at most 168.")


class Scopes(Shape):
    """GET /api/rankings/NAME/scopes: customers (scopes) that have a ranking of their own."""

    scopes: list[list[KeyPart]] = Field(description="At most `limit`, by key.")
    more: bool = Field(description="Whether there are more.")


class Planted(Shape):
    """An incident that the simulated service was told to make, and whether it was found."""

    id: str
    kind: str = Field(description="`burst`, `drop`, `scan`, `viral`, `outage`.")
    keys: list[list[KeyPart]] = Field(description="Whom it touches (at most 20).")
    start_us: int | None = Field(default=None, description="Event time; null: asked for, not begun.")
    end_us: int | None = None
    magnitude: float | None = Field(default=None, description="Times the usual.")
    status: Literal["asked", "refused", "planned", "running", "over"]
    reason: str | None = Field(default=None, description="Why it was refused, in English.")
    incidents: list[str] = Field(description="Ids of the incidents that match it by keys and time.")
    delay_s: float | None = Field(
        default=None, description="From its start to the end of the window that opened the first match."
    )


class PlantKind(Shape):
    """What can be planted, and what is legal for it."""

    target: str = Field(description="What it hits: `customer`, `title` or `origin`.")
    magnitude: float = Field(description="The usual one.")
    lowest: float
    highest: float
    duration_s: int = Field(description="The usual one.")


class Demo(Shape):
    """Topic `demo`, GET /api/demo: only there with a simulated service (`session.demo`)."""

    kinds: dict[str, PlantKind] = Field(description="By name: `burst`, `drop`, `scan`, `viral`, `outage`.")
    planted: list[Planted] = Field(description="Newest first, at most 100.")


class Redriven(Shape):
    """What the engine says to a redrive."""

    done: bool = Field(description="False: it works on it still.")
    result: dict[str, Any] = Field(default_factory=dict, description="The engine's own figures.")


class Session(Shape):
    """GET /api/session: who is asking and what there is. Also the answer of POST /api/login and /api/logout."""

    signed_in: bool = Field(description="False: only POST /api/login helps.")
    password: bool = Field(description="Whether a password is needed at all.")
    csrf: str | None = Field(default=None, description="Send it back as `X-CSRF-Token` on every write.")
    version: str
    demo: bool = Field(description="Whether the demo page has something to show.")
    language: Literal["auto", "en", "ko"] = Field(default="auto", description="`auto` follows the browser.")


class AuditEntry(Shape):
    """A write that somebody made."""

    at_us: int
    action: str = Field(description="`login`, `login_failed`, `logout`, `plant`, `redrive`.")
    client: str = Field(description="Address it came from.")
    detail: dict[str, Any]


class Audit(Shape):
    """GET /api/audit: newest first, at most 200."""

    entries: list[AuditEntry]


class ServerMessage(Shape):
    """All a page gets on `/api/live`."""

    topic: str | None = Field(default=None, description="Which topic; null for an error about the message itself.")
    kind: Literal["snapshot", "delta", "error"]
    seq: int = Field(default=0, description="Version of the topic's data; grows by one or more.")
    base: int | None = Field(default=None, description="Delta only: the version it changes.")
    data: Any = Field(default=None, description="Snapshot: the whole. Delta: a merge patch (RFC 7396).")
    error: ErrorBody | None = Field(None, description="`unknown_topic`, `not_found`, `bad_message`, `too_many`, …")


Rankings.model_rebuild()
