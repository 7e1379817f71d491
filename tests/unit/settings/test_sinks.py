"""`[sink.NAME]` blocks: what they declare, and what is said of mistakes in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from yeoul.errors import ConfigError
from yeoul.flows.plan import Plan
from yeoul.settings import load_workspace
from yeoul.testing.workspaces import plain_workspace

LINES = '[sink.out]\nkind = "kafka"\nsend = "lines"\nbootstrap = "b:9092"\ntopic = "t"\n'


def plan(folder: Path, extra: str, stream: dict[str, str] | None = None) -> Plan:
    return load_workspace(plain_workspace(folder, stream=stream, extra=extra), environ={"SECRET": "s3"}).plan()


def test_a_sink_takes_the_files_of_a_stream(tmp_path: Path):
    [sink] = plan(tmp_path, LINES + 'stream = "hits"\nkey = "a.b"\n').sinks
    assert (sink.pattern, sink.folder, sink.key, sink.fields) == ("logs/*.ndjson", tmp_path, ("a", "b"), ())


def test_listed_fields_stay_and_named_ones_go_to_the_top(tmp_path: Path):
    [listed] = plan(tmp_path / "1", LINES + 'path = "*.log"\nfields = ["a.b", "c"]\n').sinks
    [named] = plan(tmp_path / "2", LINES + 'path = "*.log"\nfields = { x = "a.b" }\n').sinks
    assert listed.fields == ((("a", "b"), ("a", "b")), (("c",), ("c",)))
    assert named.fields == ((("x",), ("a", "b")),)


def test_secrets_come_from_the_environment(tmp_path: Path):
    client = 'client = { "sasl.password" = "${SECRET}" }\n'
    [sink] = plan(tmp_path, LINES + 'path = "*.log"\n' + client).sinks
    assert sink.client == (("sasl.password", "s3"),)
    assert "s3" not in repr(sink)


RESULTS = '[sink.out]\nkind = "kafka"\nbootstrap = "b:9092"\n'


def test_results_go_to_the_topics_that_are_named(tmp_path: Path):
    found = plan(tmp_path, RESULTS + 'topics = { windows = "w", late = "l" }\ntransactional = true\n')
    [sink] = found.result_sinks
    assert (sink.topics, sink.transactional) == ((("windows", "w"), ("late", "l")), True)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("", "`sink.out.topics` (line 11): got none; legal: a table with `windows`, `late`"),
        ('topics = { window = "w" }\n', "got `window`; legal: a kind of result"),
        ('topics = { windows = "a b" }\n', "got `a b`; legal: a topic's name"),
        ('topics = { windows = "w" }\nkey = "a"\n', '`sink.out.key` (line 15): does not go with `send = "results"`'),
    ],
)
def test_a_mistake_in_a_sink_of_results_is_told(tmp_path: Path, more: str, said: str):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, RESULTS + more)
    assert said in str(caught.value)


KAFKA = '{ kind = "kafka", bootstrap = "b:9092", topic = "in" }'


@pytest.mark.parametrize(
    ("more", "stream", "said"),
    [
        ("topics = {}\npath = 'a'\n", None, 'does not go with `send = "lines"`'),
        ("", None, "`sink.out` (line 11): got neither of `stream` and `path`; legal: one of them"),
        ('path = "a"\nstream = "hits"\n', None, "got both of `stream` and `path`"),
        ('stream = "hit"\n', None, "got `hit`; legal: the name of a stream (`hits`); did you mean `hits`?"),
        ('stream = "hits"\n', KAFKA, "got `hits`, which reads a topic; legal: a stream of files"),
        ('path = "a"\nfields = ["a", "a.b"]\n', None, "got `a` and `a.b`, which go to one place"),
        (
            'path = "a"\nfields = 3\n',
            None,
            "got `3`; legal: a list of field paths, or a table of names and field paths",
        ),
        ('path = "a"\ncompression = "zstandard"\n', None, "got `zstandard`; legal: `zstd`, `lz4`"),
        ('path = "a"\nclient = { "sasl.password" = "x" }\n', None, "got a secret in the file"),
    ],
)
def test_a_mistake_is_told_with_what_is_legal(tmp_path: Path, more: str, stream: str | None, said: str):
    with pytest.raises(ConfigError) as caught:
        plan(tmp_path, LINES + more, stream and {"source": stream})
    assert said in str(caught.value)


def test_shards_have_a_topic_of_their_own(tmp_path: Path):
    one = RESULTS + 'topics = { windows = "w" }\nshard_by = ["customer"]\n'
    with pytest.raises(ConfigError, match="to which sink `out` sends windows too"):
        plan(tmp_path / "1", one + one.replace("sink.out", "sink.other").replace("customer", "title"))
    assert len(plan(tmp_path / "2", one + one.replace("sink.out", "sink.other").replace('"w"', '"v"')).sinks) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('topics = { findings = "f" }\nshard_by = ["customer"]\n', "goes with a topic of `windows`"),
        ('topics = { windows = "w" }\nshard_by = ["nobody"]\n', "`nobody`"),
    ],
)
def test_a_mistake_in_shards_is_told(tmp_path: Path, more: str, said: str):
    with pytest.raises(ConfigError, match=said):
        plan(tmp_path, RESULTS + more)
