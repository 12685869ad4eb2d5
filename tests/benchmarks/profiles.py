"""How quick the profile language is: commands to bytes, bytes to reports, and the whole library from its files.

Beside each stands the same work done by hand: bytes written and read by ``int.to_bytes`` and friends, and the files
read by ``tomllib`` alone.
"""

from __future__ import annotations

import time
import tomllib
from collections.abc import Callable

from fastcrc import crc16

from unknot.profiles import library
from unknot.profiles.codec import Codec
from unknot.profiles.speech import SetLevel, Stop

ROUNDS = 9
CALLS = 500


def microseconds(work: Callable[[], object]) -> float:
    """The least of several measurements: what disturbs a machine only ever adds."""
    taken = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(CALLS):
            work()
        taken.append((time.perf_counter() - began) / CALLS * 1e6)
    return min(taken)


def _by_hand(level: int) -> bytes:
    """EMS v2's intensity as one would write it for this dialect alone."""
    if not 0 <= level <= 255:
        raise ValueError(level)
    data = b"\x68\x79" + (11).to_bytes(2, "big") + b"\x01\x02" + bytes([level])
    return data + crc16.xmodem(data).to_bytes(2, "big") + b"\x0d\x0a"


def _read_by_hand(data: bytes) -> dict[str, int]:
    if data[:2] != b"\x68\x79" or data[-2:] != b"\x0d\x0a" or int.from_bytes(data[2:4], "big") != len(data):
        raise ValueError(data)
    if crc16.xmodem(data[:-4]) != int.from_bytes(data[-4:-2], "big"):
        raise ValueError(data)
    return {"level": data[6]}


def profile_language() -> dict[str, object]:
    """Every command and every report of every shipped profile, the slowest of each; and the library from its files."""
    encoding: dict[str, float] = {}
    decoding: dict[str, float] = {}
    for profile in library.load_all():
        if profile.codec is not None:
            continue
        codec = Codec(profile)
        codec.rehearse()
        commands = (SetLevel(1), Stop()) if profile.commands.set_level else (Stop(),)
        for command in commands:
            writes = len(codec.encode(command))
            key = f"{profile.id} {type(command).__name__}"
            encoding[key] = microseconds(lambda codec=codec, command=command: codec.encode(command)) / writes  # type: ignore[misc]
        for example in profile.examples:
            for name in example.report or example.refusal or {}:
                source = (profile.reports.get(name) or profile.refusals[name]).source
                data = example.writes[0]
                decoding[f"{profile.id} {name}"] = microseconds(
                    lambda codec=codec, source=source, data=data: codec.decode(source, data)  # type: ignore[misc]
                )
    slowest_command, slowest_report = max(encoding, key=encoding.__getitem__), max(decoding, key=decoding.__getitem__)
    written, read = microseconds(lambda: _by_hand(5)), microseconds(lambda: _read_by_hand(_by_hand(5)))
    return {
        "encode_us_slowest": round(encoding[slowest_command], 2),
        "encode_slowest": slowest_command,
        "encode_us_by_hand": round(written, 2),
        "decode_us_slowest": round(decoding[slowest_report], 2),
        "decode_slowest": slowest_report,
        "decode_us_by_hand": round(read - written, 2),
        **_library(),
        "goal": "encode < 10 us a write, decode < 20 us, library < 50 ms",
    }


def _library() -> dict[str, object]:
    files = list(library.files().values())
    whole, parsed = [], []
    for _ in range(ROUNDS):
        library.load_file.cache_clear()
        began = time.perf_counter()
        library.load_all()
        whole.append((time.perf_counter() - began) * 1e3)
        began = time.perf_counter()
        for file in files:
            tomllib.loads(file.read_text(encoding="utf-8"))
        parsed.append((time.perf_counter() - began) * 1e3)
    began = time.perf_counter()
    library.load_all()
    cached = (time.perf_counter() - began) * 1e3
    return {
        "library_profiles": len(files),
        "library_ms": round(min(whole), 1),
        "library_ms_cached": round(cached, 3),
        "library_ms_tomllib_alone": round(min(parsed), 1),
        "library_ratio": round(min(whole) / min(parsed), 2),
    }
