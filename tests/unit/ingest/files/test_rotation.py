"""Every kind of rotation, while the reader runs and while it is stopped: each byte written once is read once."""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from yeoul.ingest.files import handles
from yeoul.ingest.files.content import open_content
from yeoul.ingest.files.folder import Folder

FILLER = b"x" * 60


def lines(first: int, last: int) -> bytes:
    return b"".join(b"%03d %s\n" % (i, FILLER) for i in range(first, last + 1))


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as out:
        out.write(data)


def compress(path: Path) -> None:
    with gzip.open(f"{path}.gz", "wb") as out:
        out.write(path.read_bytes())
    path.unlink()


@pytest.fixture(params=["running", "stopped"])
def between(request: pytest.FixtureRequest, reader: Any):
    """Bracket what happens to the files: the reader runs on, or is stopped before and started after."""

    class Between:
        def __enter__(self) -> None:
            if request.param == "stopped":
                reader.stop()

        def __exit__(self, *_: object) -> None:
            if request.param == "stopped":
                reader.start()

    return Between()


@pytest.mark.parametrize("size", [3, 40], ids=["short", "longer than the head"])
def test_rename_and_create_drains_the_old_file_and_goes_on_with_the_new_one(
    tmp_path: Path, reader: Any, between: Any, size: int
):
    log = tmp_path / "app.log"
    append(log, lines(1, size))
    assert reader.read() == lines(1, size)
    with between:
        append(log, lines(size + 1, size + 2))
        log.rename(tmp_path / "app.log.1")
        append(log, lines(900, 901))
    assert reader.read() == lines(size + 1, size + 2) + lines(900, 901)
    assert "gap" not in reader.kinds()


def test_a_last_line_without_end_is_a_row_once_its_generation_is_superseded_by_bytes(tmp_path: Path, reader: Any):
    log = tmp_path / "app.log"
    append(log, b"one\ntwo")
    assert reader.read() == b"one\n"
    log.rename(tmp_path / "app.log.1")
    log.touch()
    assert reader.read() == b"", "the writer may not have reopened yet"
    append(tmp_path / "app.log.1", b" and a half\nthree")
    assert reader.read() == b"two and a half\n"
    append(log, b"four\n")
    assert reader.read() == b"threefour\n"


def test_a_rotated_file_that_still_grows_is_read_on(tmp_path: Path, reader: Any):
    append(tmp_path / "app.log", b"1\n")
    reader.read()
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    append(tmp_path / "app.log", b"3\n")
    assert reader.read() == b"3\n"
    append(tmp_path / "app.log.1", b"2\n")
    reader.restart()
    assert reader.read() == b"2\n"


@pytest.mark.parametrize("size", [3, 40], ids=["short", "longer than the head"])
def test_a_copytruncate_reads_from_the_copy_what_the_original_lost(
    tmp_path: Path, reader: Any, between: Any, size: int
):
    log = tmp_path / "app.log"
    append(log, lines(1, size))
    assert reader.read() == lines(1, size)
    with between:
        append(log, lines(size + 1, size + 2))
        shutil.copyfile(log, tmp_path / "app.log.1")
        os.truncate(log, 0)
        append(log, lines(900, 900))
    assert reader.read() == lines(size + 1, size + 2) + lines(900, 900)
    (told,) = (notice for notice in reader.notices() if notice.kind in {"gap", "truncated"})
    assert (told.kind, told.source) == ("truncated", "app.log")
    assert told.detail.startswith("copied to `app.log.1`; lines written between")


def test_bytes_seen_in_the_gap_of_a_copytruncate_are_told_with_their_range(tmp_path: Path, reader: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 5))
    assert reader.read() == lines(1, 5)
    shutil.copyfile(log, tmp_path / "app.log.1")
    append(log, lines(6, 7))
    reader.source.poll()
    os.truncate(log, 0)
    append(log, lines(900, 900))
    assert reader.read() == lines(900, 900)
    (gap,) = (notice for notice in reader.notices() if notice.kind == "gap")
    assert gap.source == "app.log"
    assert gap.detail.startswith(f"bytes {len(lines(1, 5))} to {len(lines(1, 7))} ({len(lines(6, 7))} bytes) were gone")


@pytest.mark.parametrize("size", [3, 40], ids=["short", "longer than the head"])
def test_a_copy_that_is_taken_before_the_last_lines_were_read_is_not_read_again(tmp_path: Path, reader: Any, size: int):
    log = tmp_path / "app.log"
    append(log, lines(1, size))
    reader.read()
    shutil.copyfile(log, tmp_path / "app.log.1")
    append(log, lines(size + 1, size + 2))
    assert reader.read() == lines(size + 1, size + 2)
    os.truncate(log, 0)
    reader.restart()
    append(log, lines(900, 900))
    assert reader.read() == lines(900, 900)


