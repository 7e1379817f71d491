"""`yeoul servers`: four files in; a label for each slot, a detailed file, a picture and a model that is kept, out."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from yeoul.demo.counters import CountersConfig, write_counters
from yeoul.errors import InputError
from yeoul.flows.servers.model import ModelConfig, Step
from yeoul.flows.servers.predict import Prediction, ServersConfig, predict
from yeoul.flows.servers.report import DETAIL_COLUMNS, write_prediction
from yeoul.flows.servers.stamps import stamps


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of two servers with faults."""
    place = tmp_path_factory.mktemp("counters")
    write_counters(place, CountersConfig(start="2018-01", months=2, servers=2, seed=3, faults_per_week=2))
    return place


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "yeoul.cli", "servers", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=110)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _cut(folder: Path, day: str) -> None:
    """Leave out what comes from a day on."""
    for path in folder.glob("Media_*.csv"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if line < day or line.startswith("Time")))


def quick(folder: Path, period: str | None = None, **options: object) -> Prediction:
    """By a method that takes a moment."""
    return predict(ServersConfig(folder, period, ModelConfig("pca"), **options))  # type: ignore[arg-type] - a test's


def test_a_year_has_a_row_for_each_slot_though_the_files_have_a_part_of_it(folder: Path, tmp_path: Path):
    found = quick(folder)
    write_prediction(found, tmp_path / "p.csv", tmp_path / "d.csv")
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert lines[0] == "timestamp,label"
    assert len(lines) - 1 == 105_120
    assert lines[1].startswith("20180101_0000-0005,")
    assert lines[-1] == "20181231_2355-0000,0"
    assert any("88,128 slots of the period behind are not judged" in note for note in found.notes)
    assert any("the last calendar year in the files" in note for note in found.notes)
    assert any("fitted on everything" in note for note in found.notes)
    detail = rows_of(tmp_path / "d.csv")
    assert tuple(detail[0]) == DETAIL_COLUMNS
    assert [row["timestamp"] for row in detail[:: 288 * 7]] == stamps(found.slots)[:: 288 * 7]
    assert detail[-1]["p"] == "1"
    assert detail[-1]["filled"] == "1"
    assert {row["label"] for row in detail} == {"0", "1"}


def test_what_lies_before_the_period_is_what_is_learnt(folder: Path):
    found = quick(folder, "2018-02")
    assert len(found.label) == 28 * 288
    assert found.saved.span == "20180101_0000-0005 to 20180131_2355-0000"
    assert any("fitted on what lies before the period" in note for note in found.notes)


def test_later_slots_change_no_earlier_label(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "cut")
    _cut(tmp_path / "cut", "20180215")
    whole, cut = quick(folder, "2018-02"), quick(tmp_path / "cut", "2018-02")
    assert np.allclose(whole.judged.p[: 14 * 288], cut.judged.p[: 14 * 288])
    assert cut.judged.p[14 * 288 :].min() == 1


def test_a_gap_in_all_files_is_reported_filled_and_labelled_as_asked(folder: Path, tmp_path: Path):
    shutil.copytree(folder, tmp_path / "gap")
    for path in (tmp_path / "gap").glob("Media_*.csv"):
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(line for line in lines if not line.startswith("20180210")))
    found = quick(tmp_path / "gap", "2018-02", gap_label=1)
    day = slice(9 * 288, 10 * 288)
    assert found.label[day].min() == 1
    assert found.judged.p[day].min() == 1
    assert found.confidence[day].max() == 0
    assert any(gap.startswith("20180210_0000-0005 to 20180210_2355-0000") for gap in found.gaps)
    assert quick(tmp_path / "gap", "2018-02").label[day].max() == 0


def test_so_many_of_so_many_slots(folder: Path):
    one, two = quick(folder, "2018-02", alarms_per_day=2), quick(folder, "2018-02", alarms_per_day=2, persist=(2, 3))
    alarm = one.label == 1
    before = np.concatenate([[False, False], alarm])
    wanted = alarm & (before[1:-1] | before[:-2])
    assert np.array_equal(two.label == 1, wanted)
    assert 0 < two.label.sum() < one.label.sum()


