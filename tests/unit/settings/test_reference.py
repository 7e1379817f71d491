"""The reference lists every key, as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from yeoul.settings import Key, describe, load_workspace

KEYS = describe()


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.key)
def test_every_key_says_what_it_means(key: Key):
    assert key.meaning.endswith(".")
    assert key.type
    assert key.type != "a value"


def test_keys_are_listed_once():
    assert len({key.key for key in KEYS}) == len(KEYS)


def test_defaults_that_are_written_down_change_nothing(tmp_path: Path):
    needed = {
        "source": '{ kind = "files", path = "*.log" }',
        "event_time": '{ path = "at" }',
        "fields": '{ a = "a" }',
        "keys": '["a"]',
    }
    written = {
        key.key.removeprefix("stream.NAME."): key.default
        for key in KEYS
        if key.key.count(".") == 2 and key.key.startswith("stream.NAME.") and key.default not in {"required", "unset"}
    }
    assert {"delay", "window", "aggregates", "retention"} <= set(written)
    plans = []
    for number, members in enumerate([needed, needed | written]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "yeoul.toml").write_text(
            "[stream.s]\n" + "".join(f"{name} = {text}\n" for name, text in members.items())
        )
        plans.append(load_workspace(folder, {}).plan())
    assert plans[0].streams[0].spec == plans[1].streams[0].spec
