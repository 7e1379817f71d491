"""A coverage-guided fuzzer looks for bytes that a decoder takes wrongly.

JSON must give what the standard library gives, every format in a block what it gives line by line.

The fuzzer ends its process, so it runs in one of its own: this file as a program. What it finds is the line that
`check_json` or `check_blocks` refused; it becomes an example in `tests/properties/test_decode_json.py`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from yeoul.events import EventTime, Field, RowSchema
from yeoul.ingest.decode import build_decoder
from yeoul.testing.decoding import check_blocks, check_json

SECONDS = int(os.environ.get("FUZZ_SECONDS", "600"))
ROUND_S = 60
"""The fuzzer's own memory grows, so it begins anew with what it has learned."""
SEEDS = [
    b'{"at":1772449805000000,"cpk":"a","hit":"3","a":{"@fields":{"cpk":7,"hit":0.5}}}\n{"at":"1e3","hit":2.0}',
    b'{"at":1,"cpk":"\\ud800"}\n{"at":1,"at":2,"hit":9223372036854775808}\n{"at":NaN}\n{"a":[1e999]}\n\xef\xbb\xbf{}',
    b'2026-03-02T20:10:05+09:00,x,1,0.5\n"2026-10-25 02:30:00",a,"1",nan\n2026-03-29 02:30:00,,-1,1e3',
    b'at=2026-03-02T20:10:05Z user="a b" n=1 f=.5\nat="2026-10-25 02:30:00" n= user=\\"x f=1',
]
TOKENS = (
    *(
        r"\"at\":",
        r"\"cpk\":",
        r"\"hit\":",
        r"\"a\":",
        r"\"@fields\":",
        "null",
        "true",
        "NaN",
        "1e999",
        "-0",
        "1e18",
        ".5",
    ),
    *(
        r"\\ud83d",
        r"\\ude00",
        r"\\u0000",
        r"\xef\xbb\xbf",
        r"\xc3",
        r"\x00",
        r"\x0a",
        r"\x0d\x0a",
        "9223372036854775808",
        "2.0",
    ),
    *(
        "[[[[[[[[",
        "{}",
        "at=",
        "user=",
        "n=",
        "2026-10-25 02:30:00",
        "2026-03-29 02:30:00",
        "+09:00",
        "Z",
        ",,",
        r"\"\"",
    ),
)
"""Pieces the fuzzer puts in, as its dictionary spells them."""
FIELDS = (Field("user", ("user",), default=""), Field("n", ("n",), "int"), Field("f", ("f",), "float", default=0.0))
PATTERN = r"(?P<at>\S+[ T]\S+) (?P<user>\w*) (?P<n>\S+) (?P<f>.*)"
FORMATS: tuple[dict[str, Any], ...] = (
    {"line_format": "json"},
    {"line_format": "csv", "columns": ("at", "user", "n", "f")},
    {"line_format": "logfmt"},
    {"line_format": "pattern", "pattern": PATTERN},
)


@pytest.mark.soak
@pytest.mark.timeout(2 * SECONDS + 120)
@pytest.mark.skipif(find_spec("atheris") is None, reason="requirements/fuzz.txt is not installed; `make soak` does it")
def test_a_guided_search_finds_no_line_that_is_decoded_wrongly(tmp_path: Path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(SEEDS):
        (corpus / f"seed-{number}").write_bytes(bytes([number]) + seed)
    words = tmp_path / "words"
    words.write_text("".join(f'"{token}"\n' for token in TOKENS))
    limits = [f"-max_total_time={ROUND_S}", "-max_len=600", "-len_control=0", f"-dict={words}"]
    command = [sys.executable, __file__, *limits, f"-artifact_prefix={tmp_path}/", str(corpus)]
    for _ in range(SECONDS // ROUND_S):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def look(data: bytes) -> None:
    """The first byte chooses what is looked at."""
    if not data:
        return
    kind, text = data[0] % (len(DECODERS) + 1), data[1:]
    if kind == 0:
        check_json(text)
    else:
        check_blocks(DECODERS[kind - 1], text)


if __name__ == "__main__":
    atheris: Any = import_module("atheris")
    with atheris.instrument_imports(include=["yeoul.ingest.decode"]):
        for name in [name for name in sys.modules if name.startswith("yeoul.ingest.decode")]:
            del sys.modules[name]
        build_decoder = import_module("yeoul.ingest.decode").build_decoder
        for part in ("assemble", "csv_lines", "flat", "json_lines", "lines", "logfmt_lines", "pattern_lines", "typed"):
            import_module(f"yeoul.ingest.decode.{part}")
        del sys.modules["yeoul.testing.decoding"]
        testing = import_module("yeoul.testing.decoding")
        check_blocks, check_json = testing.check_blocks, testing.check_json

DECODERS = [
    build_decoder(
        RowSchema(
            EventTime(("at",), ("iso", "us"), "Europe/Berlin"), FIELDS, where="n > 0", redact=("user",), **members
        )
    )
    for members in FORMATS
]

if __name__ == "__main__":
    atheris.Setup(sys.argv, look)
    atheris.Fuzz()
