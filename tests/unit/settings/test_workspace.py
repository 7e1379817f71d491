"""A workspace file is read into a plan; each mistake is told with its place, what was got and what is legal."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from yeoul.errors import ConfigError, InputError
from yeoul.flows.plan import FilesPlan, KafkaPlan
from yeoul.settings import Workspace, load_workspace

GOOD = """\
[stream.hits]
source      = { kind = "files", path = "logs/*.ndjson" }
event_time  = { path = "_source.logdate", format = "%Y-%m-%d %H:%M:%S.%f", timezone = "Asia/Seoul" }
fields      = { cpk = "_source.@fields.params.cpk", base_mck = "_source.@fields.params.base_mck",
                hit = { path = "_source.@fields.params.hit", type = "int" } }   # a line break, as TOML 1.1 allows
keys        = ["cpk", "base_mck"]
window      = "10s"
delay       = "10s"
aggregates  = { plays = "count()", hits = "sum(hit)" }

[detect.customers]
stream = "hits"
by     = ["cpk"]
value  = "hits"
detectors      = ["seasonal", "kmeans"]
alarms_per_day = 1
min_volume     = 20
min_effect     = 0.2
persist        = "2 of 3"

[rank.hot]
stream = "hits"
by     = ["base_mck"]
within = ["cpk"]
value  = "plays"
half_life = "10m"
top    = 10

[lookup.titles]
path = "titles.csv"
key  = "base_mck"
name = "title"

