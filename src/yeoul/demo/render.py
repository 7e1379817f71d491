"""Plays to bytes: fixed-width records are filled with ready-made pieces, then the padding is squeezed out."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from yeoul.demo.catalogue import ORIGINS, Catalogue
from yeoul.demo.config import ServiceConfig
from yeoul.demo.dirt import spoil
from yeoul.demo.hashing import mixed, share_of
from yeoul.demo.rhythm import SEOUL_US
from yeoul.demo.traffic import Plays
from yeoul.demo.viewers import VIEWERS, viewer_pieces

__all__ = ["Renderer", "host_name"]

_DAY_US = 86_400_000_000
_CHUNK = 2048
_STATES = 2048
_MAX_HIT = 999
_GENRES = ["drama", "variety", "movie", "kids", "news", "sports", "anime", "documentary"]
_EVENTS = ("heartbeat",) * 12 + ("play", "pause", "seek", "stop")
_BITRATES = (800, 1500, 2500, 4500, 6000, 8000, 12000, 16000)

_Pieces = NDArray[np.bytes_]


def host_name(host: int) -> str:
    """Name of a log server.

    >>> host_name(0)
    'vod-log-01'
    """
    return f"vod-log-{host + 1:02d}"


class Renderer:
    """Writes lines of one service; a function of the plays alone."""

    def __init__(self, config: ServiceConfig, catalogue: Catalogue) -> None:
        self._config = config
        self._customer = _customer_pieces(catalogue)
        self._title = _title_pieces(catalogue)
        self._viewer = viewer_pieces(config.seed)
        self._host = _pieces(_HOST % host_name(n) for n in range(config.hosts))
        self._time = _pieces(f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(86_400))
        self._ms = _pieces(f"{ms:03d}" for ms in range(1000))
        self._hit = _pieces([f"{n}" for n in range(_MAX_HIT + 1)] + [f'"{n}"' for n in range(_MAX_HIT + 1)])
        self._hex = _pieces(f"{n:04x}" for n in range(65_536))
        self._state = _pieces(map(_state, range(_STATES)))
        self._record = np.dtype([
            ("index", "S20"), ("index_day", "S10"), ("type", "S43"),
            ("day", "S10"), ("gap", "S1"), ("time", "S8"), ("dot", "S1"), ("ms", "S3"),
            ("host", self._host.dtype), ("customer", self._customer.dtype), ("title", self._title.dtype),
            ("hit_key", "S7"), ("hit", "S6"), ("eid_key", "S11"), ("eid", "S16"), ("sid_key", "S11"), ("sid", "S16"),
            ("state", self._state.dtype), ("viewer", self._viewer.dtype), ("end", "S6"),
        ])  # fmt: skip

    def lines(self, plays: Plays) -> bytes:
        """The lines of these plays in their order, each with its newline."""
        # a chunk that stays in the processor's cache is assembled twice as fast
        return b"".join(self._chunk(plays[at : at + _CHUNK]) for at in range(0, len(plays), _CHUNK))

    def _chunk(self, plays: Plays) -> bytes:
        records = np.zeros(len(plays), self._record)
        ids = np.ascontiguousarray(plays["eid"])
        bits = mixed(ids, 20)
        self._fill_time(records, plays["logged_us"] + SEOUL_US)
        records["host"] = self._host[plays["host"]]
        records["customer"] = self._customer[plays["customer"]]
        records["title"] = self._title[plays["title"]]
        records["hit_key"] = b'"hit": '
        text = share_of(ids, 21) < self._config.text_hits
        records["hit"] = self._hit[np.minimum(plays["hit"], _MAX_HIT) + text * (_MAX_HIT + 1)]
        records["eid_key"] = b', "eid": "'
        records["eid"] = self._hexed(ids)
        viewer = (bits % np.uint64(VIEWERS)).astype(np.int64)
        records["sid_key"] = b'", "sid": "'
        # one session for a viewer at a customer
        session = plays["customer"].astype(np.int64) * VIEWERS + viewer
        records["sid"] = self._hexed(mixed(session.view(np.uint64), 22))
        records["state"] = self._state[(bits >> np.uint64(20)) % np.uint64(len(self._state))]
        records["viewer"] = self._viewer[viewer]
        records["end"] = b"}}}}\n"
        spoil(records, ids, self._config)
        flat = records.view(np.uint8)
        return bytes(flat[flat != 0].tobytes())

    def _fill_time(self, records: NDArray[np.void], local_us: NDArray[np.int64]) -> None:
        days, which = np.unique(local_us // _DAY_US, return_inverse=True)
        names = days.astype("datetime64[D]").astype("S10")
        ms = local_us % _DAY_US // 1000
        records["index"] = b'{"_index": "player-'
        records["index_day"] = np.char.replace(names, b"-", b".")[which]
        records["type"] = b'", "_type": "log", "_source": {"logdate": "'
        records["day"] = names[which]
        records["gap"] = b" "
        records["time"] = self._time[ms // 1000]
        records["dot"] = b"."
        records["ms"] = self._ms[ms % 1000]

    def _hexed(self, bits: NDArray[np.uint64]) -> _Pieces:
        quarters = bits.astype(">u8").view(">u2")
        return np.asarray(self._hex[quarters].view("S16"))


_HOST = '", "host": "%s", "@version": "1", "@fields": {"level": "INFO", "params": {'


def _state(number: int) -> str:
    event, bitrate = _EVENTS[number % len(_EVENTS)], _BITRATES[number // 3 % len(_BITRATES)]
    return (
        f'", "evt": "{event}", "pos": {number * 7 % 7200}, "bitrate": {bitrate}, '
        f'"buf_ms": {number * 131 % 60_000}, "drop": {number * 5 % 41}, '
    )


def _pieces(texts: Iterable[str]) -> _Pieces:
    return np.array([text.encode() for text in texts])


def _customer_pieces(catalogue: Catalogue) -> _Pieces:
    return _pieces(
        f'"cpk": "{key}", "pfkey": "PF{rank * 7919 % 100_000:05d}", "origin": "{ORIGINS[origin]}", '
        for rank, (key, origin) in enumerate(zip(catalogue.customer_keys, catalogue.origin.tolist(), strict=True))
    )


def _title_pieces(catalogue: Catalogue) -> _Pieces:
    return _pieces(
        f'"base_mck": "{key}", "mck": "{key}-{rank % 24 + 1:02d}", "year": {year}, '
        f'"genre": "{_GENRES[rank * 31 % len(_GENRES)]}", "runtime": {(rank * 37 % 100 + 20) * 60}, '
        for rank, (key, year) in enumerate(zip(catalogue.title_keys, catalogue.year.tolist(), strict=True))
    )
