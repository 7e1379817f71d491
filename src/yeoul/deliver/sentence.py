"""One sentence for people about a change of an incident, from the members of its message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["sentence"]

_CHANGES = {
    "opened": "Abnormal",
    "grown": "Still abnormal, more of it",
    "merged": "Part of another incident now",
    "closed": "Over",
}
_NAMED = 3


def sentence(body: Mapping[str, Any]) -> str:
    """What happened to whom, in one line; members that are absent are left out.

    >>> sentence({"change": "opened", "block": "customers", "keys": [{"cpk": "C7"}], "observed": 1240.0,
    ...           "expected": 310.5, "opened_at": "2026-03-02T11:10:00Z"})
    'Abnormal: cpk C7 (customers), observed 1240 where 310.5 is normal (4.0 times), since 2026-03-02T11:10:00Z'
    """
    change = str(body.get("change", ""))
    if change.startswith("drift_"):
        return _drift(body, over=change == "drift_ended")
    parts = [f"{_CHANGES.get(change, change or 'Changed')}: {_who(body)}"]
    observed, expected = body.get("observed"), body.get("expected")
    if observed is not None and expected is not None:
        times = f" ({observed / expected:.1f} times)" if expected > 0 and observed > expected else ""
        parts.append(f"observed {observed:g} where {expected:g} is normal{times}")
    since = body.get("since") or body.get("opened_at")
    if since:
        parts.append(f"since {since}")
    causes = body.get("causes") or []
    if causes:
        return ", ".join([*parts, *(_cause(each) for each in causes[:_NAMED])])
    contributors = body.get("contributors") or []
    if contributors:
        parts.append(f"most of it {_key(contributors[0]['key'])}")
    return ", ".join(parts)


def _cause(cause: Mapping[str, Any]) -> str:
    """What abnormal keys share."""
    since = f" at {cause['since']}" if cause.get("since") else ""
    return f"{cause.get('keys')} of {cause.get('of')} {cause.get('direction')} {_key(cause['key'])}{since}"


def _drift(body: Mapping[str, Any], *, over: bool) -> str:
    """Rows that are refused because what writes them has changed."""
    stream, reason, since = body.get("stream"), body.get("reason"), body.get("since")
    if over:
        return f"Over: schema drift in stream {stream}, {body.get('rows')} rows refused since {since}: {reason}"
    return f"Schema drift in stream {stream}: {body.get('share', 0):.1%} of its rows refused since {since}: {reason}"


def _who(body: Mapping[str, Any]) -> str:
    keys = body.get("keys") or []
    total = max(body.get("keys_total") or 0, len(keys))
    named = "; ".join(_key(key) for key in keys[:_NAMED])
    more = f" and {total - _NAMED} more" if total > _NAMED else ""
    block = body.get("block")
    return f"{named or 'unknown'}{more}{f' ({block})' if block else ''}"


def _key(key: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {text}" for name, text in key.items())
