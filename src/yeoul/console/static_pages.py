"""The built web pages as files; every address of the page itself gets the one index page."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from yeoul.console.problems import problem

__all__ = ["static_pages"]

_UNBUILT = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Yeoul</title>
<h1>The pages are not built</h1>
<p>This copy of Yeoul was installed from source without its web pages. Build them once with <code>make web</code>,
then load this page again. The data is there all the same: <a href="/api/now">/api/now</a>,
<a href="/api/openapi.json">/api/openapi.json</a>, <a href="/health">/health</a>.</p></html>
"""


def static_pages(folder: Path) -> APIRouter:
    """Routes for everything that no other route took.

    Args:
        folder: of the built pages; `assets/` in it holds files whose names change with their content.
    """
    router = APIRouter()
    root = folder.resolve()

    @router.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def page(path: str) -> Response:
        if path.startswith("api/"):
            return problem(404, "not_found", f"there is no `/{path[:200]}`; /api/openapi.json lists what there is")
        found = _file(root, path)
        if found is not None:
            kept = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
            return FileResponse(found, headers={"Cache-Control": kept})
        if path.startswith("assets/") or "." in path.rpartition("/")[2]:
            return problem(404, "not_found", f"there is no `/{path[:200]}`")
        index = _file(root, "index.html")
        if index is None:
            return HTMLResponse(_UNBUILT)
        return FileResponse(index, headers={"Cache-Control": "no-cache"})

    return router


def _file(root: Path, path: str) -> Path | None:
    """The file of that path, if it lies in the folder."""
    try:
        found = (root / path).resolve()
        return found if found.is_relative_to(root) and found.is_file() else None
    except (OSError, ValueError):
        return None
