"""How quickly a big recording is read, and in how much memory; beside reading and hashing the same file.

Each recording is read by a process of its own, which tells the most memory that it held.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.learning import made

SIZES = {"small": 10_000_000, "big": 100_000_000}
"""Bytes of the recordings."""

_READ = """
import json, re, resource, sys, time
from pathlib import Path
from unknot.learning import lesson, trial
def held():
    status = Path("/proc/self/status")
    if status.exists():  # what the parent held counts in getrusage
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before, began = held(), time.perf_counter()
recording = lesson.record(Path(sys.argv[1]))
read = time.perf_counter() - began
trial.tried(lesson.learn(recording, lesson.choose(recording, "")), "my-ball")
print(json.dumps([read, time.perf_counter() - began, recording.packets, before, held()]))
"""


def recordings() -> dict[str, object]:
    """A phone's recordings of a busy hour: small packets of music, advertisements, a watch and a ball."""
    figures: dict[str, object] = {}
    peaks = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, size in SIZES.items():
            file = Path(folder, f"{name}.log")
            with file.open("wb") as output:
                made.write_busy(output, size)
            began = time.perf_counter()
            with file.open("rb") as stream:
                hashlib.file_digest(stream, "sha256")
            hashed = time.perf_counter() - began
            done = subprocess.run([sys.executable, "-c", _READ, str(file)], check=True, capture_output=True)
            read, whole, packets, before, peak = json.loads(done.stdout)
            peaks[name] = peak
            figures |= {
                f"{name}_packets": packets,
                f"{name}_read_seconds": round(read, 2),
                f"{name}_learned_seconds": round(whole, 2),
                f"{name}_hashed_seconds": round(hashed, 2),
                f"{name}_ratio_to_hash": round(whole / hashed, 1),
                f"{name}_mib_before": round(before),
                f"{name}_mib_most": round(peak),
            }
    return {
        **figures,
        "mib_most_ratio": round(peaks["big"] / peaks["small"], 2),
        "goal": "big_learned_seconds < 20, mib_most_ratio about 1",
    }
