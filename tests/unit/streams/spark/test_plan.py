"""A declaration becomes expressions of Spark SQL before any Spark runs; what Spark cannot do is refused by name."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from yeoul.errors import ConfigError
from yeoul.events import EventTime, Field, RowSchema
from yeoul.streams import StreamSpec, parse_aggregate
from yeoul.streams.spark import FilesRead, SparkPlan, TopicRead, compile_stream

S = 1_000_000
SCHEMA = RowSchema(
    EventTime(("_source", "@timestamp")),
    (
        Field("customer", ("_source", "@fields", "cpk")),
        Field("n", ("_source", "@fields", "n"), "int", 0),
        Field("f", ("f",), "float"),
        Field("seen", ("seen",), "timestamp"),
    ),
)
SPEC = StreamSpec("hits", SCHEMA, ("customer",), (parse_aggregate("rows", "count()"),))
TOPIC = TopicRead("broker:9092", "hits", "earliest", stop_on_loss=True)


def compiled(schema: dict[str, Any] | None = None, client: dict[str, str] | None = None, **changes: Any) -> SparkPlan:
    spec = replace(SPEC, schema=replace(SCHEMA, **(schema or {})), **changes)
    return compile_stream(spec, TOPIC, client)


@pytest.mark.slow
def test_compiling_loads_no_spark():
    probe = "import sys, yeoul.flows.spark.jobs; sys.exit('pyspark' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], check=False).returncode == 0


def test_a_line_is_read_by_the_members_that_are_declared_and_each_once():
    plan = compiled({"fields": (*SCHEMA.fields, Field("again", ("f",), "str"))})
    objects = "`_source` STRUCT<`@timestamp`: VARIANT, `@fields`: STRUCT<`cpk`: VARIANT, `n`: VARIANT>>"
    assert plan.json.startswith(f"from_json(`#line`, '{objects}, `f` VARIANT, `seen` VARIANT, `#broken` STRING'")


def test_windows_and_the_watermark_are_intervals():
    plan = compiled(size_us=60 * S, slide_us=500_000, delay_us=5 * S)
    assert (plan.size, plan.slide, plan.watermark) == ("60 seconds", "500000 microseconds", "5 seconds")


@pytest.mark.parametrize(
    ("call", "expression"),
    [
        ("count()", "count(1)"),
        ("min(n)", "min(`n`)"),
        ("mean(f)", "avg(`f`)"),
        ("mean(n)", "CAST(sum(CAST(`n` AS DECIMAL(20,0))) AS DOUBLE) / count(1)"),
        ("distinct(customer)", "hll_sketch_estimate(hll_sketch_agg(`customer`, 12))"),
    ],
)
def test_an_aggregate_becomes_an_expression(call: str, expression: str):
    assert compiled(aggregates=(parse_aggregate("x", call),)).aggregates == (("x", expression),)


def test_the_sum_of_integers_cannot_overflow():
    (_, expression), *_ = compiled(aggregates=(parse_aggregate("x", "sum(n)"),)).aggregates
    assert "DECIMAL(20,0)" in expression
    assert "9223372036854775807" in expression


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("n > 3 AND NOT customer = 'it''s'", r"(`n` > 3 AND NOT (`customer` = 'it\'s'))"),
        ("customer NOT LIKE 'a\\%'", r"NOT `customer` LIKE 'a\\\\%'"),
        ("n BETWEEN -1 AND 2 OR customer IN ('a', 'b')", "((`n` BETWEEN -1 AND 2) OR `customer` IN ('a', 'b'))"),
        ("seen >= '1970-01-01T00:00:01Z'", "`seen` >= 1000000L"),
    ],
)
def test_a_filter_becomes_a_condition(where: str, expected: str):
    assert compiled({"where": where}).kept == expected


def test_a_start_in_time_filters():
    assert "`#at_us` < 5 THEN 'filtered'" in compiled(start=5).class_


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"schema": {"line_format": "csv"}}, "`stream.hits.source.format`: got `csv`"),
        ({"allowed_lateness_us": S}, "`stream.hits.allowed_lateness`: got `1s`"),
        ({"schema": {"event_time": EventTime(("at",), ("%Y week %W",))}}, "event_time.format`: got the time format"),
        ({"schema": {"fields": (Field("a", ("x",)), Field("b", ("x", "y")))}}, "`x.y`, which is both a value and"),
        ({"client": {"debug": "all"}}, "`stream.hits.source.client`: got `debug`"),
    ],
)
def test_what_spark_cannot_do_is_refused_by_name(changes: dict[str, Any], told: str):
    with pytest.raises(ConfigError) as refused:
        compiled(**changes)
    assert told in str(refused.value)
    assert "which the Spark engine cannot do; legal with it: " in str(refused.value)


def test_a_password_is_handed_on_and_not_shown():
    client = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512"}
    plan = compiled(client=client | {"sasl.username": "u", "sasl.password": 'p"w'})
    assert isinstance(plan.source, TopicRead)
    settings = dict(plan.source.settings)
    assert settings["sasl.jaas.config"].endswith('ScramLoginModule required username="u" password="p\\"w";')
    assert 'p\\"w' not in repr(plan)


def test_masked_fields_keep_lines_and_values_out_of_the_quarantine():
    plan = compiled({"redact": ("customer",)})
    assert not plan.keeps_lines
    (reason,) = [each.reason for each in plan.columns if each.name == "customer"]
    assert "'***'" in reason
    assert ".text" not in reason


def test_what_is_otherwise_on_this_engine_is_noted():
    topic = compiled({"event_id": "customer"}).notes
    files = compile_stream(SPEC, FilesRead("logs/*")).notes
    assert any("`late` is unknown" in note for note in topic)
    assert any("no row is late" in note for note in files)


@pytest.mark.parametrize(
    ("formats", "zone", "told"),
    [
        (("iso",), "America/New_York", True),
        (("%Y-%m-%d %H:%M:%S",), "Europe/Berlin", True),
        (("%Y-%m-%d %H:%M:%S %z", "ms"), "America/New_York", False),
        (("iso",), "Asia/Seoul", False),
        (("iso",), "UTC", False),
    ],
)
def test_times_that_can_be_read_otherwise_are_a_caution(formats: tuple[str, ...], zone: str, *, told: bool):
    plan = compiled({"event_time": EventTime(("at",), formats, zone)})
    assert [f"occur twice in {zone} " in one for one in plan.cautions] == [True] * told
    assert set(plan.cautions) <= set(plan.notes)
