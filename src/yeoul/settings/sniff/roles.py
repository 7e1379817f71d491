"""Which members are keys, which are counted up, which one tells repeated events: by their names and their values."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from yeoul.settings.sniff.members import Member, words
from yeoul.settings.sniff.shapes import Path

__all__ = ["Role", "content_keys", "customer_keys", "event_ids", "plain_keys", "values_to_sum"]

_CUSTOMER = {
    **dict.fromkeys(("cpk", "customer", "customerid", "cust"), 9.0),
    **dict.fromkeys(("user", "usr", "userid", "uid", "account", "acct", "member", "subscriber", "viewer"), 8.0),
    **dict.fromkeys(("client", "profile", "tenant", "merchant", "buyer", "player", "shopper", "email"), 7.0),
    **dict.fromkeys(("device", "deviceid", "visitor", "ip", "addr"), 5.0),
    **dict.fromkeys(("host", "hostname", "instance", "sensor"), 2.0),
}
_CONTENT = {
    **dict.fromkeys(("mck", "content", "contentid", "title", "asset", "movie", "video", "program", "programme"), 9.0),
    **dict.fromkeys(("series", "sku", "product", "item", "article", "track", "song", "vod", "media", "game"), 8.0),
    **dict.fromkeys(("channel", "path", "url", "uri", "page", "route", "endpoint", "episode", "book"), 6.0),
    **dict.fromkeys(("category", "genre", "topic", "action", "operation"), 3.0),
}
_SUMMED = {
    **dict.fromkeys(("hit", "hits"), 10.0),
    **dict.fromkeys(("count", "cnt", "qty", "quantity", "plays", "views", "clicks", "requests", "units"), 9.0),
    **dict.fromkeys(("amount", "revenue", "price", "total", "spend", "cost", "paid"), 7.0),
    **dict.fromkeys(("bytes", "size", "sent", "volume"), 6.0),
    **dict.fromkeys(("duration", "elapsed", "latency", "watched", "seconds", "took"), 5.0),
}
_EVENT_ID = {"eid", "uuid", "guid", "eventid", "msgid", "messageid"}
_EVENT_OF = {"event", "message", "msg", "request", "req", "record", "transaction", "txn", "log", "row"}
_ID = {"id", "key", "no", "num", "code", "pk", "sn", "uuid", "number"}
_ABOUT = {
    *("type", "count", "agent", "status", "level", "group", "region", "country", "lang", "language", "version", "age"),
    *("ua", "gender", "length", "size", "time", "date", "year", "session", "plan", "tier", "port", "role", "os"),
}
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")
_LONGEST_KEY = 200.0
_FEW = 20
"""Fewer lines than this tell nothing about how often values repeat."""


@dataclass(frozen=True, slots=True)
class Role:
    """A member that may play a part."""

    member: Member
    score: float
    """Higher is likelier; 8 and more: by its name there is hardly a doubt."""


def customer_keys(members: Sequence[Member]) -> list[Role]:
    """Members that name who acts, the likeliest first."""
    return _keys(members, _CUSTOMER)


def content_keys(members: Sequence[Member]) -> list[Role]:
    """Members that name what is acted upon, the likeliest first."""
    return _keys(members, _CONTENT)


def plain_keys(members: Sequence[Member]) -> list[Role]:
    """Members whose values repeat as those of a key do, the one with most values first."""
    found = []
    for member in members:
        repeats = member.distinct <= 0.5 * member.present or member.total < _FEW
        if _may_be_key(member) and repeats and member.length <= 40 and member.type != "bool":
            found.append(Role(member, float(member.distinct)))
    return sorted(found, key=lambda role: -role.score)


def values_to_sum(members: Sequence[Member], taken: Collection[Path]) -> list[Role]:
    """Numbers that are worth adding up, the likeliest first."""
    found = []
    for member in members:
        name = words(member.path)
        if not member.numeric or member.path in taken or set(name) & _ID or member.share < 0.5:
            continue
        score = max((_SUMMED.get(word, 0.0) for word in name), default=0.0)
        if score:
            found.append(Role(member, score - 0.3 * (len(name) - 1)))
    return sorted(found, key=lambda role: -role.score)


def event_ids(members: Sequence[Member], taken: Collection[Path]) -> list[Role]:
    """Members that are different in (nearly) every line and look like the number of an event."""
    found = []
    for member in members:
        unique = member.distinct >= 0.97 * member.present and member.share >= 0.97
        if member.path in taken or member.type not in {"str", "int"} or not unique or member.total < 3:
            continue
        name = set(words(member.path))
        joined = "".join(words(member.path))
        of_event = joined in _EVENT_ID or bool(name & _EVENT_OF and name & _ID)
        alone = name <= _ID and "id" in name
        shaped = all(_UUID.fullmatch(text.rstrip("…")) for text in member.examples)
        score = 9.0 * of_event or 7.0 * alone or 5.0 * shaped
        if score:
            found.append(Role(member, score))
    return sorted(found, key=lambda role: -role.score)


def _keys(members: Sequence[Member], names: dict[str, float]) -> list[Role]:
    found = []
    for member in members:
        name = words(member.path)
        weights = [names[word] for word in ("".join(name), *name) if word in names]
        if not weights or not _may_be_key(member):
            continue
        score = max(weights) + 0.5 * bool(set(name) & _ID) - 4.0 * len(set(name) & _ABOUT)
        # of two names for the same thing the broader one: base_mck before mck, customer before customer_device
        score += 0.3 * ("base" in name) - 0.1 * len(member.path)
        if member.total >= _FEW and member.distinct > 0.95 * member.present:
            score -= 3.0
        if member.total >= _FEW and member.distinct < 2:
            score -= 5.0
        if score > 0:
            found.append(Role(member, score))
    return sorted(found, key=lambda role: -role.score)


def _may_be_key(member: Member) -> bool:
    return member.type in {"str", "int", "bool"} and member.share >= 0.8 and member.length <= _LONGEST_KEY
