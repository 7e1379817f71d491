"""What a notifier must do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

__all__ = ["Notifier"]


class Notifier(Protocol):
    """Tells somebody of one change. The caller promises: one thread; messages of one incident in their order."""

    def send(self, body: Mapping[str, Any], *, idempotency_key: str) -> None:
        """Send one message and wait until it is heard, at most some seconds.

        A repeat has the same key, by which the receiver can tell that it heard this before.

        Raises:
            TransientError: not heard; the same message may be heard later.
            InputError: refused; the same message will be refused again unless somebody changes something.
        """

    def close(self) -> None:
        """Let go of connections; may be called twice."""
