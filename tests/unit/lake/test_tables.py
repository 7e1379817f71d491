"""A table in a file is read as it is, refused where it is no table, and written with columns beside its own."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pytest

from yeoul.errors import InputError, SourceError
from yeoul.lake import TableFile, format_of

TEXT = (
    'at,hits,who,code\n2024-01-01 00:00:00,1.50,a,007\n2024-01-01 00:05:00,,"b, ""c""",008\n2024-01-01T00:10,3,,009\n'
)


@pytest.fixture
def table(tmp_path: Path) -> Callable[..., TableFile]:
    def opened(text: str = TEXT, name: str = "t.csv") -> TableFile:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return TableFile(path)

    return opened


def test_columns_are_read_in_the_order_of_the_rows(table: Callable[..., TableFile]):
    with table() as found:
        assert (found.columns, found.rows) == (("at", "hits", "who", "code"), 3)
        assert found.numeric() == ("hits", "code")
        np.testing.assert_array_equal(found.numbers("hits"), [1.5, np.nan, 3])
        assert found.texts("who").tolist() == ["a", 'b, "c"', ""]
        assert (found.times_us("at") // 60_000_000 - 28_401_120).tolist() == [0, 5, 10]


@pytest.mark.parametrize(
    ("cells", "layout"),
    [
        (["1704067200", "1704067500"], ""),
        (["1704067200000", "1704067500000"], ""),
        (["1704067200000000", "1704067500000000"], ""),
        (["1704067200000000000", "1704067500000000000"], ""),
        (["2024-01-01T09:00:00+09:00", "2024-01-01T09:05:00+09:00"], ""),
        (["20240101_0000", "20240101_0005"], "%Y%m%d_%H%M"),
    ],
)
def test_a_time_is_read_however_it_is_written(table: Callable[..., TableFile], cells: list[str], layout: str):
    with table("at\n" + "\n".join(cells) + "\n") as found:
        assert found.times_us("at", layout).tolist() == [1_704_067_200_000_000, 1_704_067_500_000_000]


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda found: found.numbers("hit"), "`at`, `hits`, `who`, `code`; did you mean `hits`?"),
        (lambda found: found.numbers("who"), "got `a` in row 1 of column `who`; legal: a number"),
        (lambda found: found.times_us("who"), "got `a` in row 1 of column `who`; legal: ISO 8601"),
        (lambda found: found.times_us("at", "%Y%m%d"), "got `2024-01-01 00:00:00` in row 1"),
        (lambda found: found.write(found.path.with_name("o.csv"), {"hits": np.zeros(3)}), "--prefix"),
        (lambda found: found.write(found.path.with_name("o.xls"), {}), "legal endings: .csv"),
    ],
)
def test_what_is_wrong_is_named(table: Callable[..., TableFile], ask: Callable[[TableFile], object], words: str):
    with table() as found, pytest.raises(InputError) as error:
        ask(found)
    assert words in str(error.value)


def test_a_file_that_is_none_of_its_format_is_refused(tmp_path: Path):
    path = tmp_path / "t.parquet"
    with pytest.raises(SourceError, match="no such file"):
        TableFile(path)
    path.write_text("at,hits\n")
    with pytest.raises(SourceError, match="no PARQUET table"):
        TableFile(path)
    with pytest.raises(InputError, match="legal endings"):
        format_of(tmp_path / "t.parquet.gz")


RAGGED = "a,b\n" + "1,2\n" * 50


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "which is empty; legal: a line of names, then rows"),
        ("t.ndjson", b" \n", "which is empty; legal: one object a line"),
        ("t.json", b'[{"a": 1}, {"a": 2}]', "but an array or other values; write one object a line"),
        ("t.csv", "a,b\n1,café\n2,x\n".encode("cp1252"), "most likely in WINDOWS-1252; convert it, such as by `iconv"),
        ("t.csv", "a,b\n1,서울\n2,x\n".encode("cp949"), "most likely in CP949"),
        ("t.csv", "a,b\n1,2\n".encode("utf-16"), "most likely in UTF-16"),
        ("t.csv", f"{RAGGED}1,2,3\n{RAGGED}".encode(), "row 51 (line 52) has 3 cells, the header 2; mend the row"),
        ("t.csv", f"{RAGGED}1\n{RAGGED}".encode(), "row 51 (line 52) has 1 cells, the header 2; mend the row"),
    ],
)
def test_what_is_wrong_with_a_file_that_is_no_table_is_said(tmp_path: Path, name: str, content: bytes, words: str):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as error:
        TableFile(tmp_path / name)
    assert words in str(error.value)


def test_a_folder_that_is_named_like_a_table_is_said(tmp_path: Path):
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(SourceError, match="which is a folder; name a file"):
        TableFile(tmp_path / "t.csv")


def test_objects_whose_only_name_is_json_are_rows(tmp_path: Path):
    (tmp_path / "t.json").write_text('{"json": [1]}\n{"json": [2]}\n')
    with TableFile(tmp_path / "t.json") as found:
        assert (found.columns, found.rows) == (("json",), 2)


def test_a_table_of_one_column_and_one_without_rows_are_read(table: Callable[..., TableFile]):
    with table("hits\n1\n2\n") as found:
        assert (found.columns, found.rows) == (("hits",), 2)
    with table("at,hits\n") as found:
        assert (found.columns, found.rows) == (("at", "hits"), 0)


ADDED = {"p": np.array([1.0, 0.5, 1e-12]), "alarm": np.array([False, False, True])}


def test_rows_written_as_csv_keep_their_text(table: Callable[..., TableFile], tmp_path: Path):
    with table(name="t.csv.gz") as found:
        found.write(tmp_path / "o.csv", ADDED | {"why": np.array(["", "", "x, y"], np.object_)})
    lines = (tmp_path / "o.csv").read_text().splitlines()
    assert [line.partition(",")[0] for line in lines] == [line.partition(",")[0] for line in TEXT.splitlines()]
    assert lines[0] == "at,hits,who,code,p,alarm,why"
    assert lines[1].startswith("2024-01-01 00:00:00,1.50,a,007,1.0,false,")
    assert lines[3].endswith(',1e-12,true,"x, y"')


@pytest.mark.parametrize("name", ["o.ndjson", "o.parquet", "o.ndjson.gz"])
def test_rows_of_csv_get_types_where_there_are_types(table: Callable[..., TableFile], tmp_path: Path, name: str):
    out = tmp_path / name
    with table() as found:
        found.write(out, ADDED)
    rows = duckdb.sql(f"SELECT hits, who, code, p, alarm FROM '{out}'").fetchall()
    assert rows == [(1.5, "a", "007", 1.0, False), (None, 'b, "c"', "008", 0.5, False), (3.0, None, "009", 1e-12, True)]
    with TableFile(out) as again:
        np.testing.assert_array_equal(again.numbers("p"), ADDED["p"])


def test_a_json_line_keeps_what_is_nested(tmp_path: Path):
    (tmp_path / "t.ndjson").write_text('{"n":1,"more":{"a":[1,2]}}\n{"n":2,"more":{"a":[]}}\n')
    with TableFile(tmp_path / "t.ndjson") as found:
        assert found.numeric() == ("n",)
        found.write(tmp_path / "o.ndjson", {"p": np.array([0.5, 0.25])})
    lines = [json.loads(line) for line in (tmp_path / "o.ndjson").read_text().splitlines()]
    assert lines == [{"n": 1, "more": {"a": [1, 2]}, "p": 0.5}, {"n": 2, "more": {"a": []}, "p": 0.25}]
