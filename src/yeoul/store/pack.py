"""Plain members and NumPy arrays as bytes: checksummed, compressed, never pickle."""

from __future__ import annotations

import zlib
from typing import Any

import msgspec
import numpy as np

from yeoul.errors import DamagedError, StateError

__all__ = ["pack", "unpack"]

_ARRAY = 1
_MAGIC = b"Y1"


def _encode(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        if value.dtype.kind == "O":
            message = f"cannot keep an array of objects (shape {value.shape})"
            raise StateError(message)
        header = f"{value.dtype.str}:{','.join(map(str, value.shape))}:".encode()
        return msgspec.msgpack.Ext(_ARRAY, header + np.ascontiguousarray(value).tobytes())
    if isinstance(value, np.generic):
        return value.item()
    message = f"cannot keep a `{type(value).__name__}`"
    raise StateError(message)


def _decode(code: int, data: memoryview) -> Any:
    if code != _ARRAY:
        message = f"got an unknown member (code {code}) in kept state"
        raise StateError(message)
    dtype, shape, body = bytes(data).split(b":", 2)
    sizes = tuple(int(size) for size in shape.split(b",")) if shape else ()
    return np.frombuffer(body, dtype=np.dtype(dtype.decode())).reshape(sizes).copy()


def pack(value: Any, level: int = 1) -> bytes:
    """Bytes of `value`: dicts, lists, numbers, text, bytes, and NumPy arrays of numbers inside them.

    `level` is zlib's: 0 for what cannot be made smaller.

    >>> unpack(pack({"seq": 3, "level": np.array([1.5, 2.0])}))["level"]
    array([1.5, 2. ])
    """
    body = msgspec.msgpack.encode(value, enc_hook=_encode)
    packed = zlib.compress(body, level)
    return _MAGIC + zlib.crc32(packed).to_bytes(4, "little") + packed


def unpack(data: bytes) -> Any:
    """What `pack` was given.

    Raises:
        DamagedError: they are not the bytes that were written.
    """
    if data[:2] != _MAGIC or zlib.crc32(data[6:]) != int.from_bytes(data[2:6], "little"):
        message = f"kept state is damaged: a block of {len(data)} bytes does not match its checksum"
        raise DamagedError(message)
    return msgspec.msgpack.decode(zlib.decompress(data[6:]), ext_hook=_decode)
