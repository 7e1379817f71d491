"""On which line of a TOML text each key stands; the standard library's reader does not say."""

from __future__ import annotations

import re

__all__ = ["key_lines", "repeated_key"]

_TOKEN = re.compile(
    r"(?P<space>[^\S\n]+)|(?P<newline>\n)|(?P<comment>\#[^\n]*)"
    r'|(?P<text>"""(?:[^\\]|\\.)*?"""|\'\'\'.*?\'\'\'|"(?:[^"\\\n]|\\.)*"|\'[^\'\n]*\')'
    r"|(?P<mark>[\[\]{},=.])|(?P<word>[^\s\[\]{},=.\"'#]+)|(?P<other>.)",
    re.DOTALL,
)


def key_lines(text: str) -> dict[tuple[str, ...], int]:
    r"""Line (from 1) of every table and key of a text that is valid TOML; keys of inline tables too.

    >>> key_lines('[a.b]\nc = { d = 1,\n e = 2 }')
    {('a',): 1, ('a', 'b'): 1, ('a', 'b', 'c'): 2, ('a', 'b', 'c', 'd'): 2, ('a', 'b', 'c', 'e'): 3}
    """
    return _Scan(text).lines


def repeated_key(text: str) -> tuple[tuple[str, ...], int, int] | None:
    r"""The first key or table that a text declares twice, with both lines; None when there is none.

    >>> repeated_key('[a.b]\nc = 1\n[a]\nd = 1\n[a.b]\n')
    (('a', 'b'), 1, 5)
    """
    return _Scan(text).repeated


class _Scan:
    def __init__(self, text: str) -> None:
        self.lines: dict[tuple[str, ...], int] = {}
        self.repeated: tuple[tuple[str, ...], int, int] | None = None
        self._declared: dict[tuple[str, ...], int] = {}
        self._line = 1
        self._open: list[tuple[str, tuple[str, ...]]] = [("top", ())]  # brackets we are in, with the path before them
        self._key: list[str] = []
        self._in_value = False
        for match in _TOKEN.finditer(text):
            self._take(match.lastgroup or "", match[0])
            self._line += match[0].count("\n")

    def _take(self, kind: str, token: str) -> None:
        if kind == "newline":
            self._end_line()
        elif kind == "mark":
            self._mark(token)
        elif kind in {"text", "word"} and not self._in_value:
            self._key.append(token.strip("\"'") if kind == "text" else token)

    def _end_line(self) -> None:
        if self._open[-1][0] == "top":
            self._key, self._in_value = [], False

    def _mark(self, mark: str) -> None:
        kind, prefix = self._open[-1]
        if mark == "=" and not self._in_value:
            self._note((*prefix, *self._key))
            self._in_value = True
        elif mark in "[{":
            if mark == "[" and kind == "top" and not self._in_value:
                self._open.append(("header", ()))
                return
            if mark == "{":
                self._open.append(("table", (*prefix, *self._key)))
                self._key, self._in_value = [], False
            else:
                self._open.append(("array", (*prefix, *self._key)))
        elif mark in "]}":
            self._close(kind)
        elif mark == "," and kind == "table":
            self._key, self._in_value = [], False

    def _close(self, kind: str) -> None:
        if len(self._open) == 1:
            return
        self._open.pop()
        if kind == "header":
            path = tuple(self._key)
            if path:
                self._note(path)
                self._open[0] = ("top", path)
            self._key = []
        else:
            self._in_value = True

    def _note(self, path: tuple[str, ...]) -> None:
        if self.repeated is None and path in self._declared:
            self.repeated = path, self._declared[path], self._line
        self._declared.setdefault(path, self._line)
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], self._line)
