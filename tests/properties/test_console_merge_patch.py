"""For any two objects: the patch between them, applied as RFC 7396 says, makes the one of the other."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from yeoul.console.merge_patch import merge_patch

SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.sampled_from(["", "a", "b"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4)
)
OBJECTS = st.dictionaries(st.sampled_from("abcd"), VALUES, max_size=4)


def apply(target: Any, patch: Any) -> Any:
    """MergePatch of RFC 7396, section 2."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = apply(result.get(name), value)
    return result


def known(value: Any) -> Any:
    """Without members that are null: they count as absent."""
    if isinstance(value, dict):
        return {name: known(each) for name, each in value.items() if each is not None}
    return value


@given(OBJECTS, OBJECTS)
def test_the_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    patched = apply(known(old), merge_patch(old, new))
    assert known(patched) == known(new)


@given(OBJECTS)
def test_between_equals_there_is_nothing_to_say(same: dict[str, Any]) -> None:
    assert merge_patch(same, same) == {}


@given(OBJECTS, OBJECTS)
def test_nothing_is_said_of_members_that_stayed(old: dict[str, Any], new: dict[str, Any]) -> None:
    patch = merge_patch(old, new)
    assert not [name for name in patch if name in old and name in new and repr(old[name]) == repr(new[name])]
