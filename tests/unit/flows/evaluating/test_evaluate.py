"""Labelled tables read and detectors measured on them: files in, measures out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.detect.tables import ScoringConfig
from yeoul.errors import ConfigError, InputError, YeoulError
from yeoul.flows.evaluating import EvaluationConfig, LabelledRequest, as_columns, evaluate, read_series, widest
from yeoul.flows.scoring import TableRequest
from yeoul.lake import TableFile

ROWS, STEP_S, BEGIN = 600, 300, 1_700_000_100
EVENTS = ((400, 412), (520, 526))
NUMBERS = TableRequest(("value",), "at", "", "label")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Noise with two events that stand out; a perfect score and one that is silent at first."""
    rng = np.random.default_rng(0)
    value, label = rng.normal(100, 5, ROWS), np.zeros(ROWS, int)
    for begin, end in EVENTS:
        value[begin:end] += 80
        label[begin:end] = 1
    lines = ["at,value,label,exact,p,confidence"]
    for row in range(ROWS):
        confidence = int(row >= 100)
        p = 1e-7 if label[row] else 0.5
        lines.append(f"{BEGIN + STEP_S * row},{value[row]:.3f},{label[row]},{label[row]},{p},{confidence}")
    path = tmp_path / "cpu.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def measured(file: Path, request: LabelledRequest, *detectors: str, **options: Any) -> list[Any]:
    return evaluate(read_series([file], request), EvaluationConfig(detectors, window=20, **options))


def test_a_score_that_is_the_label_has_the_best_of_everything(file: Path) -> None:
    (one,) = measured(file, LabelledRequest(NUMBERS, scores="exact", p="p"))
    assert {name: result.score for name, result in one.nab.items()} == pytest.approx(
        {"standard": 100, "low FP": 100, "low FN": 100}
    )
    assert (one.ranking["auc_pr"], one.ranking["auroc"], one.delay_s) == (1, 1, 0)
    assert one.ranking["vus_pr"] > 0.8
    assert (one.events.found, one.events.false_alarms) == (2, 0)
    # the rows of which nothing is said (confidence 0) do not count
    assert [(level.level, level.rows, level.alarms) for level in one.calibration] == [(1e-3, 482, 0), (1e-4, 482, 0)]


def test_p_alone_ranks_as_well(file: Path) -> None:
    (one,) = measured(file, LabelledRequest(NUMBERS, p="p"))
    assert one.ranking["auroc"] == 1


def test_detectors_are_measured_on_the_rows_behind_those_that_one_is_fitted_on(file: Path) -> None:
    alone = measured(file, LabelledRequest(NUMBERS), "univariate")[0]
    beside, pca = measured(file, LabelledRequest(NUMBERS), "univariate", "pca", scoring=ScoringConfig(fit=450))
    assert len(alone.events.delays) == 2
    assert len(beside.events.delays) == len(pca.events.delays) == 1
    assert beside.calibration[0].rows == pca.calibration[0].rows == 150 - 6
    assert pca.nab["standard"].score > 80


def test_scores_that_are_there_are_measured_on_the_same_rows_as_detectors(file: Path) -> None:
    request, scoring = LabelledRequest(NUMBERS, scores="exact", p="p"), ScoringConfig(fit=450)
    given, pca = measured(file, request, "pca", scoring=scoring)
    assert len(given.events.delays) == len(pca.events.delays) == 1
    assert given.calibration[0].rows == pca.calibration[0].rows


def test_an_event_above_false_alarms_that_are_one_in_a_million_too_is_found(tmp_path: Path) -> None:
    """Both have the score 1; the event is odder by far."""
    value, label = np.random.default_rng(1).normal(100, 3, 3000), np.zeros(3000, int)
    value[1500:2900:140] += 40
    value[2950:2953] += 300
    label[2950:2953] = 1
    path = tmp_path / "cpu.csv"
    lines = [f"{BEGIN + STEP_S * row},{value[row]:.3f},{label[row]}" for row in range(3000)]
    path.write_text("\n".join(["at,value,label", *lines]) + "\n", encoding="utf-8")
    (one,) = measured(path, LabelledRequest(NUMBERS), "seasonal", scoring=ScoringConfig(alarms_per_day=0.1))
    assert one.events.found == 1
    assert one.events.limit > 6


