"""What a person may hand to the scoring of a file: labels in words, places to write to, pictures of odd columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from yeoul.detect.tables import Rows, ScoringConfig, answer
from yeoul.errors import InputError
from yeoul.flows.scoring import TableRequest, score_file
from yeoul.flows.scoring.picture import draw
from yeoul.lake import TableFile


def file(folder: Path, cells: list[str]) -> Path:
    path = folder / "hits.csv"
    path.write_text("hits,fault\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)), encoding="utf-8")
    return path


def labels(path: Path) -> list[bool]:
    with TableFile(path) as table:
        found = TableRequest(("hits",), label="fault").rows(table).labels
    assert found is not None
    return [bool(label) for label in found]


@pytest.mark.parametrize(
    "cells",
    [["0", "1", "", "3"], ["False", "True", "", "true"], ["0.0", "1.0", "", "2.0"], ["false", "TRUE", " ", "1"]],
)
def test_labels_are_numbers_or_words(tmp_path: Path, cells: list[str]):
    assert labels(file(tmp_path, cells)) == [False, True, False, True]


@pytest.mark.parametrize("cell", ["-1", "0.3", "yes", "nan", "inf"])
def test_a_label_that_may_mean_either_is_refused_with_its_row(tmp_path: Path, cell: str):
    with pytest.raises(InputError, match=f"got `{cell}` in row 2 of the labels `fault`"):
        labels(file(tmp_path, ["0", cell]))


@pytest.mark.parametrize(
    ("out", "picture", "words"),
    [
        ("folder.csv", None, "which is a folder"),
        ("out.csv", "folder.png", "which is a folder"),
        ("out.csv", "out.jpg", "legal endings"),
        ("out.csv", "nowhere/out.png", "whose folder is not there"),
        ("nowhere/out.csv", None, "whose folder is not there"),
    ],
)
def test_where_nothing_can_be_written_nothing_is_judged(tmp_path: Path, out: str, picture: str | None, words: str):
    for folder in ("folder.csv", "folder.png"):
        (tmp_path / folder).mkdir()
    place = None if picture is None else tmp_path / picture
    with pytest.raises(InputError, match=words):
        score_file(file(tmp_path, ["0"] * 30), tmp_path / out, TableRequest(), ScoringConfig(), picture=place)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("layout", ["%Q", "%Y-%", "%-q"])
def test_a_layout_of_times_that_is_none_is_said(tmp_path: Path, layout: str):
    with TableFile(file(tmp_path, ["0"])) as table, pytest.raises(InputError, match="in the layout of times"):
        TableRequest(("hits",), time="fault", time_layout=layout).rows(table)


def test_a_layout_with_a_percent_sign_and_numbers_without_zeros_is_taken(tmp_path: Path):
    with TableFile(file(tmp_path, ["7%3 2024"])) as table:
        rows = TableRequest(("hits",), time="fault", time_layout="%-d%%%-m %Y").rows(table)
    assert rows.at_us is not None
    assert np.datetime64(int(rows.at_us[0]), "us") == np.datetime64("2024-03-07")


def test_a_column_that_differs_from_a_new_one_by_case_alone_is_refused(tmp_path: Path):
    path = tmp_path / "scores.csv"
    path.write_text("at,hits,Score\n" + "".join(f"{row},{row % 5},1\n" for row in range(50)), encoding="utf-8")
    request, out = TableRequest(("hits",), "at"), tmp_path / "out.csv"
    with pytest.raises(InputError, match="column `Score` already"):
        score_file(path, out, request, ScoringConfig())
    score_file(path, out, request, ScoringConfig(), prefix="y_")
    assert out.read_text(encoding="utf-8").startswith("at,hits,Score,y_score,y_p")


@pytest.mark.slow
def test_columns_without_values_infinities_and_names_of_any_script_are_drawn(tmp_path: Path):
    values = np.random.default_rng(0).normal(size=(100, 2))
    values[:, 1], values[50, 0] = np.nan, np.inf
    rows = Rows(values, ("조회수", "empty"), np.arange(100) * 60_000_000)
    draw(tmp_path / "out.png", rows, answer(rows, ScoringConfig("pca")))
    assert (tmp_path / "out.png").stat().st_size > 10_000
