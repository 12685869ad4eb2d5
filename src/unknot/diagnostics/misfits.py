"""What the validators of a file's models raise; used by all models, through `unknot.datafile`."""

from __future__ import annotations


class Misfit(ValueError):
    """Raised by a model's own validators when two keys of a file do not fit each other.

    Attributes:
        key: the dotted key to mend.
        found: what stands there.
        expected: what should stand there.
    """

    def __init__(self, key: str, found: str, expected: str) -> None:
        self.key = key
        self.found = found
        self.expected = expected
        super().__init__(f"{key}: found {found}; expected {expected}")


class StrayKey(Misfit):
    """Raised for a key that should not stand there, whatever its value."""