def test_windows_of_nab_stand_for_labels(file: Path, tmp_path: Path) -> None:
    iso = np.datetime64(BEGIN, "s")
    pairs = [[str(iso + STEP_S * begin), f"{iso + STEP_S * (end - 1)}Z"] for begin, end in EVENTS]
    windows = tmp_path / "windows.json"
    windows.write_text(json.dumps({"other/cpu.csv": [], f"{tmp_path.name}/cpu.csv": pairs}), encoding="utf-8")
    (series,) = read_series([file], LabelledRequest(TableRequest(("value",), "at"), windows))
    assert series.windows == EVENTS
    assert np.flatnonzero(series.labels).tolist() == [*range(400, 412), *range(520, 526)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "no file of windows"),
        ('{"cpu.csv": [["now", "then"]]}', "no file of windows"),
        ('{"disk.csv": []}', "no windows for"),
        ('{"cpu.csv": [["2020-01-01", "2020-01-02"]]}', "no row is in"),
    ],
)
def test_windows_that_say_nothing_of_the_file_are_refused(file: Path, tmp_path: Path, text: str, message: str) -> None:
    windows = tmp_path / "windows.json"
    windows.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_series([file], LabelledRequest(TableRequest(("value",), "at"), windows))


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (LabelledRequest(TableRequest(("value",), "at")), "no labels"),
        (LabelledRequest(TableRequest(("value",)), Path("windows.json")), "without times"),
        (LabelledRequest(NUMBERS, p="value"), "p from 0 to 1"),
        (LabelledRequest(TableRequest(("value",), "at"), Path("none.json")), "cannot be read"),
    ],
)
def test_what_cannot_be_measured_is_refused(file: Path, request_: LabelledRequest, message: str) -> None:
    with pytest.raises(YeoulError, match=message):
        read_series([file], request_)


def test_legal_configurations_only() -> None:
    for wrong in ({"window": -1}, {"detectors": ("pca", "pca")}):
        with pytest.raises(ConfigError):
            EvaluationConfig(**wrong)  # type: ignore[arg-type]  # one of each kind


@pytest.mark.slow
def test_rows_without_times_have_no_events(file: Path) -> None:
    (one,) = measured(file, LabelledRequest(TableRequest(("value",), label="label")), "hbos")
    assert (one.nab, one.events) == (None, None)
    assert np.isnan(one.ranking["vus_pr"])
    assert one.ranking["auroc"] > 0.9


def test_each_key_is_a_series_and_all_share_the_budget(file: Path, tmp_path: Path) -> None:
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    both = tmp_path / "both.csv"
    rows = [f"{line},{host}" for line in lines for host in ("a", "b")]
    both.write_text("\n".join([f"{head},host", *rows]) + "\n", encoding="utf-8")
    request = LabelledRequest(TableRequest(("value",), "at", "host", "label"), scores="exact")
    series = read_series([both], request)
    assert [(one.name, one.keys, one.rows_per_day) for one in series] == [
        ("both.csv a", 2, 288.0),
        ("both.csv b", 2, 288.0),
    ]
    columns = as_columns(evaluate(series, EvaluationConfig(())))
    assert set(columns["series"]) == {"", "both.csv a", "both.csv b"}


