"""The readers of recordings: every format gives the same packets, and what is none is told in one clear line."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.learning import made
from unknot.errors import CaptureError
from unknot.learning import capture, lesson
from unknot.learning.packets import Flaws, Packet

PACKETS: list[made.Raw] = [
    made.connected(1.0),
    made.write(1.5, b"\x01\x02"),
    made.notify(2.25, b"\x03"),
    made.disconnected(3.0),
]

FORMATS = {
    "btsnoop H4": made.btsnoop(PACKETS),
    "btsnoop bare": made.btsnoop(PACKETS, 1001),
    "btsnoop monitor": made.btsnoop(PACKETS, 2001),
    "pcapng H4": made.pcapng(PACKETS, 187),
    "pcapng H4 with direction": made.pcapng(PACKETS),
    "pcapng monitor": made.pcapng(PACKETS, 254),
    "pcapng big endian": made.pcapng(PACKETS, 201, ">"),
    "pcap H4": made.pcap(PACKETS, 187),
    "pcap H4 with direction": made.pcap(PACKETS),
    "pcap monitor": made.pcap(PACKETS, 254),
    "pcap big endian": made.pcap(PACKETS, 201, ">"),
    "PacketLogger": made.packetlogger(PACKETS),
    "PacketLogger big endian": made.packetlogger(PACKETS, ">"),
}


def read(file: Path) -> tuple[list[Packet], Flaws]:
    with capture.opened(file) as (packets, flaws):
        return list(packets), flaws


def saved(folder: Path, content: bytes, name: str = "a.log") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_the_same_packets(name: str, tmp_path: Path) -> None:
    packets, flaws = read(saved(tmp_path, FORMATS[name]))
    knows_direction = "H4" not in name or "direction" in name or "btsnoop" in name
    assert [(kind, sent, data) for _, kind, sent, _, data in packets] == [
        (kind, sent if knows_direction else None, data) for _, kind, sent, data in PACKETS
    ]
    assert [one[0] - packets[0][0] for one in packets] == pytest.approx([one[0] - 1.0 for one in PACKETS])
    assert flaws.broken_at is None
    assert not flaws.cut


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_that_ends_inside_a_record_is_read_up_to_there(name: str, tmp_path: Path) -> None:
    packets, flaws = read(saved(tmp_path, FORMATS[name][:-3]))
    assert len(packets) == len(PACKETS) - 1
    assert flaws.broken_at is not None
    assert "end of the file" in flaws.why


@pytest.mark.parametrize("name", FORMATS)
def test_all_formats_teach_the_same(name: str, tmp_path: Path) -> None:
    recording = lesson.record(saved(tmp_path, FORMATS[name]))
    device = lesson.choose(recording, "")
    assert device.address == "C0:BA:11:00:00:01"
    assert {one.handle: (one.written.count, one.heard.count) for one in lesson.values(device)} == {
        0x10: (1, 0),
        0x12: (0, 1),
    }


def test_records_that_are_cut_short_are_counted_and_left_out(tmp_path: Path) -> None:
    whole = made.btsnoop(PACKETS)
    _, _, _, data = PACKETS[1]
    cut = struct.pack(">IIIIq", len(data) + 9, 3, 0, 0, made.EPOCH) + data[:3]
    packets, flaws = read(saved(tmp_path, whole + cut))
    assert (len(packets), flaws.cut) == (len(PACKETS), 1)


@pytest.mark.parametrize("length", [1 << 20, 0xFFFFFFFF])
def test_a_record_of_absurd_length_is_not_waited_for(length: int, tmp_path: Path) -> None:
    absurd = struct.pack(">IIIIq", length, length, 0, 0, 0)
    packets, flaws = read(saved(tmp_path, made.btsnoop(PACKETS) + absurd + bytes(1000)))
    assert len(packets) == len(PACKETS)
    assert flaws.why == f"a record of {length} bytes"
    with pytest.raises(CaptureError, match=f"found a record of {length} bytes at byte 16, and no whole packet"):
        lesson.record(saved(tmp_path, made.btsnoop([]) + absurd, "b.log"))


def archive(**members: bytes) -> bytes:
    output = io.BytesIO()
    with zipfile.ZipFile(output, "w", zipfile.ZIP_DEFLATED) as written:
        for name, content in members.items():
            written.writestr(name, content)
    return output.getvalue()


def test_the_log_is_taken_out_of_a_bug_report(tmp_path: Path) -> None:
    content = archive(**{"main_entry.txt": b"x", "FS/data/log/bt/btsnoop_hci.log": FORMATS["btsnoop H4"]})
    packets, _ = read(saved(tmp_path, content, "bugreport.zip"))
    assert len(packets) == len(PACKETS)


_WHOLE = archive(**{"btsnoop_hci.log": FORMATS["btsnoop H4"] * 5})
CORRUPT = _WHOLE[:60] + bytes(10) + _WHOLE[70:]

REFUSED = {
    "empty": (b"", "an empty file"),
    "picture": (b"\x89PNG\r\n\x1a\n" + bytes(40), "a picture (PNG)"),
    "text": (b"hello, this is no recording at all", "text"),
    "foreign": (bytes(range(128, 200)), "a file that begins with 80 81 82 83 84 85 86 87"),
    "gzip": (b"\x1f\x8b" + bytes(40), "gunzip"),
    "btsnooz": (b"--- BEGIN:BTSNOOP_LOG_SUMMARY (100 bytes) ---", "switch the full snoop log on"),
    "zip": (archive(a=b"b"), "an archive (zip) without btsnoop_hci.log"),
    "broken zip": (archive(**{"btsnoop_hci.log": FORMATS["btsnoop H4"]})[:60], "damaged or locked"),
    "corrupt zip": (CORRUPT, "damaged or locked"),
    "short": (b"btsnoop\0\0\0", "ends inside its first 16 bytes"),
    "other link": (made.btsnoop([], 1003), "data link 1003: BCSP"),
    "sniffer": (made.pcapng(PACKETS, 251), "link type 251: a sniffer's recording of the radio"),
    "sniffer in pcap": (made.pcap(PACKETS, 272), "link type 272: an nRF Sniffer's recording"),
    "no packets": (made.btsnoop([]), "a recording without any packet"),
    "only pcapng's head": (made.pcapng([]), "a recording without any packet"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_recording_is_told_in_one_line(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    with pytest.raises(CaptureError) as told:
        lesson.record(saved(tmp_path, content))
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    for file in (tmp_path / "none.log", tmp_path):
        with pytest.raises(CaptureError):
            lesson.record(file)


RAW = st.lists(
    st.tuples(
        st.floats(0, 1e6).map(lambda time: round(time, 3)),
        st.sampled_from([2, 4]),
        st.booleans(),
        st.binary(min_size=1, max_size=300),
    ).map(lambda raw: (raw[0], raw[1], raw[2] if raw[1] == 2 else False, raw[3])),
    min_size=1,
    max_size=8,
)


@settings(deadline=None)  # files are slow on a busy machine
@given(RAW, st.sampled_from(["btsnoop", "monitor", "pcap", "pcapng", "PacketLogger"]))
def test_packets_survive_every_format(raw: list[made.Raw], form: str) -> None:
    content = {
        "btsnoop": lambda: made.btsnoop(raw),
        "monitor": lambda: made.btsnoop(raw, 2001),
        "pcap": lambda: made.pcap(raw),
        "pcapng": lambda: made.pcapng(raw),
        "PacketLogger": lambda: made.packetlogger(raw),
    }[form]()
    with tempfile.TemporaryDirectory() as folder:
        packets, flaws = read(saved(Path(folder), content))
    assert [(kind, sent, data) for _, kind, sent, _, data in packets] == [
        (kind, sent, data) for _, kind, sent, data in raw
    ]
    assert flaws.broken_at is None
    for (time, *_), (wanted, *_) in zip(packets, raw, strict=True):
        assert time - packets[0][0] == pytest.approx(wanted - raw[0][0], abs=1e-3)


HEADS = (
    b"",
    made.btsnoop([]),
    made.btsnoop([], 2001),
    made.btsnoop([], 1001),
    made.pcapng([]),
    made.pcap([]),
    b"PK\3\4",
)


@settings(deadline=None)  # files are slow on a busy machine
@given(st.sampled_from(HEADS), st.binary(max_size=400))
def test_no_bytes_bring_about_anything_but_our_error(head: bytes, rest: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(CaptureError):
        recording = lesson.record(saved(Path(folder), head + rest))
        lesson.learn(recording, lesson.choose(recording, ""))


@settings(deadline=None)  # files are slow on a busy machine
@given(st.lists(st.tuples(st.sampled_from([2, 4]), st.booleans(), st.binary(max_size=40)), max_size=20))
def test_no_packets_bring_about_anything_but_our_error(raw: list[tuple[int, bool, bytes]]) -> None:
    packets: list[made.Raw] = [made.connected(), *made.table()]
    for number, (kind, sent, data) in enumerate(raw):
        packets.append((number, kind, sent, b"\x3e\xff" + data if kind == 4 else made.acl(made.LINK, data)))
    with tempfile.TemporaryDirectory() as folder:
        recording = lesson.record(saved(Path(folder), made.btsnoop(packets)))
    lesson.learn(recording, lesson.choose(recording, ""))
