"""A `[stream.NAME]` block becomes a stream's declaration and its source."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from yeoul.errors import ConfigError
from yeoul.events import EventTime, Field, RowSchema
from yeoul.flows.plan import FilesPlan, KafkaPlan, StreamPlan
from yeoul.ingest.decode import build_decoder
from yeoul.settings.environment import fill_secrets
from yeoul.settings.legal import legal_text
from yeoul.settings.models import EventTimeKeys, FieldKeys, FilesKeys, KafkaKeys, StreamKeys, WindowKeys
from yeoul.settings.problems import Place, Problems, shown
from yeoul.streams import Aggregate, StreamSpec, parse_aggregate

__all__ = ["RESERVED", "read_stream"]

RESERVED = frozenset({"stream", "window_start", "window_end", "revision"})
"""Members of a window in the results; keys and aggregates stand beside them."""

_NAME = re.compile(r"[^\W\d]\w*")
_SOURCES: dict[str, type[FilesKeys | KafkaKeys]] = {"files": FilesKeys, "kafka": KafkaKeys}
_NUMBERS = ("int", "float")


def read_stream(name: str, raw: Any, folder: Path, environ: Mapping[str, str], problems: Problems) -> StreamPlan | None:
    """The plan of one stream; None when it has mistakes, which are noted."""
    place = ("stream", name)
    if not isinstance(raw, dict):
        problems.validate(StreamKeys, raw, place)
        return None
    keys = problems.validate(StreamKeys, raw, place)
    reading = _Reading(raw, place, problems)
    source = reading.source()
    time = reading.event_time()
    fields = reading.fields()
    size_us, slide_us = reading.window()
    reading.references(fields)
    aggregates = reading.aggregates(fields)
    schema = reading.schema(source, time, fields)
    if keys is not None and keys.retention < keys.allowed_lateness:
        problems.add((*place, "retention"), "got less than `allowed_lateness`; legal: at least as long")
    client = {}
    if isinstance(source, KafkaKeys):
        client = fill_secrets(source.client, (*place, "source", "client"), environ, problems)
    if keys is None or source is None or schema is None or problems.under(place):
        return None
    spec = StreamSpec(
        name=name,
        schema=schema,
        keys=tuple(keys.keys),
        aggregates=aggregates,
        size_us=size_us,
        slide_us=slide_us,
        delay_us=keys.delay,
        idle_timeout_us=keys.idle_timeout,
        max_future_skew_us=keys.max_future_skew,
        max_split_lag_us=keys.max_split_lag,
        allowed_lateness_us=keys.allowed_lateness,
        retention_us=keys.retention,
        start=keys.start,
    )
    if isinstance(source, KafkaKeys):
        settings = tuple(sorted(client.items()))
        return StreamPlan(spec, KafkaPlan(source.bootstrap, source.topic, source.group, source.on_loss, settings))
    return StreamPlan(spec, FilesPlan(source.path, folder))


class _Reading:
    """The parts of one block, each read whether or not the others are right."""

    def __init__(self, raw: dict[str, Any], place: Place, problems: Problems) -> None:
        self._raw = raw
        self._place = place
        self._problems = problems

    def source(self) -> FilesKeys | KafkaKeys | None:
        raw, place = self._raw.get("source"), (*self._place, "source")
        if raw is None:
            return None
        if not isinstance(raw, dict):
            self._problems.add(place, f"got `{shown(raw)}`; legal: {legal_text(StreamKeys.model_fields['source'])}")
            return None
        kind = raw.get("kind")
        if not isinstance(kind, str):
            self._problems.add(place, "`kind` is missing; legal: `files`, `kafka`")
            return None
        if not self._problems.member((*place, "kind"), kind, list(_SOURCES), "a kind of source"):
            return None
        source = self._problems.validate(_SOURCES[kind], raw, place)
        if source is not None and (source.format == "pattern") != (source.pattern is not None):
            text = 'goes with `format = "pattern"`, and that format needs it: a regular expression with named groups'
            self._problems.add((*place, "pattern"), text)
            return None
        if isinstance(source, KafkaKeys) and source.format == "csv" and source.columns is None:
            self._problems.add((*place, "columns"), "is missing; a topic has no header line: name the columns")
            return None
        return source

    def event_time(self) -> EventTime | None:
        raw, place = self._raw.get("event_time"), (*self._place, "event_time")
        if raw is None:
            return None
        keys = self._problems.validate(EventTimeKeys, {"path": raw} if isinstance(raw, str) else raw, place)
        return None if keys is None else EventTime(keys.path, tuple(keys.format), keys.timezone)

    def fields(self) -> dict[str, Field | None]:
        """Declared fields by name; None for one that is declared wrongly."""
        raw, place = self._raw.get("fields", {}), (*self._place, "fields")
        if not isinstance(raw, dict):
            self._problems.add(place, f"got `{shown(raw)}`; legal: a table of names and field paths")
            return {}
        return {name: self._field(name, one, (*place, name)) for name, one in raw.items()}

    def _field(self, name: str, raw: Any, place: Place) -> Field | None:
        if not _NAME.fullmatch(name):
            self._problems.add(place, f"got the name `{name}`; legal: letters, digits and `_`, a letter first")
        keys = self._problems.validate(FieldKeys, {"path": raw} if isinstance(raw, str) else raw, place)
        if keys is None:
            return None
        return Field(name, keys.path, keys.type, keys.default, tuple(keys.format), keys.timezone)

    def window(self) -> tuple[int, int]:
        raw, place = self._raw.get("window", "10s"), (*self._place, "window")
        if not isinstance(raw, dict):
            keys = self._problems.attempt(place, lambda: _window(raw))
        else:
            keys = self._problems.validate(WindowKeys, raw, place)
        if keys is None:
            return 1, 1
        slide = keys.slide or keys.size
        if keys.size % slide:
            text = f"got `{shown(raw['slide'])}`; legal: a divisor of the size, `{shown(raw['size'])}`"
            self._problems.add((*place, "slide"), text)
        return keys.size, slide

    def references(self, fields: dict[str, Field | None]) -> None:
        """Keys, event id and redacted fields are declared fields."""
        declared = list(fields)
        for key in ("keys", "redact"):
            for one in self._texts(key):
                self._problems.member((*self._place, key), one, declared, "a declared field")
        if isinstance(self._raw.get("event_id"), str):
            self._problems.member((*self._place, "event_id"), self._raw["event_id"], declared, "a declared field")
        keys = self._texts("keys")
        if self._raw.get("keys") == []:
            self._problems.add((*self._place, "keys"), "got none; legal: at least one declared field")
        for key in keys:
            field = fields.get(key)
            if keys.count(key) > 1 or key in RESERVED:
                text = f"got `{key}`{' twice' if keys.count(key) > 1 else ''}; legal: a name of its own, not one of "
                self._problems.add((*self._place, "keys"), text + ", ".join(sorted(RESERVED)))
                return
            if field is not None and field.type in {"float", "timestamp"}:
                self._problems.add((*self._place, "keys"), f"`{key}` is a {field.type}; legal: `str`, `int`, `bool`")

    def _texts(self, key: str) -> list[str]:
        raw = self._raw.get(key)
        return [one for one in raw if isinstance(one, str)] if isinstance(raw, list) else []

    def aggregates(self, fields: dict[str, Field | None]) -> tuple[Aggregate, ...]:
        raw, place = self._raw.get("aggregates", {"count": "count()"}), (*self._place, "aggregates")
        if not isinstance(raw, dict) or not raw:
            self._problems.add(place, f'got `{shown(raw)}`; legal: a table such as `{{ plays = "count()" }}`')
            return ()
        return tuple(one for name, text in raw.items() if (one := self._aggregate(name, text, (*place, name), fields)))

    def _aggregate(self, name: str, text: Any, place: Place, fields: dict[str, Field | None]) -> Aggregate | None:
        if not _NAME.fullmatch(name) or name in RESERVED or name in self._texts("keys"):
            legal = f"letters, digits and `_`; not a key, and none of {', '.join(sorted(RESERVED))}"
            self._problems.add(place, f"got the name `{name}`; legal: {legal}")
        aggregate = self._problems.attempt(place, lambda: parse_aggregate(name, text))
        if aggregate is None or aggregate.field is None:
            return aggregate
        if not self._problems.member(place, aggregate.field, list(fields), "a declared field"):
            return None
        field = fields[aggregate.field]
        if field is not None and aggregate.function != "distinct" and field.type not in _NUMBERS:
            text = f'give it `type = "int"` or `"float"`; `{aggregate.function}` takes numbers'
            self._problems.add(place, f"got `{aggregate.field}`, which is a `{field.type}`; {text}")
        return aggregate

    def schema(
        self, source: FilesKeys | KafkaKeys | None, time: EventTime | None, fields: dict[str, Field | None]
    ) -> RowSchema | None:
        """What the decoder is told; the decoder itself says what it does not like."""
        if source is None or time is None:
            self._where(fields)
            return None
        good = tuple(field for field in fields.values() if field is not None)
        columns = None if source.columns is None else tuple(source.columns)
        bare = RowSchema(time, (), source.format, source.pattern, source.delimiter, columns)
        before = len(self._problems)
        self._try(("source",) if source.format == "pattern" else ("event_time",), bare)
        if len(self._problems) > before:
            self._where(fields)
            return None
        for field in good:
            self._try(("fields", field.name), replace(bare, fields=(field,)))
        schema = replace(
            bare,
            fields=good,
            where=_text(self._raw.get("where")),
            event_id=_text(self._raw.get("event_id")),
            redact=tuple(self._texts("redact")),
        )
        if len(self._problems) == before:
            self._try(("where",), schema)
        else:
            self._where(fields)
        return schema

    def _where(self, fields: dict[str, Field | None]) -> None:
        """The filter alone, told of right where the rest of the schema is not."""
        good = tuple(field for field in fields.values() if field is not None)
        where = _text(self._raw.get("where"))
        if where is not None and len(good) == len(fields):
            self._try(("where",), RowSchema(EventTime(("at",)), good, where=where))

    def _try(self, place: Place, schema: RowSchema) -> None:
        self._problems.attempt((*self._place, *place), lambda: build_decoder(schema))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _window(raw: Any) -> WindowKeys:
    """Tumbling windows of this size.

    Raises:
        ConfigError: not a duration.
    """
    try:
        return WindowKeys(size=raw)
    except ValidationError as error:
        raise ConfigError(str(error.errors()[0]["ctx"]["error"])) from None
