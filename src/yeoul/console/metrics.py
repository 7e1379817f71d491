"""Figures for Prometheus: of the engine by stream and split, of the console itself; never by customer or title."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from yeoul.console.hub import Hub

__all__ = ["CONTENT_TYPE", "metrics_text"]

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_CLASSES = ("counted", "late", "future", "invalid", "duplicate", "filtered")
_STREAM_GAUGES: tuple[tuple[str, str, str, float], ...] = (
    ("yeoul_watermark_timestamp_seconds", "Event time up to which windows are closed", "watermark_us", 1e-6),
    ("yeoul_newest_event_timestamp_seconds", "Newest event time that is believed", "newest_us", 1e-6),
    ("yeoul_lag_seconds", "Wall time minus newest event time", "lag_s", 1.0),
    ("yeoul_backlog_bytes", "Bytes written and not read yet", "backlog_bytes", 1.0),
    ("yeoul_backlog_messages", "Messages of a topic written and not read yet", "backlog_messages", 1.0),
    ("yeoul_open_windows", "Windows that are not closed yet", "open_windows", 1.0),
    ("yeoul_keys", "Keys known", "keys", 1.0),
    ("yeoul_read_rows_per_second", "Rows read a second, lately", "rate_eps", 1.0),
)


def metrics_text(pipeline: dict[str, Any], now: dict[str, Any], hub: Hub) -> bytes:
    """The page of figures, from the data of the topics `pipeline` and `now`."""
    registry = CollectorRegistry()
    registry.register(_Figures(lambda: _families(pipeline, now, hub)))
    return generate_latest(registry)


class _Figures(Collector):
    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families()


def _families(pipeline: dict[str, Any], now: dict[str, Any], hub: Hub) -> Iterable[Metric]:
    streams = pipeline["streams"]
    yield from _engine(pipeline)
    yield from _splits(streams)
    for name, meaning, member, unit in _STREAM_GAUGES:
        gauge = GaugeMetricFamily(name, meaning, labels=["stream"])
        for stream, each in streams.items():
            if each.get(member) is not None:
                gauge.add_metric([stream], each[member] * unit)
        yield gauge
    opened = GaugeMetricFamily("yeoul_open_incidents", "Incidents that are open", labels=["block"])
    blocks = [each["block"] for each in now["incidents"].values()]
    for block in sorted(set(blocks)):
        opened.add_metric([block], blocks.count(block))
    yield opened
    yield GaugeMetricFamily("yeoul_open_incidents_all", "Incidents that are open, of all blocks", now["incidents_open"])
    yield GaugeMetricFamily("yeoul_console_pages", "Pages that read the live feed", hub.readers)
    yield CounterMetricFamily("yeoul_console_messages", "Messages given to pages", hub.sent)
    yield CounterMetricFamily("yeoul_console_coalesced", "Snapshots given to pages too slow for deltas", hub.coalesced)


def _engine(pipeline: dict[str, Any]) -> Iterable[Metric]:
    up = pipeline["engine"]["status"] == "running"
    yield GaugeMetricFamily("yeoul_engine_up", "Whether the engine runs", float(up))
    health = GaugeMetricFamily("yeoul_health", "1 for what holds: green, yellow or red", labels=["status"])
    for status in ("green", "yellow", "red"):
        health.add_metric([status], float(pipeline["health"]["status"] == status))
    yield health
    drift = GaugeMetricFamily(
        "yeoul_schema_drift_share", "Share of rows refused lately for one reason", labels=["stream", "field"]
    )
    for (stream, field), share in _drifts(pipeline["health"]["causes"]).items():
        drift.add_metric([stream, field], share)
    yield drift
    checkpoint = pipeline.get("checkpoint")
    if checkpoint:
        at_s, took_s = checkpoint["at_us"] / 1e6, checkpoint["duration_ms"] / 1e3
        yield GaugeMetricFamily("yeoul_checkpoint_timestamp_seconds", "Wall time of the last checkpoint", at_s)
        yield GaugeMetricFamily("yeoul_checkpoint_duration_seconds", "How long it took", took_s)
        yield GaugeMetricFamily("yeoul_state_bytes", "Size of the state file", checkpoint["state_bytes"])


def _drifts(causes: Iterable[dict[str, Any]]) -> dict[tuple[str, str], float]:
    """The largest share by stream and field, of the alarms that last; no field: the line as a whole."""
    found: dict[tuple[str, str], float] = {}
    for params in (cause["params"] for cause in causes if cause["code"] == "schema_drift"):
        at = (params["stream"], params["field"])
        found[at] = max(found.get(at, 0.0), params["share"])
    return found


def _splits(streams: dict[str, Any]) -> Iterable[Metric]:
    rows = CounterMetricFamily("yeoul_rows", "Rows read, by what became of them", labels=["stream", "split", "class"])
    size = CounterMetricFamily("yeoul_read_bytes", "Bytes read", labels=["stream", "split"])
    backlog = GaugeMetricFamily(
        "yeoul_split_backlog_bytes", "Bytes written and not read yet", labels=["stream", "split"]
    )
    messages = GaugeMetricFamily(
        "yeoul_split_backlog_messages", "Messages of a partition written and not read yet", labels=["stream", "split"]
    )
    kept = GaugeMetricFamily("yeoul_quarantine_rows", "Lines in the quarantine", labels=["stream"])
    for stream, each in streams.items():
        kept.add_metric([stream], each["quarantine"]["rows"])
        for split, one in each["splits"].items():
            for class_ in _CLASSES:
                rows.add_metric([stream, split, class_], one["ledger"][class_])
            size.add_metric([stream, split], one["ledger"]["bytes"])
            if one.get("backlog_bytes") is not None:
                backlog.add_metric([stream, split], one["backlog_bytes"])
            if one.get("backlog_messages") is not None:
                messages.add_metric([stream, split], one["backlog_messages"])
    yield from (rows, size, backlog, messages, kept)