@pytest.mark.parametrize("size", [2, 200], ids=["shorter than the old offset", "longer than the old offset"])
def test_a_file_truncated_and_rewritten_is_read_from_its_start(tmp_path: Path, reader: Any, between: Any, size: int):
    log = tmp_path / "app.log"
    append(log, lines(1, 50))
    reader.read()
    with between:
        log.write_bytes(lines(700, 699 + size))
    assert reader.read() + reader.read() == lines(700, 699 + size)
    assert "truncated" in reader.kinds()


def test_a_rewrite_of_the_same_size_is_seen(tmp_path: Path, reader: Any, between: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 5))
    reader.read()
    with between:
        log.write_bytes(lines(701, 705))
    assert reader.read() + reader.read() == lines(701, 705)


def test_unread_bytes_that_a_truncation_took_are_reported_with_their_range(tmp_path: Path, reader: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 2) + b"half a line")
    reader.read()
    size = log.stat().st_size
    log.write_bytes(lines(700, 700))
    assert reader.read() + reader.read() == lines(700, 700)
    (gap,) = (notice for notice in reader.notices() if notice.kind == "gap")
    assert gap.source == "app.log"
    assert f"bytes {size - 11} to {size} " in gap.detail


def test_delete_and_create_with_the_same_inode_reads_both_files(tmp_path: Path, reader: Any, between: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 5))
    reader.read()
    with between:
        log.unlink()
        append(log, lines(1, 1) + lines(800, 810))
    assert reader.read() + reader.read() == lines(1, 1) + lines(800, 810)


def test_what_was_unread_of_a_deleted_file_is_read_from_the_open_handle(tmp_path: Path, reader: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 50))
    reader.source.poll()
    (split,) = reader.source.splits()
    assert split.read(200).data == lines(1, 3)
    log.unlink()
    append(log, lines(900, 900))
    assert reader.read() == lines(4, 50) + lines(900, 900)


def test_a_file_deleted_with_unread_bytes_while_stopped_is_a_gap_with_its_range(tmp_path: Path, reader: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 50))
    reader.source.poll()
    (split,) = reader.source.splits()
    split.read(200)
    reader.positions = {split.name: split.position()}
    size = log.stat().st_size
    reader.stop()
    log.unlink()
    append(log, lines(900, 900))
    reader.start()
    assert reader.read() + reader.read() == lines(900, 900)
    (gap,) = (notice for notice in reader.notices() if notice.kind == "gap")
    assert f"bytes {len(lines(1, 3))} to {size} " in gap.detail


@pytest.mark.parametrize("size", [3, 40], ids=["short", "longer than the head"])
def test_a_rotated_file_that_is_compressed_is_read_on_by_uncompressed_offset(
    tmp_path: Path, reader: Any, between: Any, size: int
):
    log = tmp_path / "app.log"
    append(log, lines(1, size))
    reader.read()
    with between:
        append(log, lines(size + 1, size + 300))
        log.rename(tmp_path / "app.log.1")
        compress(tmp_path / "app.log.1")
        append(log, lines(900, 900))
    assert reader.read(1000) == lines(size + 1, size + 300) + lines(900, 900)
    assert "gap" not in reader.kinds()


def test_a_half_read_compressed_file_is_resumed_exactly(tmp_path: Path, reader: Any):
    append(tmp_path / "app.log.1", lines(1, 500))
    compress(tmp_path / "app.log.1")
    got = b""
    for _ in range(100):
        reader.restart()
        reader.source.poll()
        (split,) = reader.source.splits()
        block = split.read(2000)
        if block is None:
            break
        assert block.offset == len(got)
        got += block.data
        reader.positions = {split.name: split.position()}
    assert got == lines(1, 500)


def test_several_rotations_while_stopped_are_read_in_order(tmp_path: Path, reader: Any):
    log = tmp_path / "app.log"
    append(log, lines(1, 10))
    reader.read()
    reader.stop()
    for number in range(1, 6):
        append(log, lines(number * 100, number * 100 + 9))
        for old in range(9, 0, -1):
            for ending in ("", ".gz"):
                if (path := tmp_path / f"app.log.{old}{ending}").exists():
                    path.rename(tmp_path / f"app.log.{old + 1}{ending}")
        log.rename(tmp_path / "app.log.1")
        if number % 2:
            compress(tmp_path / "app.log.1")
    append(log, lines(600, 601))
    reader.start()
    expected = [lines(number * 100, number * 100 + 9) for number in range(1, 6)]
    assert reader.read() == b"".join(expected) + lines(600, 601)


