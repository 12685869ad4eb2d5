"""The file that a new profile begins as: a made-up dialect with everything in it; for ``unknot profile new``."""

from __future__ import annotations

import re

from unknot.errors import UsageError
from unknot.profiles.fields import ID
from unknot.profiles.patterns import GLOB_MAX

_TEXT = """#:schema ./profile.schema.json
# A profile of a made-up ball, which holds as it stands: replace it section by section, and check it after each one.
# "unknot profile schema --write" puts the schema beside this file, so that an editor completes and explains the keys.

# Who it is and where the bytes come from; evidence is simulated, documented, captured or verified, and gaps are honest.
schema = 1
id = "@ID@"
name = "@NAME@"
evidence = "simulated"
source = "made up, to start from"
gaps = ["no product speaks it"]

# How the ball shows itself while advertising: names with *, services as 4 or 32 hex digits.
[match]
names = ["@MATCH@*"]
services = ["c0ffee01-0000-4000-8000-000000000000"]

# What tells it from other firmware that advertises the same; without a # where it is needed.
# [variant]
# firmware = ">=2.0"

# The characteristics by a name of your own, and how each is used: write, notify, indicate, read, poll.
[gatt]
command = { service = "c0ffee01-0000-4000-8000-000000000000", characteristic = "c0ffee02-0000-4000-8000-000000000000", write = ["command", "request"] }
status = { service = "c0ffee01-0000-4000-8000-000000000000", characteristic = "c0ffee03-0000-4000-8000-000000000000", notify = true }

# The levels that the motor has, from 1 up.
[motor]
levels = 100

# Further slots of command frames, and what stands in them.
[settings]
mode = 1

# How values become what is on the wire: here a level of 100 is 255, and a lease is in tenths of a second.
[values]
level = { scale = 2.55 }
lease = { scale = 10 }

# What is written, byte by byte: hex, and {slot:type}; the check is the sum from byte 1 on.
[commands]
set_level = { to = "command", frame = "55 01 {level:u8} {mode:u8} {lease:u16be} {sum8:1..} AA" }
stop = { to = "command", frame = "55 00 00 AA" }

# The dialogue after connecting, in order; a write may wait for the report that answers it.
[[init]]
write = { to = "command", frame = "55 02 02 AA", answer = "status" }

# What is written again and again, so that the ball stays.
[[keep_alive]]
every = "20s"
write = { to = "command", frame = "55 03 03 AA" }

# What arrives, by a name of your own; slots such as level, running and battery have a meaning.
[reports]
status = { from = "status", frame = "5A {running:u8} {level:u8} {battery:u8} {sum8:1..}" }

# Error replies, and what they mean: busy, low-battery, locked, out-of-range or other.
[refusals]
busy = { from = "status", frame = "5B {code:u8}", means = "busy" }

# What the firmware does when nobody tells it anything: this one stops 3 s after the last level.
[safety]
lease = "3s"
longest_lease = "60s"
stops_on_disconnect = "yes"

# Exact bytes beside their meaning, from a recording or a document and never from this program: they prove all above.
[[examples]]
command = { set_level = 50, lease = 3.0 }
bytes = "55 01 80 01 00 1E A0 AA"

[[examples]]
command = { set_level = 100, lease = 60.0, mode = 2 }
bytes = "55 01 FF 02 02 58 5C AA"

[[examples]]
command = { stop = true }
bytes = "55 00 00 AA"

[[examples]]
init = 1
bytes = "55 02 02 AA"

[[examples]]
keep_alive = 1
bytes = "55 03 03 AA"

[[examples]]
report = { status = { running = 1, level = 50, battery = 87 } }
bytes = "5A 01 80 57 D8"

[[examples]]
report = { status = { running = 0, level = 0, battery = 12 } }
bytes = "5A 00 00 0C 0C"

[[examples]]
refusal = { busy = { code = 1 } }
bytes = "5B 01"

[[examples]]
refusal = { busy = { code = 2 } }
bytes = "5B 02"
"""


def text(name: str) -> str:
    """The file of a profile with this id.

    Raises:
        UsageError: no profile can have this id.
    """
    if not re.fullmatch(ID, name):
        raise UsageError(
            f"a profile's id is its file's name: found {name!r}; expected lower-case words and digits joined by "
            'hyphens, such as "my-ball"'
        )
    words = [word.capitalize() for word in name.split("-")]
    shown = "".join(words)[: GLOB_MAX - 1]
    return _TEXT.replace("@ID@", name).replace("@NAME@", " ".join(words)).replace("@MATCH@", shown)
