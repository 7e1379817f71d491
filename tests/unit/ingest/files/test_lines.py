"""How lines are cut: partial, long, overlong, with any line end; blocks, headers and gzip streams that break."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import random
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest


def blocks(reader: Any, limit_bytes: int, *, final: bool = False):
    reader.source.poll()
    (split,) = reader.source.splits()
    found = []
    while (block := split.read(limit_bytes, final=final)) is not None:
        found.append(block)
    return found


@pytest.mark.parametrize(
    ("data", "live", "final"),
    [
        (b"", b"", b""),
        (b"one", b"", b"one"),
        (b"one\ntwo", b"one\n", b"one\ntwo"),
        (b"one\r\ntwo\r\n", b"one\r\ntwo\r\n", b"one\r\ntwo\r\n"),
        (b"\n\n", b"\n\n", b"\n\n"),
        (b"one\n\xff\xfe\x00\n", b"one\n\xff\xfe\x00\n", b"one\n\xff\xfe\x00\n"),
    ],
)
def test_a_last_line_without_end_is_a_row_only_when_the_input_has_ended(
    tmp_path: Path, reading: Any, data: bytes, live: bytes, final: bytes
):
    (tmp_path / "app.log").write_bytes(data)
    assert reading().read() == live
    assert reading().read(final=True) == final


def test_a_line_written_in_pieces_comes_out_once_and_whole(tmp_path: Path, reader: Any):
    with (tmp_path / "app.log").open("wb", buffering=0) as out:
        out.write(b'{"a":')
        assert reader.read() == b""
        reader.restart()
        out.write(b" 1")
        assert reader.read() == b""
        out.write(b"}\n{")
        assert reader.read() == b'{"a": 1}\n'


def test_blocks_hold_whole_lines_of_about_the_limit_and_their_offsets_join(tmp_path: Path, reader: Any):
    data = b"".join(b"%05d\n" % i for i in range(1000))
    (tmp_path / "app.log").write_bytes(data)
    found = blocks(reader, 100)
    assert b"".join(block.data for block in found) == data
    assert {len(block.data) for block in found[:-1]} == {96}
    assert [block.offset for block in found] == [96 * i for i in range(len(found))]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_line_of_5_mb_comes_out_whole(tmp_path: Path, reader: Any, compressed: bool):
    long = os.urandom(2_500_000).hex().encode() + b"\n"
    data = b"short\n" + long + b"short\n"
    (tmp_path / "app.log").write_bytes(gzip.compress(data, 1) if compressed else data)
    found = blocks(reader, 64 << 10)
    assert b"".join(block.data for block in found) == data
    assert all(block.data.endswith(b"\n") for block in found)


@pytest.mark.parametrize("compressed", [False, True])
def test_a_line_longer_than_allowed_gives_its_beginning_and_a_notice(tmp_path: Path, reading: Any, compressed: bool):
    data = b"one\n" + b"x" * 5000 + b"\ntwo\n"
    (tmp_path / "app.log").write_bytes(gzip.compress(data) if compressed else data)
    reader = reading(max_line_bytes=1000)
    found = blocks(reader, 300)
    assert [(block.offset, block.data) for block in found] == [(0, b"one\n"), (4, b"x" * 1000), (5005, b"two\n")]
    (notice,) = reader.notices()
    assert notice.kind == "oversize"
    assert "byte 4 " in notice.detail


def test_skipping_an_overlong_line_goes_on_after_a_restart(tmp_path: Path, reading: Any):
    log = tmp_path / "app.log"
    log.write_bytes(b"x" * 5000)
    reader = reading(max_line_bytes=1000)
    assert reader.read(300) == b"x" * 1000
    reader.restart()
    with log.open("ab") as out:
        out.write(b"yyy\ntwo\n")
    assert reader.read(300) == b"two\n"


def test_each_block_carries_the_first_line_of_its_generation(tmp_path: Path, reading: Any):
    (tmp_path / "a.csv").write_bytes(b"id,name\r\n1,b\r\n2,c\r\n")
    (tmp_path / "a.csv.1").write_bytes(b"id,name,year\n0,a,1999\n")
    reader = reading("*.csv", keep_header=True)
    found = blocks(reader, 10)
    assert {(block.source, block.header) for block in found} == {
        ("a.csv.1", b"id,name,year"),
        ("a.csv", b"id,name"),
    }
    reader.positions = {split.name: split.position() for split in reader.source.splits()}
    with (tmp_path / "a.csv").open("ab") as out:
        out.write(b"3,d\r\n")
    reader.restart()
    (block,) = blocks(reader, 10)
    assert (block.data, block.header) == (b"3,d\r\n", b"id,name")


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda raw: raw[:-400], "cut off"),
        (lambda raw: raw[:-8] + bytes(8), "damaged"),
        (lambda raw: raw[:3000] + b"\xff" * 500 + raw[3500:], "damaged"),
    ],
)
def test_a_damaged_compressed_file_gives_what_there_is_and_a_notice(
    tmp_path: Path, reader: Any, damage: Any, reason: str
):
    noise = random.Random(7)
    data = b"".join(b"%s\n" % noise.randbytes(30).hex().encode() for _ in range(300))
    (tmp_path / "app.log.1.gz").write_bytes(damage(gzip.compress(data)))
    (tmp_path / "app.log").write_bytes(b"after\n")
    got = reader.read(500, final=True)
    assert got.endswith(b"after\n")
    assert len(got) > 1000
    assert data.startswith(got.removesuffix(b"after\n")[:1000])
    (notice,) = reader.notices()
    assert (notice.kind, notice.source) == ("unreadable", "app.log.1.gz")
    assert reason in notice.detail
    reader.restart()
    assert reader.read(final=True) == b""


def test_a_compressed_file_may_have_several_members_and_padding(tmp_path: Path, reader: Any):
    raw = gzip.compress(b"one\ntw") + gzip.compress(b"o\n") + bytes(100)
    (tmp_path / "app.log.1.gz").write_bytes(raw)
    assert reader.read() == b"one\ntwo\n"
    assert reader.notices() == []


def test_a_file_is_inflated_for_what_it_holds_and_not_for_its_name(tmp_path: Path, reader: Any):
    (tmp_path / "app.log").write_bytes(gzip.compress(b"one\n"))
    (tmp_path / "b.log.1.gz").write_bytes(b"plain\n")
    assert reader.read() == b"one\nplain\n"


@pytest.mark.parametrize(("name", "squeeze"), [("xz", lzma.compress), ("bz2", bz2.compress)])
def test_a_file_compressed_in_another_way_is_told_of_and_its_bytes_are_no_lines(
    tmp_path: Path, reader: Any, name: str, squeeze: Any
):
    (tmp_path / "app.log").write_bytes(b"one\n")
    (tmp_path / f"app.log.1.{name}").write_bytes(squeeze(b"older\n" * 1000))
    assert reader.read(final=True) == b"one\n"
    (notice,) = reader.notices()
    assert (notice.kind, notice.source) == ("unreadable", f"app.log.1.{name}")
    assert name in notice.detail


def test_a_highly_compressible_file_is_inflated_in_bounded_pieces(tmp_path: Path, reader: Any):
    squeeze = zlib.compressobj(9, zlib.DEFLATED, 31)
    raw = b"".join(squeeze.compress((b"x" * 99 + b"\n") * 10_000) for _ in range(30)) + squeeze.flush()
    (tmp_path / "app.log.1.gz").write_bytes(raw)
    reader.source.poll()
    (split,) = reader.source.splits()
    tracemalloc.start()
    total = 0
    while (block := split.read(1 << 16)) is not None:
        total += len(block.data)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert total == 30_000_000
    assert peak_bytes < 8 << 20


def test_backlog_counts_what_is_written_and_not_read(tmp_path: Path, reader: Any):
    (tmp_path / "app.log").write_bytes(b"x" * 99 + b"\n" + b"y" * 99 + b"\n")
    reader.source.poll()
    (split,) = reader.source.splits()
    assert split.backlog_bytes() == 200
    split.read(120)
    assert split.backlog_bytes() == 100
    split.read(120)
    assert split.backlog_bytes() == 0
