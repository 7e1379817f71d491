"""What is hidden stays hidden in broken lines too, and where the member has moved."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from yeoul.ingest.decode.json_masks import mask_json

HIDDEN = [("params", "cpk")]
SHOWN = [("origin", "cpk"), ("hit",)]
SECRET = b"s3cret"


@pytest.mark.parametrize(
    "line",
    [
        b'{"params":{"cpk":"s3cret"},"hit":1}',
        b'{"parameters":{"cpk":"s3cret"},"hit":1}',
        b'{"cpk":"s3cret","hit":1}',
        b'{"params":{"cpk":["s3cret"]},"hit":1}',
        b'{"params":{"cpk":{"a":"s3cret"}},"hit":1}',
        b'{"params":[{"cpk":"s3cret"}],"hit":1}',
        b'[{"cpk":"s3cret","hit":1}]',
        b'{"params":{"cpk":"s3cret","cpk":"x"},"hit":1}',
        b'{"params":{"c\\u0070k":"s3cret"},"hit":1}',
        b'{"hit":1,"params":{"cpk":"s3cret',
        b'{"hit":1,"params":{"cpk":"s3cret\\',
        b'{"hit":1,"params":{"cpk":["s3cret"',
        b'{"hit":1,"params":{"cpk":[["x"],"s3cret"',
        b'{"hit":1,"params":{"cpk":{"a":"}","b":"s3cret"',
        b'{"hit":1,"params":{"cpk" : s3cret',
        b'{"hit":1,"params":{"cpk":"\\"s3cret"}} tail',
        b'{"hit":1,"params":{"cpk":"a"s3cret"}}',
        b'{"hit":1,"params":{"c\\u0070\\u006B":"s3cret"',
        b'{"hit":1,"params":{"cpk":"x","cpk":"s3cret"',
        b'{"hit":1,"message":"{\\"cpk\\":\\"s3cret\\"}"',
        b'{"hit":1,"message":"{\\"cpk\\":\\"s3cret',
        b"{'hit':1,'cpk':'s3cret'}",
        b"{hit:1,cpk:s3cret}",
        b'\xff{"hit":1,"params":{"cpk":"s3cret"}}',
        b'{"hit":1,"params":{"cpk":"\xffs3cret"}}',
        b'{"hit":1,"params":{"cpk":"\0s3cret"}}',
    ],
)
def test_it_is_nowhere_to_be_seen_and_what_stands_beside_it_is(line: bytes):
    masked = mask_json(line, HIDDEN, SHOWN)
    assert SECRET not in masked
    assert b"***" in masked
    assert b"hit" in masked


def test_a_declared_member_of_the_same_name_stays():
    line = b'{"params":{"cpk":"s3cret"},"origin":{"cpk":"seen"},"hit":1}'
    assert json.loads(mask_json(line, HIDDEN, SHOWN)) == {
        "params": {"cpk": "***"},
        "origin": {"cpk": "seen"},
        "hit": 1,
    }


def test_all_other_bytes_stay_as_they_are():
    line = (
        b' {"hit" : 1e999, "hit":  1.50 ,"cpk":{"a":[1,{"cpk":2}]} , "z":"\\u0041:{", "l":[[], {"cpk":"x"}, "cpk"] }\r'
    )
    assert mask_json(line, HIDDEN, SHOWN) == (
        b' {"hit" : 1e999, "hit":  1.50 ,"cpk":"***" , "z":"\\u0041:{", "l":[[], {"cpk":"***"}, "cpk"] }\r'
    )


def test_names_that_only_look_alike_stay():
    line = b'{"cpk2":"a","xcpk":"b","hit":1'
    assert mask_json(line, HIDDEN, SHOWN) == line


def test_a_deep_line_is_masked_as_text():
    line = b"[" * 100_000 + b'{"cpk":"s3cret"}'
    assert SECRET not in mask_json(line, HIDDEN, SHOWN)


_VALUES = st.recursive(
    st.just("s3cret"), lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner)
)
_REST = st.dictionaries(st.sampled_from(["hit", "a", "b"]), st.integers() | st.text(max_size=5), max_size=3)


@given(_VALUES, _REST, st.integers(0), st.binary(max_size=3), st.booleans())
def test_no_damage_before_or_behind_it_brings_it_to_light(
    value: object, rest: dict[str, object], place: int, junk: bytes, cut: bool
):
    before = json.dumps(rest).encode()[:-1] + (b"," if rest else b"")
    after = b',"z":' + json.dumps(rest).encode() + b"}"
    whole = before + b'"cpk":' + json.dumps(value).encode()
    if cut:
        at = len(before) + 6 + place % (len(whole) - len(before) - 5)
        line = whole[:at]
    elif place % 2:
        at = place % (len(before) + 1)
        line = before[:at] + junk + whole[at:] + after
    else:
        at = place % (len(after) + 1)
        line = whole + after[:at] + junk + after[at:]
    assert SECRET not in mask_json(line, [("cpk",)], [("hit",)])
