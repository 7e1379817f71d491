"""What is fitted when, what a row may know, how raw scores become p, and what is put beside a table's rows."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from yeoul.detect.tables import SCORERS, Rows, Scores, ScoringConfig, Table, Traits, answer, detect, score_table
from yeoul.errors import ConfigError, InputError

STEP_US = 300_000_000


class Distance:
    """Distance from the median of what was fitted, per column; notes what it was given."""

    name: ClassVar[str] = "distance"
    traits: ClassVar[Traits] = Traits()
    fits: ClassVar[list[int]] = []

    def __init__(self, seed: int = 0, power: int = 1) -> None:
        self.power = power

    def fit(self, table: Table) -> Any:
        self.fits.append(len(table))
        self._middle = np.nanmedian(table.values, axis=0)
        return np.abs(table.values - self._middle).max(axis=1)

    def score(self, table: Table, start: int) -> Scores:
        values = table.values[start:]
        off = np.abs(values - self._middle) ** self.power
        raw = off.max(axis=1)
        expected = np.broadcast_to(self._middle, values.shape)
        return Scores(raw, expected=expected, lower=expected - 3, upper=expected + 3, contributions=np.nan_to_num(off))


class Unordered(Distance):
    name: ClassVar[str] = "unordered"
    traits: ClassVar[Traits] = Traits(ordered=False)


class Single(Distance):
    name: ClassVar[str] = "single"
    traits: ClassVar[Traits] = Traits(most_columns=1)


class Taught(Distance):
    name: ClassVar[str] = "taught"
    traits: ClassVar[Traits] = Traits(supervised=True)


@pytest.fixture(autouse=True)
def made_scorers(monkeypatch: pytest.MonkeyPatch) -> None:
    for kind in (Distance, Unordered, Single, Taught):
        # resolved as outsiders' are: by a reference to a class
        monkeypatch.setitem(SCORERS, kind.name, kind)
    monkeypatch.setattr("yeoul.plugins.load", lambda reference: reference)
    Distance.fits.clear()


def series(rows: int, columns: int = 1, seed: int = 0) -> Table:
    values = np.random.default_rng(seed).normal(size=(rows, columns))
    return Table(values, tuple(f"c{i}" for i in range(columns)), np.arange(rows) * STEP_US)


def test_fitted_rows_say_nothing_and_it_is_fitted_again_when_history_has_doubled():
    scored = score_table(series(1000), ScoringConfig("distance", fit=0.1))
    assert Distance.fits == [100, 200, 400, 800]
    assert (scored.p[:100] == 1).all()
    assert (scored.confidence[:100] == 0).all()
    assert (scored.score[:100] == 0).all()
    assert scored.confidence[100] == pytest.approx(100 / 180)
    assert (np.diff(scored.confidence[100:]) > 0).all()


def test_what_was_odd_does_not_teach_unless_it_is_what_is_usual_now():
    table = series(1000)
    table.values[150] += 100
    table.values[700] += 100
    once = score_table(table, ScoringConfig("distance", fit=0.1))
    assert (once.p[[150, 700]] <= 1e-6).all()
    table.values[100:300] += 100
    shifted = score_table(table, ScoringConfig("distance", fit=0.1))
    assert np.median(shifted.p[250:300]) > np.median(shifted.p[100:150])


@pytest.mark.parametrize(("fit", "rows"), [(0.5, 500), (0.25, 250), (300, 300)])
def test_what_is_fitted_first_is_a_share_or_a_number_of_rows(fit: float, rows: int):
    score_table(series(1000), ScoringConfig("distance", fit=fit))
    assert Distance.fits[0] == rows


def test_a_row_is_judged_by_earlier_rows_alone_unless_in_batch_mode():
    whole, part = series(1000), series(1000).part(0, 700)
    late, early = (score_table(table, ScoringConfig("distance", fit=0.1 * 1000)) for table in (whole, part))
    np.testing.assert_array_equal(late.p[:700], early.p)
    Distance.fits.clear()
    batch = score_table(whole, ScoringConfig("distance", mode="batch"))
    assert Distance.fits == [1000]
    assert (batch.confidence > 0).all()


def test_a_score_means_the_same_whatever_the_unit():
    table = series(4000)
    one, thousand = table, Table(table.values * 1000, table.columns, table.at_us)
    p = [score_table(each, ScoringConfig("distance")).p for each in (one, thousand)]
    np.testing.assert_allclose(*p, rtol=1e-6)
    rate = np.mean(p[0][1200:] <= 0.01)
    assert 0.003 < rate < 0.03


def test_without_times_a_row_is_compared_with_all_rows():
    table = Table(np.arange(99.0)[:, None], ("n",))
    scored = score_table(table, ScoringConfig("unordered"))
    assert Distance.fits == [99]
    assert scored.p.min() == pytest.approx(0.02)  # the two ends are as far away as each other
    assert scored.p[49] == pytest.approx(0.99)


@pytest.mark.parametrize(
    ("table", "config", "words"),
    [
        (Table(np.zeros((50, 1)), ("n",)), ScoringConfig("distance"), "name their column by --time"),
        (series(50, 2), ScoringConfig("single"), "`single` takes 1"),
        (series(50), ScoringConfig("taught"), "name their column by --label"),
        (series(50), ScoringConfig("distanc"), "did you mean `distance`?"),
    ],
)
def test_a_detector_that_a_table_is_nothing_for_says_what_to_do(table: Table, config: ScoringConfig, words: str):
    with pytest.raises(ConfigError) as error:
        score_table(table, config)
    assert words in str(error.value)


def test_too_few_rows_and_impossible_settings_are_refused():
    with pytest.raises(InputError, match="needs at least 20"):
        score_table(series(30), ScoringConfig("distance"))
    with pytest.raises(ConfigError) as error:
        ScoringConfig(fit=-1, mode="never", alarms_per_day=0)
    assert len(error.value.problems) == 3


def test_rows_without_values_teach_nothing_and_too_few_others_are_refused():
    table = series(1000)
    table.values[19:300] = np.nan
    with pytest.raises(InputError, match="got `19` rows with a value among the 300 to fit on; `distance` needs"):
        score_table(table, ScoringConfig("distance"))
    table.values[19] = 0.0
    assert (score_table(table, ScoringConfig("distance")).confidence > 0).any()


def test_a_fit_on_all_rows_leaves_none_to_judge_and_is_refused():
    with pytest.raises(InputError, match="none is left to judge"):
        score_table(series(100), ScoringConfig("distance", fit=5000))


def test_rows_without_columns_are_refused():
    with pytest.raises(InputError, match="no column of values"):
        answer(Rows(np.zeros((30, 0)), ()), ScoringConfig("unordered"))


def test_where_all_times_are_equal_the_budget_is_for_the_whole_table():
    table = series(400)
    found = answer(Rows(table.values, table.columns, np.zeros(400, np.int64)), ScoringConfig("distance"))
    assert found.threshold == pytest.approx(1 / 400)


def test_what_happens_once_in_a_hundred_rows_is_no_alarm_however_large_the_budget():
    table = series(2000)
    daily = Rows(table.values, table.columns, np.arange(2000) * 86_400_000_000)
    found = answer(daily, ScoringConfig("distance", alarms_per_day=1))
    assert found.threshold == 0.01
    assert 0 < found.columns["alarm"].sum() < 30


@pytest.mark.parametrize("at", [[0.0, None], [0.0, float("nan")]])
def test_a_frame_with_an_empty_time_is_refused(at: list[float | None]):
    with pytest.raises(InputError, match="a time in each row"):
        detect(pd.DataFrame({"at": at, "hits": [1.0, 2.0]}), time="at", values="hits")


def rows_of(keys: int, count: int) -> Rows:
    """Interleaved series, newest first, each with its own level and one burst."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=(count, keys)) + 100 * np.arange(keys)
    values[count - 5] += 60
    at_us = np.repeat(np.arange(count) * STEP_US, keys)
    names = np.tile([f"k{i}" for i in range(keys)], count).astype(object)
    return Rows(values.reshape(-1, 1)[::-1], ("n",), at_us[::-1], names[::-1])