def test_rotated_siblings_that_are_there_at_first_are_read_oldest_first(tmp_path: Path, reading: Any):
    append(tmp_path / "a.ndjson", b"5\n")
    append(tmp_path / "a.ndjson.1", b"4\n")
    append(tmp_path / "a.ndjson.2", b"3\n")
    append(tmp_path / "a.ndjson.10", b"1\n")
    append(tmp_path / "a.ndjson.9", b"2\n")
    compress(tmp_path / "a.ndjson.9")
    reader = reading("*.ndjson")
    assert reader.read() == b"1\n2\n3\n4\n5\n"
    assert reader.names() == ["a.ndjson"]


def test_dated_siblings_are_read_by_date(tmp_path: Path, reading: Any):
    append(tmp_path / "app.log", b"4\n")
    append(tmp_path / "app.log-20260302", b"2\n")
    append(tmp_path / "app.log-20260303", b"3\n")
    append(tmp_path / "app.log-20260301", b"1\n")
    compress(tmp_path / "app.log-20260301")
    reader = reading("*")
    assert reader.read() == b"1\n2\n3\n4\n"
    assert reader.names() == ["app.log"]


def test_changed_device_numbers_repeat_nothing(tmp_path: Path, reader: Any):
    append(tmp_path / "app.log", lines(1, 5))
    append(tmp_path / "app.log.1", lines(100, 150))
    reader.read()
    for generation in reader.positions["app.log"]["generations"]:
        generation["device"] += 7
        generation["inode"] += 1
    reader.restart()
    append(tmp_path / "app.log", lines(6, 6))
    assert reader.read() == lines(6, 6)


def test_a_writer_that_does_not_append_leaves_a_hole_that_is_no_row(tmp_path: Path, reader: Any):
    with (tmp_path / "app.log").open("wb", buffering=0) as out:
        out.write(lines(1, 200))
        reader.read()
        shutil.copyfile(tmp_path / "app.log", tmp_path / "app.log.1")
        os.truncate(tmp_path / "app.log", 0)
        out.write(lines(201, 202))
        assert reader.read() == lines(201, 202)


