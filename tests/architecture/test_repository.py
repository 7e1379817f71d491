"""What lies in the repository: nothing of one machine, nothing huge, nothing generated, and locks that hold."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

MAX_BYTES = 5_000_000
# Put together from pieces, so that this file does not find itself.
REGISTRY_HOSTS = [
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs", "org"),
        ("registry", "yarnpkg", "com"),
        ("repo1", "maven", "org"),
        ("repo", "maven", "apache", "org"),
        ("deb", "debian", "org"),
        ("crates", "io"),
        ("proxy", "golang", "org"),
    )
]
MACHINE_PATHS = re.compile("|".join(f"(?<![\\w.])/{folder}/" for folder in ("work", "root", "farm", "tmp/brief")))
GENERATED = re.compile(
    r"(^|/)(__pycache__|node_modules|dist|build|\.yeoul|static)/|\.(pyc|whl|parquet|sqlite3?|profile)$"
)


def _texts(tracked: list[Path]) -> dict[Path, str]:
    texts = {}
    for path in tracked:
        try:
            texts[path] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture or a compressed fixture
    return texts


def test_no_file_names_a_package_registry(tracked: list[Path]) -> None:
    found = [f"{path}: {host}" for path, text in _texts(tracked).items() for host in REGISTRY_HOSTS if host in text]
    assert found == []


def test_no_file_names_a_path_of_one_machine(tracked: list[Path]) -> None:
    found = {
        str(path): match.group() for path, text in _texts(tracked).items() if (match := MACHINE_PATHS.search(text))
    }
    assert found == {}


def test_no_file_is_huge(tracked: list[Path]) -> None:
    assert [str(path) for path in tracked if path.stat().st_size > MAX_BYTES] == []


def test_nothing_generated_is_tracked(tracked: list[Path], root: Path) -> None:
    assert [str(path) for path in tracked if GENERATED.search(path.relative_to(root).as_posix())] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", ".ci/run"])
def test_what_a_newcomer_looks_for_is_there(name: str, root: Path) -> None:
    assert (root / name).read_text(encoding="utf-8").strip()


def test_the_changelog_has_a_place_for_the_next_line(root: Path) -> None:
    headings = re.findall(r"^## (.+)$", (root / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


def test_scripts_can_be_run(root: Path) -> None:
    scripts = [*sorted((root / "scripts").glob("*.sh")), root / ".ci" / "run"]
    assert [str(path) for path in scripts if not path.stat().st_mode & 0o100] == []