def test_a_kept_model_says_the_same_without_training(folder: Path, tmp_path: Path):
    told: list[Step] = []
    first = quick(folder, "2018-02", save=tmp_path / "model")
    again = predict(ServersConfig(folder, "2018-02", load=tmp_path / "model"), told.append)
    assert np.array_equal(first.judged.p, again.judged.p)
    assert {step.what for step in told} == {"reading", "judging"}
    assert [path.suffix for path in sorted((tmp_path / "model").rglob("*.*"))] == [".json", ".npz", ".json"]
    other = tmp_path / "other"
    write_counters(other, CountersConfig(start="2018-01", months=1, servers=3))
    with pytest.raises(InputError, match=r"the model knows other servers: they have `INFO\.3_Request`"):
        predict(ServersConfig(other, load=tmp_path / "model"))


def test_one_server_without_a_number(tmp_path: Path):
    write_counters(tmp_path, CountersConfig(start="2018-01", months=1, servers=1))
    found = quick(tmp_path, "2018-01-20..2018-01-31")
    assert found.columns[:4] == ("INFO.Request", "INFO.Success", "INFO.Fail", "INFO.Session")
    write_prediction(found, tmp_path / "p.csv", tmp_path / "d.csv")
    assert rows_of(tmp_path / "d.csv")[100]["servers"].startswith("1 ")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "got no DIR"),
        (("{}",), "got no --out"),
        (("{}", "--out", "o.csv", "--method", "windws"), "did you mean `windows`?"),
        (("{}", "--out", "o.csv", "--clean", "0.3"), "got options of `two-stage-lstm` (clean) for the method `auto`"),
        (("{}", "--out", "o.csv", "--period", "2016"), "of which the files have no row"),
        (("{}", "--out", "o.csv", "--persist", "3 of 2"), "persist: got `3 of 2`"),
        (("{}", "--out", "o.csv", "--gap-label", "2"), "gap_label: got `2`; legal: 0, 1"),
        (("{}", "--out", "o.csv", "--detail", "d.txt"), "legal endings: .csv, .parquet"),
        (("{}", "--out", "o.csv", "--plot", "d.pdf"), "legal endings: .png, .svg"),
        (("{}", "--out", "o.csv", "--load", "nowhere"), "which holds no saved model"),
        (("{}", "--out", "{}"), "which is a folder; name a file"),
        (("{}", "--make"), "has Media_INFO.csv, Media_LOGIN.csv"),
        (("--describe", "nowhere"), "which holds no saved model"),
    ],
)
@pytest.mark.slow
def test_a_mistake_is_a_sentence(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
):
    monkeypatch.chdir(tmp_path)
    done = run(*(word.format(folder) for word in words))
    assert said in done.stderr
    assert done.returncode in {1, 2}
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_made_up_files_are_written_judged_drawn_and_described(tmp_path: Path):
    made, out, model = tmp_path / "trial", tmp_path / "out" / "predict.csv", tmp_path / "model"
    options = ("--period", "2017-03", "--detail", str(tmp_path / "d.parquet"), "--plot", str(tmp_path / "p.png"))
    words = (str(made), "--make", "--months", "3", "--servers", "4", "--out", str(out), "--save", str(model))
    done = run(*words, *options, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["slots"] == 8928
    assert all(Path(path).stat().st_size > 1000 for path in told["files"])
    truth = {row["timestamp"]: row["label"] == "1" for row in rows_of(made / "labels.csv")}
    rows = rows_of(out)
    hits = sum(truth[row["timestamp"]] for row in rows if row["label"] == "1")
    # sessions take an hour or two to come back after a fault, which is labelled too
    assert hits > 0.6 * told["labelled"] > 50
    described = run("--describe", str(model))
    assert "LOGIN.4_Session" in described.stdout
    assert "fitted on what lies before the period" in described.stdout


@pytest.mark.slow
def test_the_published_recipe_is_a_method(tmp_path: Path):
    write_counters(tmp_path, CountersConfig(start="2018-01", months=1, servers=1))
    _cut(tmp_path, "20180105")
    words = (str(tmp_path), "--method", "two-stage-lstm", "--flag", "quantile:0.99", "--clean", "quantile:0.97")
    model, picture = str(tmp_path / "model"), str(tmp_path / "losses.png")
    done = run(*words, "--out", str(tmp_path / "p.csv"), "--period", "2018-01-04", "--save", model)
    assert done.returncode == 0, done.stderr
    assert len(rows_of(tmp_path / "p.csv")) == 288
    told = run("--describe", model, "--plot", picture)
    assert "loss, stage 2" in told.stdout
    assert Path(picture).stat().st_size > 1000
    again = run(str(tmp_path), "--out", str(tmp_path / "q.csv"), "--period", "2018-01-04", "--load", model)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "q.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()
