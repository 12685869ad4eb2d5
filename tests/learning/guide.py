"""The capture of the guide in ``firmware_profiles/README.md``, as a phone records it; ``python -m`` writes the file.

The file ``tide.log`` beside this module is what the guide's example and the golden texts read.
"""

from __future__ import annotations

from pathlib import Path

from tests.learning import made
from tests.profiles.readme import GUIDE, code, rows

FILE = Path(__file__).with_name("tide.log")
SERVICE = bytes.fromhex("42e4d0583c6a1f9b0e4ca45101002e7d")
"""The service as it goes over the air; byte 12 tells the characteristics apart."""


def _uuid(number: int) -> bytes:
    return SERVICE[:12] + bytes([number]) + SERVICE[13:]


def packets() -> list[made.Raw]:
    """All that the guide shows: who the ball is, what it has, and the table of the capture."""
    fields = made.field(1, b"\x06") + made.field(9, b"TIDE-7F31")
    declared = b"".join(
        handle.to_bytes(2, "little") + bytes([properties]) + (handle + 1).to_bytes(2, "little") + _uuid(number)
        for handle, properties, number in ((0x10, 0x08, 2), (0x12, 0x10, 3))
    )
    found = [
        made.advertised(0.0, fields),
        made.connected(0.1),
        made.att(0.15, bytes.fromhex("10 0100 ffff 0028"), sent=True),
        made.att(0.2, bytes.fromhex("11 14 0f00 1500") + _uuid(1), sent=False),
        made.att(0.25, bytes.fromhex("08 0f00 1500 0328"), sent=True),
        made.att(0.3, b"\x09\x15" + declared, sent=False),
        made.att(0.35, bytes.fromhex("12 1400 0100"), sent=True),
    ]
    for cells in rows(GUIDE):
        if cells[1] in ("app", "ball"):
            time, (data,) = float(cells[0]), code(cells[2])
            value = bytes.fromhex(data)
            found.append(
                made.write(time, value, at=0x11, request=True)
                if cells[1] == "app"
                else made.notify(time, value, at=0x13)
            )
    return [*found, made.disconnected(35.0)]


if __name__ == "__main__":
    FILE.write_bytes(made.btsnoop(packets()))
