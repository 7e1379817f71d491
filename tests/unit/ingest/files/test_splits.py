"""Which files make which splits: copies, look-alikes, starts, files that appear, vanish or may not be read."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest

from yeoul.errors import InputError, SourceError
from yeoul.ingest.files import FileSource


def write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as out:
        out.write(data)


LONG = b"".join(b"%04d some words to fill the line\n" % i for i in range(200))


@pytest.mark.parametrize(
    ("pattern", "files", "names"),
    [
        ("logs/*.log", ["logs/a.log", "logs/b.log", "c.log", "logs/.d.log", "logs/e.x"], ["logs/a.log", "logs/b.log"]),
        ("**/*.log", ["a.log", "x/b.log", "x/y/c.log"], ["a.log", "x/b.log", "x/y/c.log"]),
        ("host-*/app.log", ["host-1/app.log", "host-2/app.log", "other/app.log"], ["host-1/app.log", "host-2/app.log"]),
        ("*", ["a.log", "a.log.1", "a.log.2", "a.log-20260101", "a.log.old"], ["a.log"]),
        ("*", ["10.0.0.1", "10.0.0.2"], ["10.0.0.1", "10.0.0.2"]),
        ("*.log", ["part-1.log", "part-2.log"], ["part-1.log", "part-2.log"]),
        ("*.log", ["part.1.log", "part.2.log"], ["part.1.log", "part.2.log"]),
        ("*.log", ["app.log", "app.1.log", "app-20260302.log"], ["app.log"]),
        ("app.log", ["app.log", "app.log.1", "web.log"], ["app.log"]),
        ("[ab].log", ["a.log", "b.log", "c.log"], ["a.log", "b.log"]),
    ],
)
def test_a_glob_makes_one_split_of_each_path_with_its_rotated_siblings(
    tmp_path: Path, reading: Any, pattern: str, files: list[str], names: list[str]
):
    for name in files:
        write(tmp_path / name, f"{name}\n".encode())
    reader = reading(pattern)
    got = reader.read()
    assert reader.names() == names
    belongs = [name for name in files if any(name.startswith((n, n.removesuffix(".log"))) for n in names)]
    assert sorted(got.decode().split()) == sorted(belongs)


@pytest.mark.parametrize("content", [b"one\ntwo\n", LONG], ids=["short", "longer than the head"])
def test_identical_copies_are_read_once_and_reported(tmp_path: Path, reader: Any, content: bytes):
    write(tmp_path / "a.log", content)
    write(tmp_path / "b.log", content)
    assert reader.read() == content
    assert reader.names() == ["a.log"]
    (notice,) = reader.notices()
    assert (notice.kind, notice.source) == ("copy", "b.log")
    assert "`a.log`" in notice.detail
    reader.restart()
    assert reader.read() == b""


@pytest.mark.parametrize("content", [b"one\ntwo\n", LONG], ids=["short", "longer than the head"])
def test_a_compressed_twin_beside_the_plain_file_is_read_once(tmp_path: Path, reader: Any, content: bytes):
    write(tmp_path / "app.log.1", content)
    write(tmp_path / "app.log.1.gz", gzip.compress(content))
    assert reader.read() == content
    assert reader.kinds() == ["copy"]


@pytest.mark.parametrize("alike", [b"id,name\n", LONG], ids=["short", "longer than the head"])
def test_live_files_that_merely_begin_alike_are_two_splits(tmp_path: Path, reader: Any, alike: bytes):
    write(tmp_path / "a.log", alike)
    write(tmp_path / "b.log", alike)
    got = reader.read()
    write(tmp_path / "a.log", b"from a\n")
    write(tmp_path / "b.log", b"from b\n")
    got += reader.read()
    assert sorted(got.splitlines()) == sorted((alike + b"from a\n" + alike + b"from b\n").splitlines())
    assert reader.names() == ["a.log", "b.log"]


def test_a_copy_outlives_its_original_without_being_read_again(tmp_path: Path, reader: Any):
    write(tmp_path / "a.log", LONG)
    reader.read()
    shutil.copyfile(tmp_path / "a.log", tmp_path / "b.log")
    reader.read()
    (tmp_path / "a.log").unlink()
    reader.clock.advance(120_000_000)
    for _ in range(5):
        assert reader.read() == b""
    reader.restart()
    assert reader.read() == b""


def test_a_hard_link_and_a_symbolic_link_are_the_same_file(tmp_path: Path, reader: Any):
    write(tmp_path / "a.log", b"one\n")
    os.link(tmp_path / "a.log", tmp_path / "b.log")
    (tmp_path / "c.log").symlink_to("a.log")
    assert reader.read() == b"one\n"
    write(tmp_path / "a.log", b"two\n")
    assert reader.read() == b"two\n"


def test_start_latest_skips_what_exists_and_reads_what_comes(tmp_path: Path, reading: Any):
    write(tmp_path / "app.log", LONG + b"half a li")
    write(tmp_path / "app.log.1", b"old\n")
    write(tmp_path / "app.log.2.gz", gzip.compress(b"older\n"))
    reader = reading(start="latest")
    assert reader.read() == b""
    write(tmp_path / "app.log", b"ne\n")
    write(tmp_path / "new.log", b"all of it\n")
    assert reader.read() == b"half a line\nall of it\n"
    reader.restart()
    assert reader.read() == b""


def test_start_latest_does_not_skip_after_a_restart(tmp_path: Path, reading: Any):
    reader = reading(start="latest")
    reader.read()
    reader.stop()
    write(tmp_path / "app.log", b"written while stopped\n")
    reader.start()
    assert reader.read() == b"written while stopped\n"


def test_files_that_appear_and_vanish_leave_no_split_behind(tmp_path: Path, reader: Any):
    write(tmp_path / "a.log", b"one\n")
    assert reader.read() == b"one\n"
    (tmp_path / "a.log").unlink()
    assert reader.read() == b""
    assert reader.names() == ["a.log"], "it may be a rename that is under way"
    for _ in range(5):
        reader.clock.advance(61_000_000)
        reader.read()
    assert reader.names() == []
    assert reader.source.forgotten() == ["a.log"]
    write(tmp_path / "a.log", b"one\n")
    assert reader.read() == b"one\n"


def test_a_stored_position_of_a_file_that_is_gone_expires_after_a_restart(tmp_path: Path, reader: Any):
    write(tmp_path / "a.log", b"one\n")
    reader.read()
    reader.stop()
    (tmp_path / "a.log").unlink()
    reader.start()
    for _ in range(3):
        reader.read()
    assert reader.source.forgotten() == ["a.log"]
    assert reader.positions == {}


def test_the_position_stays_small_and_older_siblings_are_not_read_again(tmp_path: Path, reader: Any):
    for number in range(1, 60):
        write(tmp_path / f"app.log.{number}", b"%d\n" % number)
    write(tmp_path / "app.log", b"0\n")
    assert reader.read() == b"".join(b"%d\n" % number for number in range(59, -1, -1))
    assert len(reader.positions["app.log"]["generations"]) == 32
    reader.restart()
    assert reader.read() == b""


def test_more_files_than_handles_are_all_read(tmp_path: Path, reading: Any):
    for number in range(30):
        write(tmp_path / f"{number:02}.log", b"%d one\n" % number)
    reader = reading(max_open_files=4)
    reader.read()
    for number in range(30):
        write(tmp_path / f"{number:02}.log", b"%d two\n" % number)
    assert reader.read() == b"".join(b"%d two\n" % number for number in range(30))


def test_a_poll_without_changes_opens_no_file(tmp_path: Path, reader: Any, monkeypatch: pytest.MonkeyPatch):
    write(tmp_path / "a.log", b"one\n")
    os.utime(tmp_path / "a.log", (1, 1))
    reader.read()
    reader.read()

    def refuse(*args: object) -> None:
        raise AssertionError(args)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "pread", refuse)
    reader.source.poll()


def test_a_glob_that_matches_nothing_waits(reader: Any):
    reader.source.check()
    assert reader.read() == b""
    assert reader.names() == []


def test_a_missing_folder_is_named_with_the_nearest_one_that_exists(tmp_path: Path):
    (tmp_path / "here").mkdir()
    source = FileSource("here/not/there/*.log", tmp_path)
    with pytest.raises(SourceError) as caught:
        source.check()
    assert f"`{tmp_path / 'here' / 'not' / 'there'}`" in str(caught.value)
    assert f"`{tmp_path / 'here'}`" in str(caught.value)
    source.poll()
    assert list(source.splits()) == []


def test_an_unknown_start_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="got start `newest`; legal: earliest, latest"):
        FileSource("*.log", tmp_path, start="newest")


@pytest.fixture
def as_nobody():
    """A folder that others may enter, and a user without rights (a no-op for users who have none anyway)."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield folder
    if root:
        os.seteuid(0)
    shutil.rmtree(folder)