[notify.ops]
kind = "webhook"
url  = "http://127.0.0.1:9000/alarm"
"""


def _load(folder: Path, text: str, environ: dict[str, str] | None = None) -> Workspace:
    (folder / "yeoul.toml").write_text(text)
    return load_workspace(folder, environ or {})


def _problems(folder: Path, text: str, environ: dict[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        _load(folder, text, environ)
    return caught.value.problems


def test_the_documented_workspace_becomes_a_plan(tmp_path: Path):
    plan = _load(tmp_path, GOOD).plan()
    stream = plan.streams[0]
    assert stream.source == FilesPlan("logs/*.ndjson", tmp_path)
    assert stream.spec.keys == ("cpk", "base_mck")
    assert (stream.spec.size_us, stream.spec.slide_us, stream.spec.delay_us) == (10_000_000, 10_000_000, 10_000_000)
    assert stream.spec.schema.event_time.path == ("_source", "logdate")
    assert [field.name for field in stream.spec.schema.fields] == ["cpk", "base_mck", "hit"]
    assert [(one.name, one.function, one.field) for one in stream.spec.aggregates] == [
        ("plays", "count", None),
        ("hits", "sum", "hit"),
    ]
    assert (plan.detects[0].by, plan.detects[0].value) == (("cpk",), "hits")
    assert (plan.detects[0].watch.persist, plan.detects[0].watch.width_us) == ((2, 3), 10_000_000)
    assert (plan.ranks[0].by, plan.ranks[0].within) == (("base_mck",), ("cpk",))
    assert (plan.ranks[0].hot.half_life_us, plan.ranks[0].hot.scoped) == (600_000_000, True)
    assert (plan.lookups[0].path, plan.lookups[0].column) == (tmp_path / "titles.csv", "title")
    assert plan.notifiers[0].url == "http://127.0.0.1:9000/alarm"
    assert plan.engine.commit_interval_us == 200_000


def test_defaults_are_those_of_the_semantics(tmp_path: Path):
    spec = (
        _load(tmp_path, GOOD.replace('delay       = "10s"\n', "").replace('window      = "10s"\n', ""))
        .plan()
        .streams[0]
        .spec
    )
    second = 1_000_000
    assert (spec.size_us, spec.delay_us, spec.idle_timeout_us) == (10 * second, 10 * second, 30 * second)
    assert (spec.max_future_skew_us, spec.max_split_lag_us) == (300 * second, 300 * second)
    assert (spec.allowed_lateness_us, spec.retention_us, spec.start) == (0, 7 * 86_400 * second, "earliest")
    assert spec.schema.event_id is None


def test_the_path_of_the_file_does_as_well_as_the_folder(tmp_path: Path):
    by_folder = _load(tmp_path, GOOD)
    assert load_workspace(tmp_path / "yeoul.toml", {}) == by_folder


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path):
    text = (
        GOOD.replace("Asia/Seoul", "Mars")
        .replace("sum(hit)", "sum(x)")
        .replace('"2 of 3"', '"x"')
        .replace("top ", "topp ")
    )
    problems = _problems(tmp_path, text)
    assert [one.split(":")[0] for one in problems] == [
        "`stream.hits.event_time.timezone` (line 3)",
        "`stream.hits.aggregates.hits` (line 9)",
        "`detect.customers.persist` (line 19)",
        "`rank.hot.topp` (line 27)",
    ]


def test_the_message_names_the_file_and_holds_every_mistake(tmp_path: Path):
    with pytest.raises(ConfigError) as caught:
        _load(tmp_path, GOOD.replace("Asia/Seoul", "Mars").replace("top ", "topp "))
    assert str(tmp_path / "yeoul.toml") in str(caught.value)
    assert all(text in str(caught.value) for text in caught.value.problems)


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("[stream.hits\nx = 1\n", "line 1"),
        ("[stream.hits]\ndelay = \n", "line 2, column 9"),
        ("a = 1\na = 2\n", "line 2"),
        ('[stream.hits]\nsource = { kind = "files"\n', "line 2"),
        ("[a]\n[a]\n", "line 2"),
    ],
)
def test_malformed_toml_is_told_with_line_and_column(tmp_path: Path, text: str, where: str):
    (problem,) = _problems(tmp_path, text)
    assert where in problem
    assert "\n" not in problem


def test_a_file_that_is_no_text_is_told(tmp_path: Path):
    (tmp_path / "yeoul.toml").write_bytes(b"[stream.hits]\n# \xff\n")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_workspace(tmp_path, {})


def test_an_empty_file_needs_a_stream(tmp_path: Path):
    assert "at least one block `[stream.NAME]`" in _problems(tmp_path, "")[0]


@pytest.mark.parametrize(("path", "said"), [(".", "has no `yeoul.toml`"), ("elsewhere", "is not there")])
def test_a_path_that_is_no_workspace_is_told(tmp_path: Path, path: str, said: str):
    with pytest.raises(InputError, match=said):
        load_workspace(tmp_path / path, {})


def test_secrets_come_from_the_environment(tmp_path: Path):
    text = GOOD + 'headers = { Authorization = "Bearer ${ALARM_TOKEN}" }\n'
    workspace = _load(tmp_path, text, {"ALARM_TOKEN": "s3cret", "YEOUL_PASSWORD": "pw"})
    assert workspace.plan().notifiers[0].headers == (("Authorization", "Bearer s3cret"),)
    assert workspace.console.password == "pw"
    assert "s3cret" not in repr(workspace)
    assert "pw" not in repr(workspace.console)


def test_with_a_password_the_console_may_listen_elsewhere(tmp_path: Path):
    text = GOOD + '[console]\nhost = "0.0.0.0"\nport = 9000\nlanguage = "ko"\n'
    console = _load(tmp_path, text, {"YEOUL_PASSWORD": "x"}).console
    assert (console.host, console.port, console.language) == ("0.0.0.0", 9000, "ko")


def test_a_lookup_that_is_not_there_yet_is_a_warning(tmp_path: Path):
    assert "lookup.titles.path" in _load(tmp_path, GOOD).warnings[0]
    (tmp_path / "titles.csv").write_text("base_mck,title\n")
    assert _load(tmp_path, GOOD).warnings == ()


def test_kafka_is_declared_with_bootstrap_and_topic(tmp_path: Path):
    text = GOOD.replace(
        '{ kind = "files", path = "logs/*.ndjson" }', '{ kind = "kafka", bootstrap = "a:9092,b:9092", topic = "log" }'
    )
    assert _load(tmp_path, text).plan().streams[0].source == KafkaPlan("a:9092,b:9092", "log")
    assert "host:port" in _problems(tmp_path, text.replace("a:9092,b:9092", "a"))[0]


def test_sliding_windows_give_ticks_by_their_slide(tmp_path: Path):
    plan = _load(tmp_path, GOOD.replace('window      = "10s"', 'window = { size = "1m", slide = "10s" }')).plan()
    assert (plan.streams[0].spec.size_us, plan.streams[0].spec.slide_us) == (60_000_000, 10_000_000)
    assert plan.detects[0].watch.width_us == plan.ranks[0].hot.window_us == 10_000_000


@pytest.mark.parametrize(
    ("start", "value"),
    [
        ('"latest"', "latest"),
        ('"2026-03-02T11:10:05Z"', 1_772_449_805_000_000),
        ("2026-03-02T20:10:05+09:00", 1_772_449_805_000_000),
        ("2026-03-02", 1_772_409_600_000_000),
    ],
)
def test_start_is_a_word_or_a_time(tmp_path: Path, start: str, value: str | int):
    assert _load(tmp_path, GOOD.replace("delay ", f"start = {start}\ndelay ")).plan().streams[0].spec.start == value


@pytest.mark.parametrize(
    "members",
    [
        'format = "csv"',
        'format = "csv", delimiter = ";", columns = ["at", "cpk", "base_mck", "hit"]',
        'format = "logfmt"',
        r"format = 'pattern', pattern = '(?P<at>\S+) (?P<cpk>\S+) (?P<base_mck>\S+) (?P<hit>\d+)'",
    ],
)
def test_every_line_format_can_be_declared(tmp_path: Path, members: str):
    text = GOOD.replace('path = "logs/*.ndjson"', f'path = "x.log", {members}')
    text = text.replace("_source.@fields.params.", "").replace("_source.logdate", "at")
    assert _load(tmp_path, text).plan().streams[0].spec.schema.line_format in members


def test_a_pattern_that_does_not_compile_is_told(tmp_path: Path):
    text = GOOD.replace('path = "logs/*.ndjson"', 'path = "x", format = "pattern", pattern = "(?P<at"')
    assert any(text.startswith("`stream.hits.source") for text in _problems(tmp_path, text))


def test_where_is_checked(tmp_path: Path):
    text = GOOD.replace("delay ", 'where = "hti > 0"\ndelay ')
    (problem,) = _problems(tmp_path, text)
    assert problem.startswith("`stream.hits.where` (line 8)")
    assert "hti" in problem
    assert _load(tmp_path, text.replace("hti", "hit")).plan().streams[0].spec.schema.where == "hit > 0"


def test_the_product_itself_does_not_load_the_settings():
    code = "import sys, yeoul; assert not {'pydantic', 'tomlkit', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
