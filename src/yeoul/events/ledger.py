"""The ledger: each row read is exactly one of six classes, and the sum always adds up."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["CLASSES", "Ledger"]

CLASSES = ("counted", "late", "future", "invalid", "duplicate", "filtered")


@dataclass(slots=True)
class Ledger:
    """Rows by class, and the bytes of their lines.

    >>> book = Ledger(read=3, counted=2, invalid=1)
    >>> book.balanced()
    True
    """

    read: int = 0
    counted: int = 0
    late: int = 0
    future: int = 0
    invalid: int = 0
    duplicate: int = 0
    filtered: int = 0
    bytes: int = 0

    def balanced(self) -> bool:
        """Whether `read` is the sum of the six classes."""
        return self.read == (self.counted + self.late + self.future + self.invalid + self.duplicate + self.filtered)

    def add(self, other: Ledger) -> None:
        """Book another ledger's rows here."""
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    def as_dict(self) -> dict[str, int]:
        """Plain members, in the order in which they are shown."""
        return asdict(self)
