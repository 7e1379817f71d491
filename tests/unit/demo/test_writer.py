"""Log files: rotation, compression, deletion, torn writes."""

import gzip
import re
from pathlib import Path

import pytest

from yeoul.demo import LogWriter, Rotation
from yeoul.errors import ConfigError

LINES = [f"line {number:04d} {'x' * (number % 37)}\n".encode() for number in range(500)]


def generations(folder: Path, host: str = "a"):
    """Every generation of a host's log, oldest first."""
    found = {}
    for path in folder.iterdir():
        match = re.fullmatch(rf"{host}\.ndjson(?:\.(\d+))?(\.gz)?", path.name)
        assert match, path.name
        found[int(match[1] or 0)] = gzip.decompress(path.read_bytes()) if match[2] else path.read_bytes()
    assert sorted(found) == list(range(len(found)))
    return [found[number] for number in sorted(found, reverse=True)]


def write(folder: Path, rotation: Rotation, step: int = 7, *, torn: bool = False):
    writer = LogWriter(folder, ["a"], rotation, torn=torn)
    for at in range(0, len(LINES), step):
        writer.write("a", b"".join(LINES[at : at + step]))
    writer.close()
    writer.close()


@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("copytruncate", [False, True])
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("step", [1, 7, 500])
def test_the_generations_hold_every_line_once_in_order(
    tmp_path: Path, step: int, compress: bool, copytruncate: bool, torn: bool
):
    write(tmp_path, Rotation(1000, None, copytruncate=copytruncate, compress=compress), step, torn=torn)
    parts = generations(tmp_path)
    assert len(parts) > 10
    assert b"".join(parts) == b"".join(LINES)
    assert all(part.endswith(b"\n") for part in parts if part)


def test_no_file_grows_past_its_size(tmp_path: Path):
    write(tmp_path, Rotation(1000, None))
    assert all(len(part) <= 1000 for part in generations(tmp_path))


def test_a_line_longer_than_a_file_has_one_for_itself(tmp_path: Path):
    writer = LogWriter(tmp_path, ["a"], Rotation(100, None))
    for line in (b"short\n", b"y" * 500 + b"\n", b"short too\n"):
        writer.write("a", line)
    writer.close()
    assert generations(tmp_path) == [b"short\n", b"y" * 500 + b"\n", b"short too\n"]


def test_only_the_newest_rotated_files_are_kept(tmp_path: Path):
    write(tmp_path, Rotation(1000, 3))
    parts = generations(tmp_path)
    assert len(parts) == 4
    assert b"".join(LINES).endswith(b"".join(parts))


def test_the_newest_rotated_file_stays_uncompressed(tmp_path: Path):
    write(tmp_path, Rotation(1000, 5, compress=True))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["a.ndjson", "a.ndjson.1", *(f"a.ndjson.{n}.gz" for n in range(2, 6))]


@pytest.mark.parametrize(("copytruncate", "same"), [(True, True), (False, False)])
def test_copytruncate_keeps_the_live_files_inode(tmp_path: Path, copytruncate: bool, same: bool):
    writer = LogWriter(tmp_path, ["a"], Rotation(50, None, copytruncate=copytruncate))
    writer.write("a", b"first line\n")
    before = (tmp_path / "a.ndjson").stat().st_ino
    writer.write("a", b"z" * 45 + b"\n")
    writer.close()
    assert (tmp_path / "a.ndjson.1").read_bytes() == b"first line\n"
    assert ((tmp_path / "a.ndjson").stat().st_ino == before) is same


def test_a_torn_write_ends_in_the_middle_of_a_line(tmp_path: Path):
    writer = LogWriter(tmp_path, ["a"], torn=True)
    writer.write("a", b"one whole line of some length\n" * 3)
    assert not (tmp_path / "a.ndjson").read_bytes().endswith(b"\n")
    writer.close()
    assert (tmp_path / "a.ndjson").read_bytes() == b"one whole line of some length\n" * 3


def test_a_new_writer_appends(tmp_path: Path):
    for line in (b"one\n", b"two\n"):
        writer = LogWriter(tmp_path, ["a"])
        writer.write("a", line)
        writer.close()
    assert (tmp_path / "a.ndjson").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("wrong", [{"max_bytes": 0}, {"keep": 0}])
def test_a_rotation_that_cannot_be_is_refused(wrong: dict[str, int]):
    with pytest.raises(ConfigError, match="legal: 1 or more"):
        Rotation(**wrong)
