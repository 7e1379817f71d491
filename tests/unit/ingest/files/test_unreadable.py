"""A file that may not be opened for a while is neither lost nor silent, and is read on where it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from yeoul.ingest.files import handles


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch):
    """Names of files that may not be opened. (Modes would not stop the superuser, as whom tests may run.)"""
    names: set[str] = set()
    inner = handles.open_content

    def open_content(path: str) -> Any:
        if Path(path).name in names:
            raise PermissionError(13, "Permission denied", path)
        return inner(path)

    monkeypatch.setattr(handles, "open_content", open_content)
    return names


def append(path: Path, text: bytes) -> None:
    with path.open("ab") as out:
        out.write(text)


def test_after_a_restart_it_is_read_on_where_it_was(tmp_path: Path, reader: Any, locked: set[str]):
    log = tmp_path / "app.log"
    append(log, b"one\ntwo\n")
    assert reader.read() == b"one\ntwo\n"
    reader.stop()
    append(log, b"three\n")
    locked.add("app.log")
    reader.start()
    for _ in range(5):
        assert reader.read() == b""
    (split,) = reader.source.splits()
    assert split.stalled
    assert split.backlog_bytes() == 6
    assert reader.kinds() == ["unreadable"]
    locked.clear()
    assert reader.read() == b"three\n"
    assert not split.stalled
    assert reader.kinds() == []


def test_what_was_put_in_its_place_meanwhile_is_seen_when_it_can_be_read(tmp_path: Path, reader: Any, locked: set[str]):
    log = tmp_path / "app.log"
    append(log, b"one\ntwo\n")
    reader.read()
    reader.stop()
    locked.add("app.log")
    log.write_bytes(b"another\nfile\n")
    reader.start()
    assert reader.read() == b""
    locked.clear()
    found = b"".join(reader.read() for _ in range(4))
    assert found == b"another\nfile\n"


def test_a_split_with_nothing_new_is_not_stalled(tmp_path: Path, reader: Any):
    append(tmp_path / "app.log", b"one\nhal")
    reader.read()
    (split,) = reader.source.splits()
    assert not split.stalled