def test_logs_with_holes_are_told_apart_by_what_stands_behind_them(tmp_path: Path, reader: Any):
    for log in ("app.log", "web.log"):
        with (tmp_path / log).open("wb", buffering=0) as out:
            first = 0 if log == "app.log" else 1000
            for turn in range(1, 4):
                out.write(lines(first + 100 * turn, first + 100 * turn + 50))
                assert reader.read() == lines(first + 100 * turn, first + 100 * turn + 50)
                # a copy that is made slowly: its hole comes first
                whole = (tmp_path / log).read_bytes()
                copy = tmp_path / f"{log}.{10 - turn}"
                for end in (len(whole) // 3, len(whole) // 2, len(whole)):
                    copy.write_bytes(whole[:end])
                    assert reader.read() == b""
                os.truncate(tmp_path / log, 0)
                assert reader.read() == b""
                reader.restart()
                assert reader.read() == b""


def test_a_file_that_is_new_after_a_restart_is_read_however_many_were_moved_away(tmp_path: Path, reader: Any):
    for number in range(40):
        append(tmp_path / "app.log", lines(number, number))
        assert reader.read() == lines(number, number)
        (tmp_path / "app.log").rename(tmp_path / f"kept-{number}.log")
    append(tmp_path / "app.log", lines(900, 900))
    reader.restart()
    assert reader.read() == lines(900, 900)


def test_a_last_line_without_an_end_is_read_once_however_many_generations_ago(tmp_path: Path, reader: Any):
    for number in range(40):
        append(tmp_path / "app.log", lines(10 * number, 10 * number + 3).rstrip(b"\n"))
        reader.read()
        for older in range(number, 0, -1):
            (tmp_path / f"app.log.{older}").rename(tmp_path / f"app.log.{older + 1}")
        (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    append(tmp_path / "app.log", lines(900, 900))
    assert reader.read().endswith(lines(393, 393).rstrip(b"\n") + lines(900, 900))
    reader.restart()
    assert reader.read() == b""


def test_a_name_that_is_gone_for_a_moment_while_siblings_move_up_is_no_file_that_cannot_be_read(
    tmp_path: Path, reading: Any, monkeypatch: pytest.MonkeyPatch
):
    reader = reading("*.log", max_open_files=1)
    for number in (2, 1):
        append(tmp_path / f"app.log.{number}", lines(100 - 10 * number, 105 - 10 * number))
    append(tmp_path / "app.log", lines(200, 205))
    reader.read()
    for number in (2, 1):
        (tmp_path / f"app.log.{number}").rename(tmp_path / f"app.log.{number + 1}")
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    append(tmp_path / "app.log", lines(300, 300))
    seen: Counter[str] = Counter()

    def gone_at_first(path: str) -> Any:
        seen[path] += 1
        if seen[path] <= 2:
            raise FileNotFoundError(path)
        return open_content(path)

    monkeypatch.setattr(handles, "open_content", gone_at_first)
    assert reader.read() + reader.read() == lines(300, 300)


def test_a_file_that_a_listing_misses_while_it_is_renamed_is_not_taken_for_its_copy(
    tmp_path: Path, reading: Any, monkeypatch: pytest.MonkeyPatch
):
    reader = reading("*.log", max_open_files=1)
    append(tmp_path / "app.log", lines(1, 60))
    append(tmp_path / "other.log", lines(500, 500))
    reader.read()
    shutil.copyfile(tmp_path / "app.log", tmp_path / "copy.log")
    append(tmp_path / "app.log", lines(61, 90))
    assert reader.read() == lines(61, 90)
    append(tmp_path / "other.log", lines(501, 501))
    reader.read()  # now the handle of the other one is open
    (tmp_path / "app.log").rename(tmp_path / "app.log.1")
    inner, looks = Folder.scan, Counter[str]()

    def missing_it_once(self: Folder, *arguments: Any) -> dict[str, Any]:
        looks["all"] += 1
        found = inner(self, *arguments)
        return {path: entry for path, entry in found.items() if looks["all"] > 1 or not path.endswith(".1")}

    monkeypatch.setattr(Folder, "scan", missing_it_once)
    assert reader.read() + reader.read() == b""


def test_a_hole_that_is_still_being_copied_is_no_beginning(tmp_path: Path, reader: Any):
    for size in (5_000, 8_000):
        (tmp_path / "app.log").write_bytes(bytes(size))
        assert reader.read() == b""
    append(tmp_path / "app.log", lines(1, 9))
    assert reader.read() == lines(1, 9)


def test_a_file_moved_to_a_name_that_rotation_does_not_know_stays_in_its_lineage(tmp_path: Path, reading: Any):
    reader = reading("*")
    append(tmp_path / "app.log", lines(1, 30))
    reader.read()
    append(tmp_path / "app.log", lines(31, 31))
    (tmp_path / "app.log").rename(tmp_path / "kept for the auditors")
    append(tmp_path / "app.log", lines(900, 900))
    assert reader.read() == lines(31, 31) + lines(900, 900)
    assert reader.names() == ["app.log"]
    reader.restart()
    assert reader.read() == b""


def test_a_compressor_at_work_beside_the_plain_file_repeats_nothing(tmp_path: Path, reader: Any):
    append(tmp_path / "app.log.1", lines(1, 3000))
    append(tmp_path / "app.log", lines(5000, 5000))
    assert reader.read() == lines(1, 3000) + lines(5000, 5000)
    raw = gzip.compress((tmp_path / "app.log.1").read_bytes())
    for start in range(0, len(raw), 4000):
        append(tmp_path / "app.log.1.gz", raw[start : start + 4000])
        assert reader.read() == b""
        reader.restart()
    (tmp_path / "app.log.1").unlink()
    assert reader.read() == b""
    assert not {"gap", "unreadable", "rotated"} & set(reader.kinds())


def test_a_compressed_file_that_is_written_slowly_is_read_as_it_grows(tmp_path: Path, reader: Any):
    raw = gzip.compress(lines(1, 3000))
    got = b""
    for start in range(0, len(raw), 4000):
        append(tmp_path / "app.log.1.gz", raw[start : start + 4000])
        got += reader.read()
        assert got.endswith(b"\n") or not got
    assert got == lines(1, 3000)
    assert "unreadable" not in reader.kinds()


@pytest.mark.parametrize("known", [True, False], ids=["read before", "found at first"])
def test_what_a_compressor_left_that_died_is_a_copy_of_the_plain_file(tmp_path: Path, reader: Any, known: bool):
    log = tmp_path / "app.log.1"
    log.write_bytes(lines(1, 4000))
    append(tmp_path / "app.log", lines(5000, 5000))
    if known:
        assert reader.read() == lines(1, 4000) + lines(5000, 5000)
    packing = zlib.compressobj(wbits=31)
    half = packing.compress(lines(1, 4000)[:200_003]) + packing.flush(zlib.Z_FULL_FLUSH)
    (tmp_path / "app.log.1.gz").write_bytes(half)
    os.utime(tmp_path / "app.log.1.gz", (1, 1))
    reader.restart()
    assert reader.read() == (b"" if known else lines(1, 4000) + lines(5000, 5000))
    assert reader.kinds() == ["copy"]
