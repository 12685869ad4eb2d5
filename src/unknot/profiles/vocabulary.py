"""Everything that a profile says and hears, by name; used by what explains bytes and by what weighs the examples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unknot.errors import FrameMismatch
from unknot.profiles.lines import slots, templates
from unknot.profiles.writekind import WriteKind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from unknot.profiles import phrases
    from unknot.profiles.frames.keyed import AnyFrame
    from unknot.profiles.lines import Slot, Template
    from unknot.profiles.model import FirmwareProfile


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report or a refusal.

    Attributes:
        kind: "report" or "refusal".
        name: its name in the file.
        source: the name of the characteristic that it comes from.
        frame: its bytes.
        slots: its slots.
        lengths: the least and the greatest number of bytes, or None.
    """

    kind: str
    name: str
    source: str
    frame: AnyFrame
    slots: tuple[Slot, ...]
    lengths: tuple[int, int] | None


def said(profile: FirmwareProfile) -> dict[str, tuple[Template, ...]]:
    """What is written, by name: "set_level", "stop", "init 1", "keep_alive 2"."""
    book = {
        name: templates(profile, writes, WriteKind.REQUEST if name == "stop" else None)
        for name, writes in profile.commands.items()
    }
    for number, step in enumerate(profile.init, 1):
        if step.write is not None:
            book[f"init {number}"] = templates(profile, (step.write,), None)
    for number, kept in enumerate(profile.keep_alive, 1):
        book[f"keep_alive {number}"] = templates(profile, (kept.write,), None)
    return book


def heard(profile: FirmwareProfile) -> tuple[Arrival, ...]:
    """What arrives: refusals first, since a report may be less particular."""

    def arrival(kind: str, name: str, one: phrases.Report) -> Arrival:
        own = slots({**profile.values, **one.values}, one.frame)
        return Arrival(kind, name, one.source, one.frame, own, one.lengths)

    refusals = (arrival("refusal", name, one) for name, one in profile.refusals.items())
    return (*refusals, *(arrival("report", name, one) for name, one in profile.reports.items()))


def joined(
    lines: Sequence[Template], writes: Sequence[bytes], opened: Callable[[str, bytes], bytes]
) -> Iterator[tuple[Template, int, bytes]]:
    """Each line with the number of writes that it took, and the frame that they make together.

    Args:
        lines: what was said.
        writes: what was written for it, in order.
        opened: the frame in what goes over the air to a characteristic; raises `FrameMismatch`.
    """
    at = 0
    for line in lines:
        end = at + 1
        while line.pieces and end < len(writes) and not _is_whole(line, b"".join(writes[at:end]), opened):
            end += 1
        yield line, end - at, opened(line.to, b"".join(writes[at:end]))
        at = end


def _is_whole(line: Template, data: bytes, opened: Callable[[str, bytes], bytes]) -> bool:
    try:
        line.frame.unpack(opened(line.to, data))
    except FrameMismatch:
        return False
    return True
