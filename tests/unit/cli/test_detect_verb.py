"""`yeoul detect` says which columns were judged and by what, also where both were chosen for a person."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "hits.csv"
    lines = [f"{1_700_000_000 + 60 * row},{row % 7},text" for row in range(100)]
    path.write_text("at,hits,note\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_it_says_what_was_judged_and_by_what(file: Path):
    done = CliRunner().invoke(app, ["detect", str(file), "--time", "at"])
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("`hits` judged by `univariate`\n100 rows in")
    found = json.loads(CliRunner().invoke(app, ["detect", str(file), "--time", "at", "--json"]).stdout)
    assert (found["detector"], found["columns"]) == ("univariate", ["hits"])


def test_it_says_where_the_budget_would_allow_more_than_is_odd(file: Path):
    command = ["detect", str(file), "--time", "at", "--alarms-per-day"]
    assert "by the budget over 1,440 rows a day" in CliRunner().invoke(app, [*command, "1"]).stdout
    assert "p at or below 0.01, which is the most" in CliRunner().invoke(app, [*command, "1000"]).stdout


def test_a_comparison_that_should_write_is_refused(file: Path):
    done = CliRunner().invoke(app, ["detect", str(file), "--time", "at", "--compare", "pca", "--out", "x.csv"])
    assert "writes nothing" in str(done.exception)
