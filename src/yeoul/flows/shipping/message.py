"""What is sent of a line: all of it, or the fields that are declared; and by which key."""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from yeoul.errors import InputError
from yeoul.flows.sinks import Members, Pruned

__all__ = ["Shape"]

_Object = dict[str, msgspec.Raw]
_object = msgspec.json.Decoder(_Object)


class _Sent(NamedTuple):
    value: bytes
    key: bytes | None


class Shape:
    r"""Makes messages of lines.

    Args:
        key: path of the member whose value is the key; None: no keys.
        fields: where members go and come from; empty: the whole line, byte for byte.

    >>> nested = Shape(("a", "c"), ((("a", "c"), ("a", "c")),))
    >>> nested.of(b'{"a": {"b": 1, "c": "x"}, "secret": 2}')
    _Sent(value=b'{"a":{"c":"x"}}', key=b'x')
    >>> Shape(("n",), ((("hits",), ("a", "b")),)).of(b'{"a": {"b": 1.50}, "n": 7}')
    _Sent(value=b'{"hits":1.50}', key=b'7')
    """

    def __init__(self, key: Members | None, fields: Pruned) -> None:
        self._key = key
        self._fields = fields

    def of(self, line: bytes) -> _Sent:
        """The message of a line without its end.

        A line that cannot be read has no key; whole lines go out all the same. Values keep their bytes.

        Raises:
            InputError: fields are to be taken from it, and it is no JSON object.
        """
        if self._key is None and not self._fields:
            return _Sent(line, None)
        try:
            members = _object.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            if not self._fields:
                return _Sent(line, None)
            message = f"the line is no JSON object ({error}); its declared fields cannot be told from the rest"
            raise InputError(message) from error
        opened: dict[Members, _Object | None] = {(): members}
        key = None if self._key is None else _key(_find(opened, self._key))
        if not self._fields:
            return _Sent(line, key)
        pruned: dict[str, Any] = {}
        for to, path in self._fields:
            raw = _find(opened, path)
            if raw is not None:
                inner = pruned
                for name in to[:-1]:
                    inner = inner.setdefault(name, {})
                inner[to[-1]] = raw
        return _Sent(msgspec.json.encode(pruned), key)


def _find(opened: dict[Members, _Object | None], path: Members) -> msgspec.Raw | None:
    """The bytes of a member; objects on the way are opened once."""
    members = _open(opened, path[:-1])
    return None if members is None else members.get(path[-1])


def _open(opened: dict[Members, _Object | None], path: Members) -> _Object | None:
    if path not in opened:
        raw = _find(opened, path)
        try:
            opened[path] = None if raw is None else _object.decode(raw)
        except msgspec.DecodeError:
            opened[path] = None  # not an object
    return opened[path]


def _key(raw: msgspec.Raw | None) -> bytes | None:
    """A text's own characters, anything else as JSON writes it; none for null."""
    if raw is None:
        return None
    data = bytes(raw)
    if data.startswith(b'"'):
        try:
            return str(msgspec.json.decode(data, type=str)).encode()
        except (msgspec.DecodeError, UnicodeError):
            return None
    return None if data == b"null" else data