def test_an_unreadable_file_is_reported_once_and_read_when_it_may_be(as_nobody: Path):
    root = os.getuid() == 0
    if root:
        os.seteuid(0)
    write(as_nobody / "a.log", b"one\n")
    write(as_nobody / "b.log", b"two\n")
    (as_nobody / "a.log").chmod(0)
    if root:
        os.seteuid(65534)
    source = FileSource("*.log", as_nobody)
    got = []
    for attempt in range(4):
        if attempt == 3:
            if root:
                os.seteuid(0)
            (as_nobody / "a.log").chmod(0o644)
        source.poll()
        got += [block.data for split in source.splits() if (block := split.read(100))]
        assert b"one\n" not in got or attempt == 3
    assert sorted(got) == [b"one\n", b"two\n"]
    (notice,) = source.notices()
    assert (notice.kind, notice.source) == ("unreadable", "a.log")
    source.close()


@pytest.mark.parametrize("packed", [False, True])
def test_files_moved_to_names_of_their_own_are_not_read_again_however_many_there_are(
    tmp_path: Path, reader: Any, packed: bool
):
    for number in range(80):
        (tmp_path / "app.log").write_bytes(b"%d\n" % number * 300)
        assert reader.read() == b"%d\n" % number * 300
        moved = (tmp_path / "app.log").rename(tmp_path / f"{number:03d}-app.log")
        if packed:
            with gzip.open(f"{moved}.gz", "wb") as out:
                out.write(moved.read_bytes())
            moved.unlink()
    for _ in range(3):
        reader.restart()
        assert reader.read() == b""
    (tmp_path / "app.log").write_bytes(b"new\n")
    assert reader.read() == b"new\n"
