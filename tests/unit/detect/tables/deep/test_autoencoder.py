"""The two-stage autoencoder: what it finds, that it repeats itself, and that a saved model is the same model."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from yeoul.detect.tables import Table
from yeoul.detect.tables.deep.autoencoder import TwoStageAutoencoder, TwoStageConfig
from yeoul.errors import InputError, SourceError, StateError

pytestmark = pytest.mark.slow

SMALL = TwoStageConfig(units=(16, 8), epochs=12, second_units=(12, 6), second_epochs=12, batch=32, learning_rate=1e-2)
FITTED = 700


@pytest.fixture(scope="module")
def told() -> list[tuple[int, int, int, float]]:
    return []


@pytest.fixture(scope="module")
def model(series: Table, told: list[tuple[int, int, int, float]]) -> TwoStageAutoencoder:
    table = series.part(0, FITTED)
    values = table.values.copy()
    values[100:103], values[200, 0] = np.nan, np.nan
    return TwoStageAutoencoder(SMALL, 1, lambda *epoch: told.append(epoch)).fit(replace(table, values=values))


def test_what_leaves_the_pattern_has_the_largest_errors(model: TwoStageAutoencoder, series: Table):
    scores = model.score(series, FITTED)
    odd = np.argsort(scores.raw)[-5:] + FITTED
    assert set(odd) <= set(range(800, 809))
    assert scores.contributions is not None
    assert scores.contributions[801 - FITTED].argmax() == 1


def test_expected_values_are_in_the_units_of_the_table(model: TwoStageAutoencoder, series: Table):
    scores = model.score(series, FITTED)
    usual = np.r_[0:90, 120:200]
    assert np.abs(scores.expected - series.values[FITTED:])[usual].mean(axis=0) == pytest.approx([0, 0, 0], abs=15)
    assert (scores.lower <= scores.expected).all()
    assert (scores.expected <= scores.upper).all()
    inside = (series.values[FITTED:, :2] >= scores.lower[:, :2]) & (series.values[FITTED:, :2] <= scores.upper[:, :2])
    assert inside[usual].mean() > 0.9


def test_a_score_looks_at_no_later_row(model: TwoStageAutoencoder, series: Table):
    whole = model.score(series, 0).raw
    assert np.isnan(whole[:4]).all()
    assert np.isfinite(whole[4:]).all()
    assert np.array_equal(model.score(series.part(0, 750), 730).raw, whole[730:750])


def test_missing_values_and_missing_rows_are_told_apart(model: TwoStageAutoencoder, series: Table):
    values = series.values.copy()
    values[710, 0], values[720] = np.nan, np.nan
    raw = model.score(replace(series, values=values), FITTED).raw
    assert np.flatnonzero(np.isnan(raw)).tolist() == [20, 21, 22, 23, 24]


def test_the_same_seed_gives_the_same_scores_and_leaves_the_random_numbers_of_others_alone(series: Table):
    np.random.seed(0)  # noqa: NPY002 - the global generator is what this is about
    before = np.random.get_state()[1].tolist()  # noqa: NPY002 - as above
    short = TwoStageConfig(units=(6, 4), epochs=2, second_units=(4, 3), second_epochs=2, dropout=0.2, flag="p:0.001")
    one, other = (TwoStageAutoencoder(short, 5).fit(series.part(0, FITTED)) for _ in range(2))
    assert np.array_equal(one.held_out, other.held_out)
    assert np.array_equal(one.fit(series.part(0, FITTED)).held_out, other.held_out), "a second training is the same"
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002 - as above
    flags = one.flags(one.score(series, FITTED))
    assert flags[100:105].any()
    assert flags[:100].mean() <= 0.03


def test_every_epoch_is_told_and_its_loss_kept(model: TwoStageAutoencoder, told: list[tuple[int, int, int, float]]):
    assert [epoch for stage, epoch, _, _ in told if stage == 1] == [*range(1, len(model.history["stage 1"]) + 1)]
    assert {epochs for _, _, epochs, _ in told} == {12}
    assert [loss for stage, *_, loss in told if stage == 2] == model.history["stage 2"]
    assert model.history["stage 1"][-1] < model.history["stage 1"][0]


def test_a_fixed_threshold_flags_errors_above_it(model: TwoStageAutoencoder, series: Table):
    scores = model.score(series, 0)
    flags = model.flags(scores)
    assert not flags[:4].any()
    assert np.array_equal(flags[4:], scores.raw[4:] > 0.1)


def test_a_saved_model_is_the_same_model(model: TwoStageAutoencoder, series: Table, tmp_path: Path):
    folder = tmp_path / "models" / "servers"
    model.save(folder)
    model.save(folder)
    assert sorted(file.name for file in folder.iterdir()) == [
        "model.json",
        "numbers.npz",
        "stage1.keras",
        "stage2.keras",
    ]
    loaded = TwoStageAutoencoder.load(folder)
    assert np.array_equal(loaded.score(series, FITTED).raw, model.score(series, FITTED).raw)
    assert loaded.describe() == model.describe()
    assert json.loads((folder / "model.json").read_text())["columns"] == list(series.columns)


def test_other_columns_than_those_of_training_are_refused(model: TwoStageAutoencoder, series: Table):
    with pytest.raises(InputError, match="trained on wave, follower, constant"):
        model.score(replace(series, columns=("wave", "constant", "follower")), 0)


def test_a_folder_without_a_model_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match=r"model\.json"):
        TwoStageAutoencoder.load(tmp_path)


@pytest.mark.parametrize("name", ["model.json", "numbers.npz", "stage2.keras"])
def test_a_damaged_model_is_refused(model: TwoStageAutoencoder, tmp_path: Path, name: str):
    model.save(tmp_path)
    file = tmp_path / name
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(StateError, match="damaged"):
        TwoStageAutoencoder.load(tmp_path)


@pytest.mark.parametrize(
    ("member", "value", "said"),
    [("format", 99, "format 99"), ("method", "lstm", "model of `lstm`"), ("config", {"window": 0}, "damaged")],
)
def test_a_model_of_another_kind_is_refused(
    model: TwoStageAutoencoder, tmp_path: Path, member: str, value: object, said: str
):
    model.save(tmp_path)
    file = tmp_path / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {member: value}))
    with pytest.raises(StateError, match=said):
        TwoStageAutoencoder.load(tmp_path)


def test_too_few_rows_are_refused(series: Table):
    with pytest.raises(InputError, match="got `19` rows; windows of 5 rows are learnt from 20 rows"):
        TwoStageAutoencoder().fit(series.part(0, 19))


def test_a_model_that_was_not_trained_says_so(series: Table):
    for ask in (lambda model: model.score(series), lambda model: model.describe(), lambda model: model.save(Path("x"))):
        with pytest.raises(StateError, match="not trained"):
            ask(TwoStageAutoencoder())