def test_each_key_is_a_series_of_its_own_whatever_the_order_of_rows():
    rows = rows_of(3, 400)
    found = answer(rows, ScoringConfig("distance"))
    assert (found.keys, found.ticks_per_day) == (3, 288)
    assert found.threshold == pytest.approx(1 / (288 * 3))
    columns = found.columns
    assert rows.keys is not None
    burst = np.flatnonzero(rows.at_us == 395 * STEP_US)
    assert columns["alarm"][burst].all()
    assert columns["alarm"].sum() <= 3 + 4
    for row in burst:
        level = 100 * int(rows.keys[row][1:])
        assert columns["expected"][row] == pytest.approx(level, abs=0.5)
        assert columns["why"][row].startswith("n ")
        assert " is above " in columns["why"][row]
    quiet = columns["p"] > 0.1
    assert set(columns["why"][quiet]) == {""}


def test_without_times_keys_of_fewer_than_twenty_rows_are_left_out_before_anything_is_fitted():
    values, keys = np.random.default_rng(0).normal(size=(400, 1)), np.array([f"k{row}" for row in range(400)], object)
    with pytest.raises(InputError, match="got `400` keys, none of which can be judged: got `1` rows"):
        answer(Rows(values, ("n",), None, keys), ScoringConfig("unordered"))
    keys[:300] = "many"
    found = answer(Rows(values, ("n",), None, keys), ScoringConfig("unordered"))
    assert Distance.fits == [300]
    assert len(found.short) == 100
    assert (found.columns["confidence"] > 0).tolist() == [True] * 300 + [False] * 100


