"""The documentation is true: its code blocks run, its links lead somewhere.

- `python` blocks of one page run in order in one namespace, in an empty folder; a block with `>>>` is a doctest.
- `sh` blocks under a `<!-- run -->` line run too, in the page's folder; `yeoul` is on the PATH.
- `toml` and `json` blocks must parse.
- `<!-- skip: REASON -->` above a block leaves it out; `<!-- file: NAME -->` writes it to that file first.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest

from yeoul.detect.tables import SCORERS
from yeoul.plugins import load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?:<!--\s*(?P<note>[^>]*?)\s*-->\n+)?```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
LINK = re.compile(r"(?<!`)!?\[[^\]]*\]\((?P<target>[^)\s#]+)(?:#[^)]*)?\)")
SHELL = {"bash", "console", "sh", "shell"}


@dataclass(frozen=True)
class Block:
    """One fenced block of a page."""

    page: Path
    line: int
    language: str
    note: str
    code: str


def blocks_of(page: Path, text: str) -> list[Block]:
    """The fenced blocks of `text`, in order, each with what the comment line above it says."""
    found = []
    for match in FENCE.finditer(text):
        line = text[: match.start("code")].count("\n") + 1
        found.append(Block(page, line, match["language"], match["note"] or "", match["code"]))
    fences = len(re.findall(r"^\s*```", text, re.MULTILINE))
    assert fences == 2 * len(found), f"{page}: a fence is indented or not closed; its block would never run"
    return found


def run_page(page: Path, text: str, folder: Path) -> None:
    """Everything on one page, in the order of reading.

    Raises:
        AssertionError: a block fails; the message names page and line.
    """
    names: dict[str, object] = {"__name__": "__page__"}
    for block in blocks_of(page, text):
        if block.note.startswith("skip:"):
            assert block.note.removeprefix("skip:").strip(), f"{page}:{block.line}: a skipped block gives its reason"
        elif block.note.startswith("file:"):
            target = folder / block.note.removeprefix("file:").strip()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.code, encoding="utf-8")
        else:
            _run_block(block, names, folder)


def _run_block(block: Block, names: dict[str, object], folder: Path) -> None:
    where = f"{block.page}:{block.line}"
    if block.language == "toml":
        tomllib.loads(block.code)
    elif block.language == "json":
        json.loads(block.code)
    elif block.language in {"pycon", "python"} and ">>> " in block.code:
        with contextlib.chdir(folder):
            _run_doctest(block, names, where)
    elif block.language == "python":
        with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()):
            exec(compile("\n" * (block.line - 1) + block.code, str(block.page), "exec"), names)
    elif block.language in SHELL and block.note == "run":
        _run_shell(block.code, folder, where)


def _run_doctest(block: Block, names: dict[str, object], where: str) -> None:
    example = doctest.DocTestParser().get_doctest(block.code, names, where, str(block.page), block.line - 1)
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    runner.run(example, out=report.write, clear_globs=False)
    names.update(example.globs)
    assert runner.summarize(verbose=False).failed == 0, report.getvalue()


def _run_shell(code: str, folder: Path, where: str) -> None:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    script = "\n".join(line.removeprefix("$ ") for line in code.splitlines())
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{where}\n{done.stdout}\n{done.stderr}"


# Some pages' commands start processes; scorers with an extra train networks, or load libraries that take seconds.
EXTRA = [name for name, reference in SCORERS.items() if load(reference).traits.extra]
SLOW = [
    *(ROOT / f"docs/{name}.md" for name in ("guide", "measures", "tables")),
    *(ROOT / f"docs/detectors/{name}.md" for name in EXTRA),
]


@pytest.mark.parametrize(
    "page",
    [pytest.param(page, marks=[pytest.mark.slow] if page in SLOW else []) for page in PAGES],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_the_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    run_page(page, page.read_text(encoding="utf-8"), tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    targets = [match["target"] for match in LINK.finditer(text)]
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (page.parent / target).exists()] == []


@pytest.mark.parametrize(
    "text",
    [
        "```python\nassert 1 == 2\n```\n",
        "```python\n>>> 1 + 1\n3\n```\n",
        "<!-- run -->\n```sh\nfalse\n```\n",
        "```toml\nkey = \n```\n",
        "```json\n{,}\n```\n",
        "- in a list\n  ```python\n  assert 1 == 2\n  ```\n",
        "<!-- skip: -->\n```python\nassert 1 == 2\n```\n",
    ],
)
def test_a_block_that_is_not_true_is_found(text: str, tmp_path: Path) -> None:
    with pytest.raises((AssertionError, ValueError)):
        run_page(tmp_path / "page.md", text, tmp_path)


@pytest.mark.parametrize(
    "text",
    [
        "```python\nx = 1\n```\nand then\n```python\n>>> x + 1\n2\n```\n",
        "<!-- file: a/b.txt -->\n```text\nhello\n```\n<!-- run -->\n```sh\ngrep hello a/b.txt\n```\n",
        "<!-- skip: needs a broker -->\n```python\nassert 1 == 2\n```\n",
        "```sh\nfalse\n```\n",
    ],
)
def test_a_block_that_is_true_passes(text: str, tmp_path: Path) -> None:
    run_page(tmp_path / "page.md", text, tmp_path)
