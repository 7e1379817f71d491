"""Key texts and the small numbers that stand for them while the engine works; a number is never given twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["KeyTable", "key_text"]


def key_text(value: object) -> str:
    """The text of a key's value, as JSON writes it.

    >>> key_text(True), key_text(7), key_text("c1")
    ('true', '7', 'c1')
    """
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Codes(dict[str, int]):
    """Code by text; an unknown text gets the next code."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0
        self.new: list[tuple[int, str]] = []

    def __missing__(self, text: str) -> int:
        code = self[text] = self.next
        self.next = code + 1
        self.new.append((code, text))
        return code


class KeyTable:
    """Texts of one key field.

    >>> table = KeyTable()
    >>> table.encode(["b", "a", "b"]).tolist()
    [0, 1, 0]
    >>> table.text(1)
    'a'
    """

    def __init__(self) -> None:
        self._codes = _Codes()
        self._texts: dict[int, str] = {}
        self._fresh: list[tuple[int, str]] = []
        self._newest_us = np.zeros(0, np.int64)
        """By code: end of the newest window that refers to it; after a restart, when it was first asked."""

    def __len__(self) -> int:
        return len(self._codes)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int32]:
        """A code for each text."""
        return np.fromiter(map(self._codes.__getitem__, texts), np.int32, len(texts))

    def text(self, code: int) -> str:
        """The text of a code."""
        self._sync()
        return self._texts[code]

    def texts(self, codes: NDArray[np.int32]) -> list[str]:
        """The texts of codes."""
        self._sync()
        return list(map(self._texts.__getitem__, codes.tolist()))

    def code(self, text: str) -> int | None:
        """The code of a text, if it was ever seen."""
        return self._codes.get(text)

    def take_new(self) -> list[tuple[int, str]]:
        """Codes given since the last call: they go into the next checkpoint."""
        self._sync()
        fresh, self._fresh = self._fresh, []
        return fresh

    def restore(self, pairs: Iterable[tuple[int, str]], next_code: int) -> None:
        """Take over what a state file holds."""
        for code, text in pairs:
            self._codes[text] = code
            self._texts[code] = text
        self._codes.next = max(next_code, self._codes.next)

    def touch(self, codes: NDArray[np.int32], at_us: int) -> None:
        """A window that ends at `at_us` refers to these codes."""
        if len(self._newest_us) < self._codes.next:
            more = np.full(max(1024, self._codes.next), at_us, np.int64)
            self._newest_us = np.concatenate((self._newest_us, more))
        self._newest_us[codes] = np.maximum(self._newest_us[codes], at_us)

    def idle_since(self, before_us: int) -> list[int]:
        """Codes in use to which no window after `before_us` refers."""
        known = [code for code in self.known() if code < len(self._newest_us)]
        return [code for code in known if self._newest_us[code] <= before_us]

    def forget(self, codes: Iterable[int]) -> None:
        """Drop texts that nothing refers to any more; their codes are not used again."""
        self._sync()
        for code in codes:
            text = self._texts.pop(code, None)
            if text is not None:
                del self._codes[text]

    @property
    def next_code(self) -> int:
        """The code that the next new text gets."""
        return self._codes.next

    def known(self) -> list[int]:
        """All codes in use."""
        self._sync()
        return list(self._texts)

    def _sync(self) -> None:
        # encoding is the hot path: it only notes what is new, the way back is made when somebody asks
        if self._codes.new:
            self._texts.update(self._codes.new)
            self._fresh += self._codes.new
            self._codes.new = []
