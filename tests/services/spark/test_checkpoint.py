"""Checkpoints: a batch that was written and not committed, a changed declaration, a folder of another job."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import StateError
from yeoul.flows.replay import replay
from yeoul.settings import load_workspace
from yeoul.testing.broker import Broker
from yeoul.testing.results import rows_of
from yeoul.testing.workspaces import plain_line, plain_workspace

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(240)]

S = 1_000_000
START = 1_772_449_800 * S
Run = Callable[..., tuple[list[bytes], Counter[str]]]
Send = Callable[..., None]


def source(broker: Broker, topic: str) -> dict[str, str]:
    members = f'kind = "kafka", bootstrap = "{broker.bootstrap}", topic = "{topic}"'
    return {"source": f"{{ {members} }}", "where": "\"title <> 'ping'\""}


def rows(first_s: int, last_s: int) -> list[tuple[int, bytes]]:
    lines = [
        plain_line(START + at * S // 10, f"c{at % 3}", f"m{at % 7}", at % 5) for at in range(first_s * 10, last_s * 10)
    ]
    return [(number % 2, line) for number, line in enumerate(lines)]


def ping(at_s: int) -> list[tuple[int, bytes]]:
    """What the local engine believes too."""
    return [(number % 2, plain_line(START + at_s * S, f"c{number % 8}", "ping")) for number in range(16)]


def take_back_the_last_commit(checkpoint: Path) -> None:
    """What is on the disk when it is killed after a batch is written and before that is noted."""
    last = max((checkpoint / "commits").iterdir(), key=lambda file: (file.name.isdigit(), file.name.zfill(9)))
    for file in (last, last.with_name(f".{last.name}.crc")):
        file.unlink()


def test_a_batch_that_was_written_and_not_committed_is_once_in_files_and_comes_again_the_same_in_a_topic(
    run_on_spark: Run,
    send: Send,
    broker: Broker,
    topic: Callable[..., str],
    messages: Callable[[str], list[Any]],
    as_agreed: Callable[..., None],
    tmp_path: Path,
):
    read, out = topic(2), topic(1)
    to_files, to_topic = (plain_workspace(tmp_path / name, stream=source(broker, read)) for name in ("files", "topic"))
    options = {"topic": out, "folder": None}
    send(read, rows(0, 20))
    run_on_spark(to_files)
    run_on_spark(to_topic, **options)
    for home in (to_files, to_topic):
        take_back_the_last_commit(home / "checkpoint")
    before = len(messages(out))
    assert before > 20
    send(read, [*rows(20, 30), *ping(50)])
    lines, _ = run_on_spark(to_files)
    run_on_spark(to_topic, **options)

    replay(load_workspace(to_files).plan(), tmp_path / "local")
    expected = sorted(json.dumps(row) for row in rows_of(tmp_path / "local/windows.ndjson"))
    assert sorted(json.dumps(json.loads(line)) for line in lines) == expected
    as_agreed(messages(out), "windows", ("customer", "title"))
    told = Counter((dict(message.headers())["id"], message.value()) for message in messages(out))
    assert sorted(json.dumps(json.loads(value)) for _, value in told) == expected
    assert len({id_ for id_, _ in told}) == len(told)
    assert set(told.values()) == {1, 2}


CHANGES = {
    "window": ({"window": '"8s"'}, "`window`"),
    "one more aggregate": (
        {"aggregates": '{ plays = "count()", hits = "sum(n)", most = "max(n)" }'},
        "`aggregates`",
    ),
    "another key": ({"keys": '["title"]'}, "`keys`"),
    "a key with another name": (
        {
            "keys": '["who", "title"]',
            "fields": '{ who = "customer", title = "title", n = { path = "n", type = "int" }, id = "id" }',
        },
        "`fields`, `keys`",
    ),
    "delay": ({"delay": '"4s"'}, "`delay`"),
    "event_id": ({"event_id": '"id"'}, "`event_id`"),
}


def test_a_changed_declaration_is_refused_with_what_to_do_and_nothing_is_mixed(
    run_on_spark: Run, send: Send, broker: Broker, topic: Callable[..., str], tmp_path: Path
):
    name = topic(2)
    stream = source(broker, name)
    home = plain_workspace(tmp_path, stream=stream)
    send(name, rows(0, 20))
    before, _ = run_on_spark(home)
    assert before
    send(name, rows(20, 30))
    for change, what in CHANGES.values():
        plain_workspace(tmp_path, stream=stream | change)
        with pytest.raises(StateError) as refused:
            run_on_spark(home)
        said = str(refused.value)
        assert said.startswith(f"stream `hits` was changed ({what}), but the open windows in the checkpoint"), said
        assert "undo the change, or take another --checkpoint and another --out" in said
        assert "\n" not in said
    plain_workspace(tmp_path, stream=stream)
    with pytest.raises(StateError, match="--mode"):
        run_on_spark(home, mode="update", topic=name, folder=None)

    # with another checkpoint Spark would leave out what it takes for written
    shutil.move(tmp_path / "checkpoint", tmp_path / "kept")
    plain_workspace(tmp_path, stream=stream | CHANGES["window"][0])
    with pytest.raises(StateError, match="holds what a job with another checkpoint"):
        run_on_spark(home)
    assert not (tmp_path / "checkpoint").exists()

    # the change undone, it goes on
    shutil.move(tmp_path / "kept", tmp_path / "checkpoint")
    plain_workspace(tmp_path, stream=stream)
    send(name, ping(50))
    after, _ = run_on_spark(home)
    replay(load_workspace(home).plan(), tmp_path / "local")
    expected = sorted(json.dumps(row) for row in rows_of(tmp_path / "local/windows.ndjson"))
    assert sorted(json.dumps(json.loads(line)) for line in after) == expected