def test_without_times_a_row_is_compared_with_the_rows_of_all_keys():
    values = np.random.default_rng(0).normal(size=(1000, 1))
    values[77] = 50.0
    keys = np.array([f"k{row % 10}" for row in range(1000)], object)
    found = answer(Rows(values, ("n",), None, keys), ScoringConfig("unordered"))
    assert np.flatnonzero(found.columns["alarm"]).tolist() == [77]
    assert found.columns["p"][77] == pytest.approx(1 / 1001)


def test_a_key_with_too_few_rows_is_named_and_the_others_are_judged():
    rows = rows_of(2, 400)
    assert rows.keys is not None
    rows.keys[:10] = "new"
    found = answer(rows, ScoringConfig("distance"))
    assert found.short == ("new",)
    assert (found.columns["confidence"][:10] == 0).all()
    assert (found.columns["confidence"][200:] > 0).any()


@pytest.mark.parametrize("shuffled", [False, True])
def test_keys_that_share_their_times_are_judged_together_and_later_rows_change_nothing(
    monkeypatch: pytest.MonkeyPatch, shuffled: bool
):
    monkeypatch.undo()  # the real detectors
    rows = rows_of(20, 300)
    config = ScoringConfig("seasonal")
    whole = answer(rows, config).columns
    burst = np.flatnonzero(rows.at_us == 295 * STEP_US)
    assert (whole["p"][burst] < 0.01).mean() > 0.5
    order = np.arange(len(rows.values))
    if shuffled:
        order = np.random.default_rng(1).permutation(order)
    early = order[rows.at_us[order] < 250 * STEP_US]
    assert rows.keys is not None
    part = Rows(rows.values[early], rows.columns, rows.at_us[early], rows.keys[early])
    np.testing.assert_array_equal(answer(part, config).columns["p"], whole["p"][early])


