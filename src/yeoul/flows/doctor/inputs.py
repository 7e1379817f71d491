"""What streams read and pages look up: there, readable, decodable."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from yeoul.errors import SourceError
from yeoul.events import format_duration
from yeoul.flows.doctor.check import Check, Verdicts
from yeoul.flows.doctor.topics import topic_checks
from yeoul.flows.plan import FilesPlan, KafkaPlan, Lookup, Plan, StreamPlan
from yeoul.ingest.contract import Split
from yeoul.ingest.decode import build_decoder
from yeoul.ingest.files import FileSource

__all__ = ["lookup_checks", "source_checks"]

_TRIED_BYTES = 1 << 20
_SILENT_S = 3600.0
_MANY_INVALID = 0.05
_SHOWN = 3


def source_checks(plan: Plan) -> list[Check]:
    """Whether each stream's input is there and reads as declared."""
    found: list[Check] = []
    for stream in plan.streams:
        area = f"stream {stream.spec.name}"
        if isinstance(stream.source, KafkaPlan):
            found += topic_checks(area, stream, stream.source, _decodes)
        else:
            found += _files(area, stream, stream.source)
    return found


def _files(area: str, stream: StreamPlan, files: FilesPlan) -> list[Check]:
    verdicts = Verdicts(area)
    csv_lines = stream.spec.schema.line_format == "csv"
    source = FileSource(files.pattern, files.folder, keep_header=csv_lines)
    try:
        source.check()
        source.poll()
        splits = source.splits()
        for notice in source.notices():
            if notice.kind == "unreadable":
                verdicts.fail(f"{notice.source}: {notice.detail.partition(';')[0]}", _permission(notice.source))
            elif notice.kind == "copy":
                verdicts.ok(f"{notice.source} {notice.detail}")
        if splits:
            _readable(verdicts, stream, files, list(splits))
        elif not verdicts.found:
            advice = "correct `path`, or start what writes there; `run` waits for files, `replay` gives empty results"
            verdicts.warn(f"`{files.pattern}` matches no file", advice)
    except SourceError as error:
        verdicts.fail(str(error), "create the folder or correct `path`")
    finally:
        source.close()
    return verdicts.found


def _permission(source: str) -> str:
    return (
        f"give the user that runs Yeoul permission to read it (chmod, chgrp, or an ACL: setfacl -m u:USER:r {source})"
    )


def _readable(verdicts: Verdicts, stream: StreamPlan, files: FilesPlan, splits: list[Split]) -> None:
    total = sum(split.backlog_bytes() for split in splits)
    names = ", ".join(split.name for split in splits[:_SHOWN]) + (" …" if len(splits) > _SHOWN else "")
    verdicts.ok(f"`{files.pattern}` finds {_files_of(len(splits))}, {total / 1e6:.1f} MB: {names}")
    paths = [path for split in splits if (path := files.folder / split.name).exists()]
    newest = max((path.stat().st_mtime for path in paths), default=0.0)
    silent_s = time.time() - newest
    if paths and silent_s > _SILENT_S:
        age = format_duration(round(silent_s / 60) * 60_000_000)
        verdicts.warn(f"nothing was written for {age}", "fine for a replay; for `run`, see that the service still logs")
    for split in splits[:_SHOWN]:
        _decodes(verdicts, stream, split)


def _files_of(count: int) -> str:
    return f"{count} file{'s' * (count != 1)} with rotated siblings"


def _decodes(verdicts: Verdicts, stream: StreamPlan, split: Split) -> None:
    block = split.read(_TRIED_BYTES, final=True)
    if block is None:
        return
    rows = build_decoder(stream.spec.schema).decode(block)
    lines = len(rows) + len(rows.rejects)
    if lines and len(rows.rejects) > _MANY_INVALID * lines:
        reason = rows.rejects[0].reason
        add = verdicts.fail if not len(rows) else verdicts.warn
        unit = "lines" if block.messages is None else "messages"
        what = f"{len(rows.rejects):,} of the first {lines:,} {unit} of {split.name} are no rows; the first: {reason}"
        add(what, "correct `fields`, `event_time` or the format; `yeoul init` shows what it finds in a sample")


def lookup_checks(plan: Plan) -> list[Check]:
    """Whether names can be looked up."""
    return [check for lookup in plan.lookups for check in _lookup(lookup)]


def _lookup(lookup: Lookup) -> list[Check]:
    verdicts = Verdicts(f"lookup {lookup.name}")
    try:
        columns, rows = _columns(lookup.path)
    except FileNotFoundError:
        verdicts.warn(f"`{lookup.path}` is not there", "keys are shown without names until it is; correct `path`")
    except OSError as error:
        verdicts.fail(f"`{lookup.path}` cannot be read ({error.strerror})", "give yourself permission (chmod, chgrp)")
    except (UnicodeDecodeError, csv.Error) as error:
        verdicts.fail(f"`{lookup.path}` is no CSV in UTF-8 ({error})", "save it as CSV in UTF-8 with a header line")
    else:
        missing = [name for name in (lookup.key, lookup.column) if name not in columns]
        if missing:
            advice = f"correct `name`, or the file's header; it has: {', '.join(columns) or 'nothing'}"
            verdicts.fail(f"`{lookup.path}` has no column `{'` and no `'.join(missing)}`", advice)
        else:
            verdicts.ok(f"{rows:,} names of {lookup.key}")
    return verdicts.found


def _columns(path: Path) -> tuple[list[str], int]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        return header, sum(1 for _ in reader)