def test_the_verb_prints_a_table_and_writes_all_figures(file: Path, tmp_path: Path) -> None:
    out = tmp_path / "figures.csv"
    names = ["--label", "label", "--time", "at", "--values", "value", "--scores", "exact", "--p", "p"]
    command = ["evaluate", str(file), *names, "--detector", "univariate", "--window", "20", "--out", str(out)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    table = [line.split() for line in done.stdout.splitlines()]
    assert table[0] == ["1", "series,", "600", "rows,", "18", "of", "them", "abnormal"]
    assert table[1][:3] == ["detector", "NAB", "low"]
    assert [row[0] for row in table[2:4]] == ["given", "univariate"]
    assert table[2][1:4] == ["100.00"] * 3
    with TableFile(out) as figures:
        assert figures.columns == ("detector", "series", "measure", "value")
    found = json.loads(CliRunner().invoke(app, [*command[:-2], "--json"]).stdout)
    assert (found["rows"], found["labelled_rows"], len(found["detectors"])) == (600, 18, 2)
    assert found["detectors"][0]["events"]["delay_s"] == 0


def test_a_series_with_too_few_rows_is_named(file: Path, tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    short.write_text("\n".join(file.read_text(encoding="utf-8").splitlines()[:11]) + "\n", encoding="utf-8")
    series = read_series([file, short], LabelledRequest(NUMBERS))
    with pytest.raises(InputError, match=r"the series `short.csv` of 10 rows: got `3` rows to fit on"):
        evaluate(series, EvaluationConfig(("pca",)))


def test_files_that_are_called_the_same_are_measured_each(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "other" / file.name
    other.parent.mkdir()
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    # the score that is the label here is its opposite there
    turned = [",".join([*cells[:3], str(1 - int(cells[3])), *cells[4:]]) for cells in (x.split(",") for x in lines)]
    other.write_text("\n".join([head, *turned]) + "\n", encoding="utf-8")
    series = read_series([file, other], LabelledRequest(NUMBERS, scores="exact"))
    (one,) = evaluate(series, EvaluationConfig(()))
    assert one.ranking["auroc"] == 0.5
    assert [one.each[str(path)]["auroc"] for path in (file, other)] == [1, 0]


def test_a_file_that_is_named_twice_is_refused(file: Path) -> None:
    with pytest.raises(InputError, match="twice; name each once"):
        read_series([file, file.parent / "." / file.name], LabelledRequest(NUMBERS))


def test_a_window_wider_than_half_a_series_is_refused_and_by_default_none_is(file: Path) -> None:
    series = read_series([file], LabelledRequest(NUMBERS, scores="exact"))
    with pytest.raises(InputError, match=r"at most half of a series, which for `cpu.csv` of 600 rows is 300"):
        evaluate(series, EvaluationConfig((), window=301))
    assert widest(series, EvaluationConfig(())) == 100
    assert widest([replace(series[0], table=series[0].table.part(0, 50))], EvaluationConfig(())) == 25


def test_the_verb_names_keys_that_are_too_short_and_labels_that_say_nothing(file: Path, tmp_path: Path) -> None:
    head, *lines = file.read_text(encoding="utf-8").splitlines()
    keyed = tmp_path / "keyed.csv"
    rows = [f"{line},{'new' if row < 10 else 'old'}" for row, line in enumerate(lines[:390])]
    keyed.write_text("\n".join([f"{head},host", *rows]) + "\n", encoding="utf-8")
    names = ["--label", "label", "--time", "at", "--values", "value", "--by", "host", "--detector", "pca"]
    done = CliRunner().invoke(app, ["evaluate", str(keyed), *names])
    assert done.exit_code == 0, done.output
    assert "too few rows to be measured: `keyed.csv new`" in done.stderr
    assert "no row is abnormal" in done.stderr


def test_figures_are_not_written_to_a_folder_that_is_not_there(file: Path, tmp_path: Path) -> None:
    names = ["--label", "label", "--time", "at", "--values", "value", "--out", str(tmp_path / "nowhere" / "out.csv")]
    done = CliRunner().invoke(app, ["evaluate", str(file), *names])
    assert "whose folder is not there" in str(done.exception)
    assert not (tmp_path / "nowhere").exists()
