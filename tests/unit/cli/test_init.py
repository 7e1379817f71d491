"""`yeoul init`: a sample in, a workspace out that `replay` reads; nothing is overwritten by chance."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from yeoul.cli.app import app
from yeoul.demo import write_sample
from yeoul.errors import InputError
from yeoul.settings import load_workspace

runner = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_sample(tmp_path / "logs/player.ndjson", 2000, span_s=200)
    return tmp_path


def run(*words: str | Path) -> str:
    result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_it_says_what_it_found_and_the_next_two_commands(folder: Path):
    output = run("init", folder, "--sample", folder / "logs/player.ndjson")
    for part in ("JSON", "_source.logdate", "cpk", "base_mck", "sum(hit)", "eid", "of 2,000 lines count"):
        assert part in output
    assert f"yeoul check {folder}" in output
    assert f"yeoul replay {folder} --out {folder / 'out'}" in output
    assert "--timezone says it" in output


def test_the_next_two_commands_work(folder: Path):
    run("init", folder, "--sample", folder / "logs/player.ndjson", "--timezone", "Asia/Seoul")
    assert "all is well" in run("check", folder)
    run("replay", folder, "--out", folder / "out")
    total = json.loads((folder / "out/ledger.json").read_text())["player"]["total"]
    assert total["read"] == 2000
    assert total["counted"] > 1950
    assert (folder / "out/windows.ndjson").stat().st_size > 0


def test_a_rotated_sample_is_replayed_with_its_siblings(tmp_path: Path):
    for number in (1, 2):
        write_sample(tmp_path / f"logs/app.log.{number}", 500, seed=number, span_s=60)
    run("init", tmp_path, "--sample", tmp_path / "logs/app.log.1")
    assert load_workspace(tmp_path).plan().streams[0].source.pattern == "logs/app.log"  # type: ignore[union-attr]
    output = run("replay", tmp_path, "--out", tmp_path / "out")
    assert "read 1,000 rows" in output


def test_a_workspace_elsewhere_names_its_logs_by_their_whole_path(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
):
    other = tmp_path_factory.mktemp("other") / "new"
    answer = json.loads(run("init", other, "--sample", folder / "logs/player.ndjson", "--json"))
    assert answer["path"] == str(folder / "logs/player.ndjson")
    assert answer["splits"] == [str(folder / "logs/player.ndjson")]
    assert load_workspace(other)


def test_the_answer_for_machines_says_what_was_chosen(folder: Path):
    answer = json.loads(run("init", folder, "--sample", folder / "logs/player.ndjson", "--json", "--keys", "uid"))
    assert answer["keys"] == {"uid": "_source.@fields.params.uid"}
    assert answer["event_time"]["path"] == "_source.logdate"
    assert answer["tried"]["read"] == answer["samples"][0]["lines"] == 2000
    assert answer["file"] == str(folder / "yeoul.toml")


def test_a_key_that_never_repeats_is_noted(tmp_path: Path):
    lines = [f'{{"at": "2026-03-02T11:00:{i % 60:02}Z", "user": "u{i % 7}", "path": "/seg/{i}"}}\n' for i in range(100)]
    (tmp_path / "cdn.log").write_text("".join(lines))
    output = run("init", tmp_path, "--sample", tmp_path / "cdn.log")
    assert "note: nearly every line has another path" in output
    output = run("init", tmp_path, "--sample", tmp_path / "cdn.log", "--keys", "user", "--force")
    assert "nearly every line" not in output
    assert "user = user: 7 values" in output
    assert "rows may come 1m out of order" in output


def test_a_file_that_is_there_is_only_replaced_by_force(folder: Path):
    own = folder / "yeoul.toml"
    own.write_text("# mine\n")
    with pytest.raises(InputError, match="--force replaces it"):
        run("init", folder, "--sample", folder / "logs/player.ndjson")
    assert own.read_text() == "# mine\n"
    run("init", folder, "--sample", folder / "logs/player.ndjson", "--force")
    assert "[stream.player]" in own.read_text()


def test_a_bad_sample_leaves_nothing_behind(tmp_path: Path):
    with pytest.raises(InputError, match="is not there"):
        run("init", tmp_path / "new", "--sample", tmp_path / "no.log")
    assert not (tmp_path / "new").exists()


def test_a_file_is_no_folder_to_work_in(folder: Path):
    with pytest.raises(InputError, match="which is a file"):
        run("init", folder / "logs/player.ndjson", "--sample", folder / "logs/player.ndjson")


def test_a_sample_is_required():
    result = runner.invoke(app, ["init", "somewhere"])
    assert result.exit_code == 2
    assert "--sample" in result.output
