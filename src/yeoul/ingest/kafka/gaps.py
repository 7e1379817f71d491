"""Messages that the client library passed over: a gap in the offsets is fetched once more before it is believed."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["Gaps"]


class Gaps:
    """Of a partition.

    Offsets without a message are usual: a transaction ends in one, a compacted topic is full of them. Yet in the wake
    of an outage a message was seen to be passed over that was there.
    """

    comes_again = False
    """Whether what comes now is passed over, for it is asked for once more."""
    _doubted = -1
    """Offset that was asked for once more."""

    @property
    def fetched(self) -> int:
        """Offset of the next message that the client library is asked for."""
        raise NotImplementedError

    def before_gap(self, offsets: Sequence[int]) -> int | None:
        """How many come before the first offset that is passed over and not doubted yet; None where there is none.

        From `fetched` on, when those before it are taken, it is to be fetched once more, and is believed when it comes
        again.
        """
        expected = self.fetched
        for count, offset in enumerate(offsets):
            if offset > expected != self._doubted:
                self._doubted, self.comes_again = expected, True
                return count
            expected = offset + 1
        return None
