"""A counter file says what is wrong with it by file and line, and is read in whatever dress it comes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yeoul.errors import SourceError, YeoulError
from yeoul.flows.servers.reading import find_files, read_counter_file
from yeoul.flows.servers.stamps import read_stamps, stamps

HEAD = "Timestamp,Request,Success,Fail,Session"
ROW = "20180101_0000-0005,10,9,1,5"
NEXT = "20180101_0005-0010,20,18,2,6"


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "Media_INFO.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; it needs a header"),
        ("\n \n", "is empty"),
        (f"{HEAD}\n", "a header and no rows"),
        (f"{HEAD}\n{ROW}\n{NEXT.replace('18', '-18')}\n", "line 3, column 3: got `-18`; legal: a number from 0 up"),
        (f"{ROW}\n{NEXT}\n", "it has no header; legal: `Timestamp`"),
        (
            f"{HEAD}\n{ROW}\n".encode("utf-16-le"),
            "line 1: got a zero byte; legal: a CSV file in UTF-8, or in UTF-16 with",
        ),
        ("Time,Request,Success,Fail,Session\n", "the first column is `Time`; legal: `Timestamp`"),
        ("Timestamp,1_Hits\n", "got `1_Hits`; legal: `1_Request`"),
        ("Timestamp,1_Request,1_Success,1_Fail,1_Sesion\n", "lacks the column `1_Session`; did you mean `1_Sesion`?"),
        ("Timestamp,1_Request,1_Success,1_Fail,1_Session,Request\n", "with and without a server's number"),
        (f"{HEAD},Fail\n{ROW},1\n", "the column `Fail` comes twice"),
        (f"{HEAD}\n{ROW}\n{NEXT[:-2]}\n", "line 3: got 4 cells; legal: 5"),
        (f"{HEAD}\n{ROW}\n\n{NEXT},7\n", "line 4: got 6 cells; legal: 5"),
        (f"{HEAD}\n{ROW}\n{NEXT.replace('18', 'many')}\n", "line 3, column 3: got `many`; legal: a number"),
        (f"{HEAD}\n{ROW.replace('10', 'inf')}\n", "line 2, column 2: got `inf`"),
        (f"{HEAD}\n{ROW}\n2018-01-01 00:05,1,1,0,1\n", "line 3: got the stamp `2018-01-01 00:05`: it has another form"),
        (f"{HEAD}\n20180230_0000-0005,1,1,0,1\n", "there is no such day; legal: `YYYYMMDD_HHmm-HHmm`"),
        (f"{HEAD}\n20180101_2400-2405,1,1,0,1\n", "there is no such time of day"),
        (f"{HEAD}\n20180101_0003-0008,1,1,0,1\n", "it does not begin at a full five minutes"),
        (f"{HEAD}\n20180101_0005-0015,1,1,0,1\n", "its end is not five minutes later"),
        (f"{HEAD}\n20180101_2355-2400,1,1,0,1\n", "its end is not five minutes later"),
        (f"{HEAD}\n{ROW}\n".encode() + b"\xff\xfe,\n", "line 3: got bytes that are no text"),
        (f"{HEAD}\n{ROW}\n\0\0\0\n", "line 3: got a zero byte"),
    ],
)
def test_each_mistake_is_told(tmp_path: Path, text: str | bytes, said: str):
    with pytest.raises(YeoulError) as told:
        read_counter_file(written(tmp_path, text))
    assert said in str(told.value)
    assert "Media_INFO.csv" in str(told.value)


PLAIN = f"{HEAD}\n{ROW}\n{NEXT}\n"


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.rstrip("\n"),
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace("\n", "\r"),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", " , "),
        PLAIN.replace("20180101_0005-0010", '"20180101_0005-0010"'),
        PLAIN.replace("\n", "\n\n"),
    ],
)
def test_dress_does_not_matter(tmp_path: Path, text: str | bytes):
    found = read_counter_file(written(tmp_path, text))
    assert found.values.tolist() == [[10, 9, 1, 5], [20, 18, 2, 6]]
    assert stamps(found.slots) == ["20180101_0000-0005", "20180101_0005-0010"]


def test_servers_stand_in_order_whatever_the_order_of_columns(tmp_path: Path):
    names = [f"{server}_{name}" for server in (10, 2) for name in ("Fail", "Request", "Session", "Success")]
    row = ",".join(["20180101_2355-0000", *map(str, range(8))])
    found = read_counter_file(written(tmp_path, ",".join(["Timestamp", *names, "Remark"]) + f"\n{row},8\n"))
    assert found.servers == ("2", "10")
    assert found.columns[:4] == ("2_Request", "2_Success", "2_Fail", "2_Session")
    assert found.values[0].tolist() == [5, 7, 4, 6, 1, 3, 0, 2]
    assert found.notes == ("`Media_INFO.csv`: passed over `Remark`",)


@pytest.mark.parametrize("remark", ["fine", "-3", "", '"a,b"', "nan"])
def test_what_is_passed_over_may_be_any_text(tmp_path: Path, remark: str):
    header = HEAD.replace("Timestamp", "Timestamp,Remark")
    found = read_counter_file(written(tmp_path, f"{header}\n20180101_0000-0005,{remark},10,9,1,5\n"))
    assert found.values.tolist() == [[10, 9, 1, 5]]


def test_an_empty_cell_is_missing(tmp_path: Path):
    found = read_counter_file(written(tmp_path, f"{HEAD}\n20180101_0000-0005,10,,nan, null \n"))
    assert np.isnan(found.values[0]).tolist() == [False, True, True, True]


def test_all_missing_files_are_named_and_the_size_of_letters_is_no_matter(tmp_path: Path):
    (tmp_path / "media_login.CSV").touch()
    (tmp_path / "Media_Infos.csv").touch()
    with pytest.raises(SourceError, match=r"lacks Media_INFO\.csv, Media_MENU\.csv, Media_STREAM\.csv; .*did you mean"):
        find_files(tmp_path)
    with pytest.raises(SourceError, match="which is not there"):
        find_files(tmp_path / "nowhere")
    for name in ("INFO", "MENU", "STREAM"):
        (tmp_path / f"Media_{name}.csv").touch()
    assert [path.name for path in find_files(tmp_path)][1] == "media_login.CSV"


def test_every_slot_of_a_leap_year_comes_back_from_its_stamp():
    slots = np.arange(5_154_336 - 105_120, 5_154_336 + 288 * 800)
    back, wrong = read_stamps(stamps(slots))
    assert wrong is None
    assert np.array_equal(back, slots)


def test_the_first_wrong_stamp_is_told():
    assert read_stamps(["20180101_0000-0005", "20180101_0001-0006", "x"])[1] == (
        1,
        "it does not begin at a full five minutes",
    )
