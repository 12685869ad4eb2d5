from __future__ import annotations

from itertools import accumulate, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from unknot.profiles.assembly import HELD_MAX, Assembler, Assembly
from unknot.profiles.frames.frame import MAX_BYTES


def read(**keys: object) -> Assembly:
    return Assembly.model_validate(keys)


EMS = read(start="68 79", until="0D 0A")
EMS_BY_LENGTH = read(start="68 79", length={"at": 2, "type": "u16be", "plus": 0})
FIVE_A = read(start="5A", length={"at": 4, "type": "u8", "plus": 6})
RONGTAI = read(start="F0", size=17)
BUZZ = read(until="04")
SLIP = read(start="C0", until="C0")
BARE_LENGTH = read(length={"at": 0, "type": "u16le", "plus": 2})
BARE_SIZE = read(size=3)
ALL = [EMS, EMS_BY_LENGTH, FIVE_A, RONGTAI, BUZZ, SLIP, BARE_LENGTH, BARE_SIZE]

INTENSITY = bytes.fromhex("68 79 00 0B 01 02 05 32 21 0D 0A")
TIMER = bytes.fromhex("68 79 00 0C 01 08 02 58 D5 6E 0D 0A")
START = bytes.fromhex("5A 01 01 02 02 01 01 62")
INFO = bytes.fromhex("5A 01 01 09 01 00 66")


@pytest.mark.parametrize(
    ("assembly", "notifications", "frames"),
    [
        (EMS, [INTENSITY], [INTENSITY]),
        (EMS, [INTENSITY + TIMER], [INTENSITY, TIMER]),
        (EMS, [INTENSITY[:1], INTENSITY[1:]], [INTENSITY]),
        (EMS, [INTENSITY[:-1], INTENSITY[-1:] + TIMER[:1], TIMER[1:]], [INTENSITY, TIMER]),
        (EMS, [b"hello\r\n", b"\x68" + INTENSITY], [INTENSITY]),
        (EMS_BY_LENGTH, [INTENSITY + TIMER[:3], TIMER[3:]], [INTENSITY, TIMER]),
        (EMS_BY_LENGTH, [bytes.fromhex("68 79 00 03") + INTENSITY], [INTENSITY]),
        (EMS_BY_LENGTH, [bytes.fromhex("68 79 02 01") + INTENSITY], [INTENSITY]),
        (FIVE_A, [START + INFO], [START, INFO]),
        (RONGTAI, [b"\x00\xf0" + bytes(15), b"\xf1\xf0"], [b"\xf0" + bytes(15) + b"\xf1"]),
        (
            BUZZ,
            [b"STATUS:RUNNING\nELAPS", b"ED:5\n\x04", b"PONG\n\x04"],
            [b"STATUS:RUNNING\nELAPSED:5\n\x04", b"PONG\n\x04"],
        ),
        (SLIP, [b"lost\xc0\xc0ab\xc0", b"\xc0c\xc0"], [b"\xc0ab\xc0", b"\xc0c\xc0"]),
        (BARE_LENGTH, [b"\x01\x00a\x00\x00\x02", b"\x00bc"], [b"\x01\x00a", b"\x00\x00", b"\x02\x00bc"]),
        (BARE_SIZE, [b"abcd", b"ef"], [b"abc", b"def"]),
        (EMS, [b""], []),
    ],
)
def test_notifications_become_the_frames_that_were_sent(
    assembly: Assembly, notifications: list[bytes], frames: list[bytes]
) -> None:
    assembler = Assembler(assembly)
    assert [frame for notification in notifications for frame in assembler.feed(notification)] == frames


def test_what_is_taken_from_a_bytearray_is_bytes() -> None:
    frames = Assembler(EMS).feed(bytearray(INTENSITY))
    assert frames == [INTENSITY]
    assert type(frames[0]) is bytes


def test_foreign_text_is_counted_and_its_last_piece_is_kept() -> None:
    assembler = Assembler(EMS)
    assembler.feed(b"boot ok\n")
    assembler.feed(b"v1\n" + INTENSITY)
    assert (assembler.dropped, assembler.last_dropped) == (11, b"boot ok\nv1\n")
    assembler.feed(b"x" + TIMER)
    assert (assembler.dropped, assembler.last_dropped) == (12, b"x")


def test_a_reset_forgets_half_a_frame_and_keeps_the_count() -> None:
    assembler = Assembler(EMS)
    assembler.feed(b"x" + INTENSITY[:5])
    assembler.reset()
    assert assembler.feed(TIMER) == [TIMER]
    assert (assembler.dropped, assembler.last_dropped) == (1, b"x")


@pytest.mark.parametrize(
    ("length", "comes_out"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)], ids=["the longest", "one byte more"]
)
def test_a_frame_with_an_end_is_as_long_as_a_value_of_gatt(length: int, comes_out: bool) -> None:
    frame = b"\x68\x79" + bytes(length - 4) + b"\r\n"
    assembler = Assembler(EMS)
    assert assembler.feed(frame + INTENSITY) == ([frame, INTENSITY] if comes_out else [INTENSITY])
    assert assembler.dropped == (0 if comes_out else length)


@pytest.mark.parametrize(
    ("length", "comes_out"), [(MAX_BYTES, True), (MAX_BYTES + 1, False)], ids=["the longest", "one byte more"]
)
def test_a_frame_that_says_its_length_is_as_long_as_a_value_of_gatt(length: int, comes_out: bool) -> None:
    frame = b"\x68\x79" + length.to_bytes(2, "big") + bytes(length - 4)
    assert Assembler(EMS_BY_LENGTH).feed(frame + INTENSITY) == ([frame, INTENSITY] if comes_out else [INTENSITY])


