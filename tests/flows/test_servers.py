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
from yeoul.errors import ConfigError, DamagedError, InputError, StateError, YeoulError
from yeoul.flows.servers.model import ModelConfig, Step
from yeoul.flows.servers.predict import Prediction, ServersConfig, predict
from yeoul.flows.servers.report import DETAIL_COLUMNS, require_places, write_prediction
from yeoul.flows.servers.saved import load, read_about, require_place
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
    assert any("not judged: 88,128 slots of the period behind that" in note for note in found.notes)
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


def test_a_kept_model_that_knows_what_came_later_says_so(folder: Path, tmp_path: Path):
    quick(folder, "2018-02", save=tmp_path / "model")
    later, inside = (predict(ServersConfig(folder, which, load=tmp_path / "model")) for which in ("2018-02", "2018-01"))
    said = "the model was fitted on slots of the period, or later ones: its labels know what came later"
    assert said not in later.notes
    assert said in inside.notes


@pytest.mark.parametrize("name", ["state.json", "state.npz"])
def test_one_flipped_bit_of_a_kept_model_is_noticed(folder: Path, tmp_path: Path, name: str):
    quick(folder, "2018-02", save=tmp_path / "model")
    path = tmp_path / "model" / "fitted" / name
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(DamagedError, match=rf"{name}` is damaged: it is not what was saved"):
        load(tmp_path / "model")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("rows", "many", "`rows` is missing, or of another kind"),
        ("config", None, "`config` is missing, or of another kind"),
        ("columns", {"INFO.Request": [1, 2]}, "`columns` has no five numbers for `INFO.Request`"),
        ("format", 99, "of a newer release"),
        ("format", 1, "of an older release"),
    ],
)
def test_what_is_said_of_a_kept_model_is_whole_or_refused(
    folder: Path, tmp_path: Path, name: str, value: object, said: str
):
    quick(folder, "2018-02", save=tmp_path / "model")
    path = tmp_path / "model" / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), name: value}))
    with pytest.raises(StateError, match=said):
        read_about(tmp_path / "model")


def test_a_save_that_was_cut_short_can_be_repeated(folder: Path, tmp_path: Path):
    quick(folder, "2018-02", save=tmp_path / "model")
    (tmp_path / "model" / "model.json").unlink()
    quick(folder, "2018-02", save=tmp_path / "model")
    assert load(tmp_path / "model")[1].rows == 31 * 288
    (tmp_path / "model" / "notes.txt").touch()
    (tmp_path / "model" / "model.json").unlink()
    with pytest.raises(InputError, match="holds other files"):
        require_place(tmp_path / "model")


def test_a_method_that_cannot_be_kept_is_refused_before_anything_is_read(tmp_path: Path):
    config = ServersConfig(tmp_path, model=ModelConfig("knn"), save=tmp_path / "model")
    with pytest.raises(ConfigError, match=r"got --save for the method `knn`.*choose `auto`"):
        predict(config)
    assert not (tmp_path / "model").exists()


def test_a_model_that_cannot_be_kept_leaves_the_one_that_is_there(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    quick(folder, "2018-02", save=tmp_path / "model")

    def refuse(*_: object) -> None:
        message = "cannot be kept as plain files"
        raise InputError(message)

    monkeypatch.setattr("yeoul.flows.servers.model.keep", refuse)
    for name in ("model", "new"):
        with pytest.raises(InputError, match="cannot be kept"):
            quick(folder, "2018-02", save=tmp_path / name)
    assert load(tmp_path / "model")[1].rows == 31 * 288
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_dir()) == ["fitted", "model"]


@pytest.mark.parametrize(
    ("places", "said"),
    [
        ({"--out": "/dev/null"}, "`/dev/null` for --out, which is a device or a pipe"),
        ({"--out": "x/../Media_MENU.csv"}, "for --out, which is one of the files that are read"),
        ({"--out": "o.svg", "--detail": "d.csv", "--plot": "o.svg"}, "for --out and --plot; name two files"),
        ({"--out": "o.csv", "--detail": "x/../o.csv"}, "for --out and --detail; name two files"),
        ({"--out": "."}, "which is a folder"),
        ({"--out": "Media_INFO.csv/o.csv"}, "--out: nothing can be written in"),
        ({"--out": "/proc/o.csv"}, "--out: nothing can be written in `/proc`"),
    ],
)
def test_a_place_that_no_result_can_go_to_is_refused_before_the_work(folder: Path, places: dict[str, str], said: str):
    with pytest.raises(YeoulError) as told:
        require_places(folder, {option: folder / place for option, place in places.items()})
    assert said in str(told.value)


@pytest.fixture(scope="module")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two months of four servers, of which the last one has empty cells before the 20th day."""
    place = tmp_path_factory.mktemp("joined")
    write_counters(place, CountersConfig(start="2018-01", months=2, servers=4, seed=3, faults_per_week=2))
    for path in place.glob("Media_*.csv"):
        lines = path.read_text().splitlines()
        late = [",".join(line.split(",")[:-4]) + ",,,," if line < "20180120" else line for line in lines]
        path.write_text("\n".join([lines[0], *late[1:]]) + "\n")
    return place


def test_a_server_that_joined_late_is_not_judged_and_does_not_hide_the_others(joined: Path):
    found = predict(ServersConfig(joined, "2018-02"))
    assert "not judged where read less than half as often as others in what was fitted on: server `4`" in found.notes
    assert found.judged.group_shares[:, 3].max() < 0.2
    labelled = {row["timestamp"] for row in rows_of(joined / "labels.csv") if row["label"] == "1"}
    hits = sum(stamp in labelled for stamp, one in zip(stamps(found.slots), found.label.tolist(), strict=True) if one)
    assert hits > 50


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
        (("{}", "--make", "--seed", "-1"), "seed: got `-1`; legal: 0 or more"),
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
    assert "training stage 1: 5%, loss" in done.stderr
    assert "training stage 2: 10%, loss" in done.stderr
    assert Path(picture).stat().st_size > 1000
    kept = (str(tmp_path), "--out", str(tmp_path / "q.csv"), "--period", "2018-01-04", "--load", model)
    assert "and --load of a model of the method `two-stage-lstm`" in run(*kept, "--method", "auto").stderr
    again = run(*kept)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "q.csv").read_bytes() == (tmp_path / "p.csv").read_bytes()
