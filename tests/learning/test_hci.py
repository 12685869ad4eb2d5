"""From packets to who said what: fragments, discovery, refused writes, advertisements, several devices, bounds."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.learning import made
from unknot.errors import CaptureError
from unknot.learning import gatt, hci, lesson
from unknot.learning.gatt import Device, Meeting
from unknot.learning.hci import Listener
from unknot.learning.packets import Packet


def heard(*raw: made.Raw) -> Meeting:
    meeting = Meeting()
    packets: list[Packet] = [(time, kind, sent, 0, data) for time, kind, sent, data in raw]
    Listener(meeting).listen(packets)
    for device in meeting.devices.values():
        device.settle()
    return meeting


def ball(*raw: made.Raw) -> Device:
    return heard(made.connected(), *raw).devices["C0:BA:11:00:00:01"]


def said(device: Device) -> dict[int, tuple[list[bytes], list[bytes]]]:
    return {
        one.handle: ([frame.data for frame in one.written.frames], [frame.data for frame in one.heard.frames])
        for one in lesson.values(device)
    }


def test_the_table_gives_uuids_services_and_properties() -> None:
    device = ball(*made.table(), made.write(1, b"\x01"), made.notify(2, b"\x02"))
    suffix = "-0000-1000-8000-00805f9b34fb"
    assert [(one.uuid, one.service, one.properties) for one in lesson.values(device)] == [
        (f"0000ffe1{suffix}", f"0000ffe0{suffix}", 0x0C),
        (f"0000ffe2{suffix}", f"0000ffe0{suffix}", 0x10),
    ]
    assert device.attributes[0x12].subscribed


def test_without_the_table_a_subscription_is_no_value() -> None:
    subscribe = made.att(0.5, bytes.fromhex("12 1300 0100"), sent=True)
    device = ball(subscribe, made.write(1, b"\x01\x00"), made.notify(2, b"\x02"))
    assert said(device) == {0x10: ([b"\x01\x00"], []), 0x12: ([], [b"\x02"])}


def test_a_value_in_pieces_is_put_together() -> None:
    value = bytes(range(100))
    whole = struct.pack("<BH", 0x52, 0x10) + value
    body = struct.pack("<HH", len(whole), 4) + whole
    pieces = [body[:20], body[20:40], body[40:]]
    raw: list[made.Raw] = [
        (1 + number / 10, 2, True, struct.pack("<HH", made.LINK | (0x1000 if number else 0), len(piece)) + piece)
        for number, piece in enumerate(pieces)
    ]
    other = made.notify(1.05, b"between")  # the other direction goes on meanwhile
    assert said(ball(raw[0], other, *raw[1:])) == {0x10: ([value], []), 0x12: ([], [b"between"])}


def test_pieces_without_an_end_take_no_room() -> None:
    first = made.LINK, struct.pack("<HH", 500, 4) + bytes(10)
    endless: list[made.Raw] = [(0, 2, True, struct.pack("<HH", first[0], len(first[1])) + first[1])]
    more = struct.pack("<HH", made.LINK | 0x1000, 100) + bytes(100)
    endless += [(number, 2, True, more) for number in range(1, 1000)]
    assert said(ball(*endless, made.write(2000, b"\x01"))) == {0x10: ([b"\x01"], [])}


def test_other_channels_are_left_out() -> None:
    pairing: made.Raw = (1, 2, True, made.acl(made.LINK, b"\x52\x10\x00\x01", channel=6))
    assert said(ball(pairing, made.write(2, b"\x02"))) == {0x10: ([b"\x02"], [])}


def test_a_write_that_is_answered_with_an_error_is_refused() -> None:
    error = made.att(1.1, bytes.fromhex("01 12 1000 0d"), sent=False)
    answer = made.att(2.1, b"\x13", sent=False)
    device = ball(made.write(1, b"\x65", request=True), error, made.write(2, b"\x64", request=True), answer)
    assert [(one.data, one.refused) for one in device.attributes[0x10].written.frames] == [(b"\x65", 1), (b"\x64", 0)]


def test_an_advertisement_says_who_it_is() -> None:
    fields = (
        made.field(9, b"TIDE-7F31")
        + made.field(7, bytes.fromhex("42e4d0583c6a1f9b0e4ca45101002e7d"))
        + made.field(0xFF, b"\x5c\x0a\x54\x42")
    )
    device = heard(made.advertised(0, fields), made.connected(1)).devices["C0:BA:11:00:00:01"]
    assert (device.name, device.services, device.manufacturer) == (
        "TIDE-7F31",
        ("7d2e0001-51a4-4c0e-9b1f-6a3c58d0e442",),
        {0x0A5C: b"\x54\x42"},
    )


def test_an_extended_advertisement_does_too() -> None:
    fields = made.field(9, b"Long")
    report = struct.pack("<HB6sBBBbbHB6sB", 0x13, 1, made.BALL, 1, 0, 0xFF, 127, -50, 0, 0, bytes(6), len(fields))
    event = bytes([0x3E, len(report) + len(fields) + 2, 0x0D, 1]) + report + fields
    assert heard((0, 4, False, event)).devices["C0:BA:11:00:00:01"].name == "Long"


@pytest.mark.parametrize(("sub", "more"), [(0x01, 7), (0x0A, 19), (0x29, 22)])
def test_every_event_of_a_new_connection_is_known(sub: int, more: int) -> None:
    body = struct.pack("<BBHBB", sub, 0, made.LINK, 0, 1) + made.BALL + bytes(more)
    meeting = heard((0, 4, False, bytes([0x3E, len(body)]) + body), made.write(1, b"\x01"))
    assert list(meeting.devices) == ["C0:BA:11:00:00:01"]


def test_a_connection_from_before_the_recording_has_a_name_of_its_own() -> None:
    meeting = heard(made.write(1, b"\x01"))
    assert [(one.address, one.writes) for one in meeting.devices.values()] == [("connection 64", 1)]


def test_a_handle_that_is_used_again_is_another_device() -> None:
    other = bytes.fromhex("020000 11bac0")
    meeting = heard(
        made.connected(), made.write(1, b"\x01"), made.disconnected(2), made.connected(3, other), made.write(4, b"\x02")
    )
    assert [said(one) for one in meeting.devices.values()] == [{0x10: ([b"\x01"], [])}, {0x10: ([b"\x02"], [])}]


def test_the_device_that_was_written_most_is_chosen_unless_another_is_named(tmp_path: Path) -> None:
    other = bytes.fromhex("020000 11bac0")
    file = tmp_path / "a.log"
    file.write_bytes(
        made.btsnoop(
            [made.advertised(0, made.field(9, b"Watch"), other), made.connected(0, other, 0x41),
             made.att(1, b"\x52\x10\x00\x07", sent=True, handle=0x41),
             made.connected(1), made.write(2, b"\x01"), made.write(3, b"\x02")]
        )
    )  # fmt: skip
    recording = lesson.record(file)
    assert lesson.choose(recording, "").address == "C0:BA:11:00:00:01"
    for wanted in ("watch", "c0:ba:11:00:00:02"):
        assert lesson.choose(recording, wanted).name == "Watch"
    with pytest.raises(CaptureError, match="no connection to Nobody; expected one of those that are recorded: Watch"):
        lesson.choose(recording, "Nobody")


def test_what_is_kept_is_bounded() -> None:
    many = [made.write(number / 1000, struct.pack("<I", number), at=0x10) for number in range(5000)]
    device = ball(*many)
    talk = device.attributes[0x10].written
    assert (talk.count, len(talk.frames), talk.lost) == (5000, gatt.FRAMES_MOST, 5000 - gatt.FRAMES_MOST)
    handles = ball(*(made.write(0, b"\x01", at=handle) for handle in range(1, 3000)))
    assert len(handles.attributes) == gatt.ATTRIBUTES_MOST
    devices = heard(
        *(made.connected(0, struct.pack("<I", number) + b"\x01\xc0", number % 0xEFF) for number in range(3000))
    )
    assert len(devices.devices) == gatt.DEVICES_MOST
    assert devices.unmet == 3000 - gatt.DEVICES_MOST


def test_links_are_bounded() -> None:
    meeting = Meeting()
    listener = Listener(meeting)
    listener.listen([(0, 2, True, 0, made.acl(handle, b"\x52\x10\x00\x01")) for handle in range(0xEFF)])
    assert len(listener._links) == hci.LINKS_MOST


def test_moments_are_bounded_and_a_repetition_tells_no_more() -> None:
    device = ball(*(made.write(number, b"\x01") for number in range(1000)), made.write(1001, b"\x02"))
    assert len(device.moments) == gatt.REPEATS_MOST + 1
    assert device.attributes[0x10].written.count == 1001
    turns = ball(*(made.write(number, bytes([number & 1])) for number in range(gatt.MOMENTS_MOST + 5)))
    assert (len(turns.moments), turns.lost) == (gatt.MOMENTS_MOST, 5)
