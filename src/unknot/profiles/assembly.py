"""Frames put together from notifications, which cut them and join them as they like; used by the links of both ends.

What begins and ends a frame stands in the profile (``assemble = {…}``); what stands between frames is foreign text and
is dropped. Pure, and bounded: whatever arrives, no more than `HELD_MAX` bytes are kept.
"""

from __future__ import annotations

from typing import Annotated, Literal, Protocol

from pydantic import BeforeValidator, Field, model_validator

from unknot.profiles.fields import in_schema
from unknot.profiles.frames.frame import MAX_BYTES
from unknot.profiles.section import Section

MARKER_MAX = 16
"""A start or an end is no longer, in bytes (judgement: real ones have one or two)."""

HELD_MAX = 2 * MAX_BYTES
"""So many bytes are kept at most: half a frame, and the last of what was dropped, each no longer than a frame."""


def _marker(text: object) -> bytes:
    try:
        if not isinstance(text, str):
            raise ValueError  # noqa: TRY004 - pydantic collects ValueErrors
        marker = bytes.fromhex(text)
    except ValueError:
        marker = b""
    if not 1 <= len(marker) <= MARKER_MAX:
        raise ValueError(f'1 to {MARKER_MAX} bytes in hex, such as "0D 0A"')
    return marker


Marker = Annotated[bytes, BeforeValidator(_marker), in_schema("bytes in hex", r"\s*([0-9A-Fa-f]{2}\s*)+")]
"""The bytes that begin or end a frame."""


class LengthField(Section):
    """Where a frame says how long it is.

    Attributes:
        at: index of the field in the frame.
        type: its width and byte order.
        plus: what has to be added for the length of the whole frame in bytes.
    """

    at: Annotated[int, Field(strict=True, ge=0, lt=MAX_BYTES)]
    type: Literal["u8", "u16le", "u16be"]
    plus: Annotated[int, Field(strict=True, ge=-MAX_BYTES, le=MAX_BYTES)] = 0

    @model_validator(mode="after")
    def _is_reached(self) -> LengthField:
        if self.end > MAX_BYTES:
            raise ValueError(f"a field that ends within the {MAX_BYTES} bytes of the longest frame")
        if (256 if self.type == "u8" else 65536) + self.plus <= self.end:
            raise ValueError(f"a plus that makes frames of at least {self.end} bytes possible")
        return self

    @property
    def end(self) -> int:
        """The index after the field: a frame is no shorter."""
        return self.at + (1 if self.type == "u8" else 2)

    def whole(self, frame: bytes) -> int:
        """The length of the whole frame in bytes, as its begin, up to `end` at least, has it."""
        return int.from_bytes(frame[self.at : self.end], "little" if self.type == "u16le" else "big") + self.plus


class Assembly(Section):
    """How a frame is told from the next: by its end, by its length field, or by its size; with a start or without.

    Attributes:
        start: the bytes that begin every frame.
        until: the bytes that end every frame; they belong to it.
        length: where it says how long it is.
        size: bytes in every frame.
    """

    start: Marker = b""
    until: Marker = b""
    length: LengthField | None = None
    size: Annotated[int, Field(strict=True, ge=1, le=MAX_BYTES)] | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Assembly:
        ends = [name for name in ("until", "length", "size") if getattr(self, name)]
        if len(ends) != 1:
            raise ValueError(f"one of until, length and size, not {' and '.join(ends) or 'none of them'}")
        if self.length is not None and self.length.at < len(self.start):
            raise ValueError(f"length.at of at least {len(self.start)}, after the start")
        if self.size is not None and self.size <= len(self.start):
            raise ValueError(f"a size of more than {len(self.start)}, the bytes of the start")
        return self


class Ending(Protocol):
    """What knows where a frame ends that begins with the first byte."""

    def length(self, begun: bytes) -> int | None:
        """The length of the frame in bytes; 0 if it can be none; None if more must arrive to know."""


class Until:
    """A frame ends with the first end after its start."""

    def __init__(self, assembly: Assembly) -> None:
        self._start, self._until = assembly.start, assembly.until

    def length(self, begun: bytes) -> int | None:
        """As `Ending` has it; the longest frame, still without an end, is none."""
        at = begun.find(self._until, len(self._start))
        if at < 0:
            return None if len(begun) < MAX_BYTES else 0
        # Where one byte both begins and ends frames (SLIP), an empty frame is the end of a lost one and a start.
        is_between = at == len(self._start) and self._until == self._start
        return 0 if is_between else at + len(self._until)


class ByLength:
    """A frame is as long as it says."""

    def __init__(self, field: LengthField) -> None:
        self._field = field

    def length(self, begun: bytes) -> int | None:
        """As `Ending` has it; a length that ends before its own field or beyond the longest frame is none."""
        if len(begun) < self._field.end:
            return None
        whole = self._field.whole(begun)
        return whole if self._field.end <= whole <= MAX_BYTES else 0


class OfSize:
    """All frames are of one size."""

    def __init__(self, size: int) -> None:
        self._size = size

    def length(self, begun: bytes) -> int | None:  # noqa: ARG002 - one signature for all endings
        """As `Ending` has it."""
        return self._size


def _ending(assembly: Assembly) -> Ending:
    if assembly.length is not None:
        return ByLength(assembly.length)
    return OfSize(assembly.size) if assembly.size is not None else Until(assembly)


class Assembler:
    """Puts the frames of one characteristic together.

    Args:
        assembly: how a frame is told from the next.

    Attributes:
        dropped: bytes of foreign text that were thrown away since the begin.
        last_dropped: the last piece of it, as far as no frame came in between; its end, if it is longer than a frame.
    """

    def __init__(self, assembly: Assembly) -> None:
        self.dropped = 0
        self.last_dropped = b""
        self._start = assembly.start
        self._ending = _ending(assembly)
        self._held = b""
        self._goes_on = False
        """Whether what is dropped next goes on with the last piece."""

    def feed(self, data: bytes | bytearray) -> list[bytes]:
        """Take a notification; the frames that are whole with it, in order, start and end included. Never raises."""
        frames: list[bytes] = []
        at = 0
        while at < len(data):
            # What is held is less than a frame here, so that every round takes something.
            taken = data[at : at + MAX_BYTES - len(self._held)]
            at += len(taken)
            self._held += taken
            self._cut(frames)
        return frames

    def reset(self) -> None:
        """Forget half a frame, because the link was lost in between; what was counted stays."""
        self._held = b""
        self._goes_on = False

    def _cut(self, frames: list[bytes]) -> None:
        """Move what is whole out of what is held; less than the longest frame stays."""
        while self._held:
            begin = self._held.find(self._start)
            if begin < 0:
                self._drop(len(self._held) - self._begun_start())
                return
            self._drop(begin)
            length = self._ending.length(self._held)
            if length == 0:
                self._drop(1)
            elif length is None or length > len(self._held):
                return
            else:
                frames.append(self._held[:length])
                self._held = self._held[length:]
                self._goes_on = False

    def _begun_start(self) -> int:
        """How many bytes at the end may be the first of a start."""
        return next(n for n in range(len(self._start) - 1, -1, -1) if self._held.endswith(self._start[:n]))

    def _drop(self, count: int) -> None:
        if count:
            piece = self._held[:count]
            self.dropped += count
            self.last_dropped = ((self.last_dropped if self._goes_on else b"") + piece)[-MAX_BYTES:]
            self._goes_on = True
            self._held = self._held[count:]