def test_a_start_within_a_frame_that_never_ends_begins_the_next() -> None:
    assembler = Assembler(EMS)
    assert assembler.feed(b"\x68\x79" + bytes(MAX_BYTES - 7) + INTENSITY[:5]) == []
    assert assembler.feed(INTENSITY[5:]) == [INTENSITY]


def test_text_without_an_end_does_not_keep_back_the_frame_after_it() -> None:
    assembler = Assembler(BUZZ)
    frames = assembler.feed(b"debug line\n" * 100 + b"BATTERY:80\n\x04")
    assert len(frames) == 1
    assert frames[0].endswith(b"debug line\nBATTERY:80\n\x04")
    assert len(frames[0]) == MAX_BYTES


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, "one of until, length and size, not none of them"),
        ({"start": "68 79"}, "one of until, length and size, not none of them"),
        ({"until": "0D", "size": 3}, "one of until, length and size, not until and size"),
        ({"until": "0D", "length": {"at": 0, "type": "u8"}}, "one of until, length and size, not until and length"),
        ({"start": "6", "size": 3}, "1 to 16 bytes in hex"),
        ({"until": ""}, "1 to 16 bytes in hex"),
        ({"until": "00" * 17}, "1 to 16 bytes in hex"),
        ({"until": 13}, "1 to 16 bytes in hex"),
        ({"size": 0}, "greater than or equal to 1"),
        ({"size": 513}, "less than or equal to 512"),
        ({"size": True}, "a valid integer"),
        ({"start": "68 79", "size": 2}, "a size of more than 2"),
        ({"start": "68 79", "length": {"at": 1, "type": "u8"}}, "length.at of at least 2"),
        ({"length": {"at": 511, "type": "u16le"}}, "a field that ends within the 512 bytes"),
        ({"length": {"at": 0, "type": "u8", "plus": -255}}, "frames of at least 1 bytes possible"),
        ({"length": {"at": 0, "type": "u24be"}}, "'u8', 'u16le' or 'u16be'"),
        ({"length": {"at": 0, "type": "u8", "minus": 1}}, "Extra inputs"),
    ],
)
def test_what_tells_no_frame_from_the_next_is_refused(keys: dict[str, object], expected: str) -> None:
    with pytest.raises(ValidationError, match=expected):
        Assembly.model_validate(keys)


def test_every_length_that_a_file_may_give_can_be_reached() -> None:
    keys = {"at": 510, "type": "u16le"}
    frame = bytes(510) + (512).to_bytes(2, "little")
    assert Assembler(read(length=keys)).feed(frame) == [frame]


def _frame_of(assembly: Assembly, body: bytes) -> bytes | None:
    """A frame around the body, or None if that body can be in none."""
    if assembly.until:
        frame = assembly.start + body + assembly.until
        ends = frame.find(assembly.until, len(assembly.start))
        return frame if ends == len(frame) - len(assembly.until) and (body or assembly is not SLIP) else None
    if assembly.size is not None:
        return (assembly.start + body + bytes(assembly.size))[: assembly.size]
    field = assembly.length
    assert field is not None
    gap = bytes(field.at - len(assembly.start))
    length = max(field.end, field.plus) + len(body)
    said = (length - field.plus).to_bytes(field.end - field.at, "big" if field.type == "u16be" else "little")
    return (assembly.start + gap + said + body + bytes(length))[:length]


def _stream(data: st.DataObject, assembly: Assembly) -> tuple[list[bytes], bytes]:
    """Frames, and the stream of them with foreign bytes between."""
    some_bytes = st.binary(max_size=24) | st.lists(st.sampled_from(b"\x68\x79\x0d\x0a\xc0\x04\x5a"), max_size=8).map(
        bytes
    )
    frames, stream = [], b""
    for body, foreign in data.draw(st.lists(st.tuples(some_bytes, some_bytes), max_size=5)):
        frame = _frame_of(assembly, body)
        if frame is None:
            continue
        if assembly.start and (foreign + assembly.start).find(assembly.start) == len(foreign):
            stream += foreign
        frames.append(frame)
        stream += frame
    return frames, stream


@pytest.mark.parametrize("assembly", ALL, ids=lambda assembly: repr(assembly)[:40])
@settings(max_examples=40)
@given(data=st.data())
def test_however_a_stream_is_cut_the_same_frames_come_out(assembly: Assembly, data: st.DataObject) -> None:
    frames, stream = _stream(data, assembly)
    cuts = [0, *accumulate(data.draw(st.lists(st.integers(0, 20), max_size=20))), len(stream)]
    assembler = Assembler(assembly)
    found = [frame for begin, end in pairwise(cuts) for frame in assembler.feed(stream[begin : max(begin, end)])]
    assert found == frames
    assert assembler.dropped == len(stream) - sum(map(len, frames))


_PIECE = st.one_of(
    st.binary(max_size=60),
    st.sampled_from([b"\x68\x79", b"\x68", b"\x0d\x0a", b"\xc0", b"\x68\x79" * 400, bytes(2000), b"\xff" * 700]),
)


@pytest.mark.parametrize("assembly", ALL, ids=lambda assembly: repr(assembly)[:40])
@settings(max_examples=40)
@given(pieces=st.lists(_PIECE, max_size=8))
def test_whatever_arrives_nothing_is_raised_and_little_is_kept(assembly: Assembly, pieces: list[bytes]) -> None:
    assembler = Assembler(assembly)
    came_out = 0
    for piece in pieces:
        came_out += sum(map(len, assembler.feed(piece)))
        assert len(assembler._held) < MAX_BYTES
        assert len(assembler._held) + len(assembler.last_dropped) <= HELD_MAX
    assert came_out + assembler.dropped + len(assembler._held) == sum(map(len, pieces))
