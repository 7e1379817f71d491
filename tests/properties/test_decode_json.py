"""The decoder against the standard library: on any document, whole or damaged, both find the same or both refuse."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from yeoul.testing.decoding import check_json

_NAMES = st.sampled_from(["at", "cpk", "hit", "a", "b", "@fields", "other", "한글", ""])
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(0, 9),
    st.sampled_from([1 << 63, (1 << 63) - 1, -(1 << 63), -(1 << 63) - 1, 1e18, 1e300, 2.0, 0.5]),
    st.floats(),
    st.text(max_size=8),
    st.text("0123456789-+. e_", max_size=6),
    st.integers().map(str),
)
_TREES = st.recursive(_LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=4))
_NESTED = st.fixed_dictionaries({"@fields": st.dictionaries(_NAMES, _LEAVES)})
_EVENTS = st.fixed_dictionaries(
    {"at": st.integers(0, 10**15) | _LEAVES, "a": _NESTED | _TREES},
    optional={"cpk": _TREES, "hit": _LEAVES, "other": _TREES},
)
_DAMAGE = st.tuples(st.integers(0, 10_000), st.binary(max_size=3), st.integers(0, 3))


def _written(document: Any, *, ascii_only: bool) -> bytes:
    return json.dumps(document, ensure_ascii=ascii_only, allow_nan=True).encode(errors="surrogatepass")


@pytest.mark.slow
@given(st.lists(st.tuples(_EVENTS, st.booleans()), max_size=12))
@settings(max_examples=150, deadline=None)
@example([({"at": 223372036874875508, "a": None}, True)])
@example([({"at": 1, "hit": "\x1e7", "a": {"@fields": {"hit": "\x1e.5"}}}, True)])
def test_documents_give_what_the_standard_library_finds(documents: list[tuple[Any, bool]]):
    check_json(b"\n".join(_written(document, ascii_only=ascii_only) for document, ascii_only in documents))


@pytest.mark.slow
@given(st.lists(st.tuples(_EVENTS, _DAMAGE), min_size=1, max_size=8))
@settings(max_examples=250, deadline=None)
def test_damaged_documents_give_what_the_standard_library_finds(damaged: list[tuple[Any, tuple[int, bytes, int]]]):
    lines = []
    for document, (place, junk, gone) in damaged:
        line = _written(document, ascii_only=False)
        at = place % (len(line) + 1)
        lines.append(line[:at] + junk + line[at + gone :])
    check_json(b"\n".join(lines))
