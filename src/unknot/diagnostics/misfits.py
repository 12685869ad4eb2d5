"""What the validators of a file's models raise; used by all models, through `unknot.datafile`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Where = Callable[[str], tuple[int, int] | None]
    """Of a text: the index of the first character that is wrong and how many are; None if it has no such place."""


class Misfit(ValueError):
    """Raised by a model's own validators when two keys of a file do not fit each other.

    Attributes:
        key: the dotted key to mend; lists count from 0.
        found: what stands there.
        expected: what should stand there.
        right: the words of which one was probably meant; if there are none, those that ``expected`` lists.
        where: finds what is wrong in the text at that key; None if all of it is.
    """

    def __init__(
        self, key: str, found: str, expected: str, *, right: Iterable[str] = (), where: Where | None = None
    ) -> None:
        self.key = key
        self.found = found
        self.expected = expected
        self.right = tuple(right)
        self.where = where
        super().__init__(f"{key}: found {found}; expected {expected}")


class StrayKey(Misfit):
    """Raised for a key that should not stand there, whatever its value."""