def test_neither_threshold_nor_what_is_judged_together_is_changed_by_later_rows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()  # the real detectors
    early, rng = rows_of(6, 200), np.random.default_rng(0)
    assert early.at_us is not None
    assert early.keys is not None
    # later no two keys share a time, and rows are a hundredth as far apart
    later = early.at_us.max() + np.arange(1, 2001) * (STEP_US // 100)
    names = np.array([f"k{key}" for key in rng.integers(0, 6, 2000)], object)
    whole = Rows(
        np.concatenate([early.values, rng.normal(size=(2000, 1))]),
        early.columns,
        np.concatenate([early.at_us, later]),
        np.concatenate([early.keys, names]),
    )
    config = ScoringConfig("novelty")
    before, after = answer(early, config), answer(whole, config)
    assert after.threshold == before.threshold
    for name in ("p", "confidence", "alarm"):
        np.testing.assert_array_equal(after.columns[name][:1200], before.columns[name])


def test_of_several_columns_the_shares_say_who_carries_the_oddness():
    table = series(400, 3, seed=5)
    table.values[380, 1] += 50
    found = answer(Rows(table.values, table.columns, table.at_us), ScoringConfig("distance")).columns
    assert found["leading"][380] == "c1"
    assert found["share_c1"][380] > 0.9
    assert found["why"][380].startswith("c1 ")
    assert "carried by c1" in found["why"][380]
    assert found["share_c0"][200:].max() <= 1
    assert np.isnan(found["share_c0"][:120]).all()


@pytest.mark.parametrize("name", ["pca", "ensemble"])
def test_an_absurd_number_is_the_oddest_and_breaks_nothing(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.undo()  # the real detectors
    table = series(300)
    table.values[200] = 1e300
    scored = score_table(table, ScoringConfig(name))
    assert int(np.argmin(scored.p)) == 200
    assert scored.p[200] < 1e-4
    assert np.median(scored.p[201:]) > 0.1


def test_missing_values_are_concluded_nothing_from():
    table = series(300)
    table.values[250] = np.inf
    found = answer(Rows(table.values, table.columns, table.at_us), ScoringConfig("distance")).columns
    assert (found["p"][250], found["confidence"][250], found["alarm"][250]) == (1, 0, False)


@pytest.mark.parametrize("kind", [pd.DataFrame, pl.DataFrame, pa.table])
@pytest.mark.parametrize("times", ["numbers", "texts", "datetimes"])
def test_a_data_frame_of_any_kind_comes_back_with_the_columns_behind_its_own(kind: Any, times: str):
    at: Any = np.arange(200) * 300 + 1_700_000_000
    if times != "numbers":
        at = pd.to_datetime(at, unit="s")
        at = at.strftime("%Y-%m-%d %H:%M:%S").tolist() if times == "texts" else at.to_pydatetime().tolist()
    values = np.random.default_rng(0).normal(size=200)
    values[190] = 30
    frame = kind({"at": at, "n": values})
    found = detect(frame, time="at", values="n", config=ScoringConfig("distance", alarms_per_day=0.01))
    assert type(found) is type(frame)
    columns = list(found.column_names if kind is pa.table else found.columns)
    assert columns == ["at", "n", "score", "p", "expected", "lower", "upper", "alarm", "confidence", "why"]
    alarm = np.asarray(found["alarm"].to_pylist() if kind is pa.table else found["alarm"])
    assert np.flatnonzero(alarm).tolist() == [190]


def test_a_frame_without_the_column_is_refused():
    with pytest.raises(InputError, match="did you mean `hits`"):
        detect(pd.DataFrame({"hits": [1.0]}), values="hit")
    with pytest.raises(InputError, match="legal: numbers"):
        detect(pd.DataFrame({"hits": ["x"]}), values="hits")
    with pytest.raises(InputError, match="without rows"):
        detect(pd.DataFrame({"hits": np.zeros(0)}), values="hits")
