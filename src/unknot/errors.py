"""Every error that unknot raises, drawn as one tree; each carries facts, the CLI makes a line and an exit code of it.

    UnknotError
    ├── FileError               a data file is wrong: file, key, found, expected
    │   ├── CaptureError        a recording of Bluetooth packets cannot be read, or has nothing to learn from
    │   ├── ConfigFileError     the gateway's configuration
    │   ├── FaultFileError
    │   ├── ProfileFileError
    │   └── ProtocolFileError
    ├── UnknownNameError        no muscle or profile of that name: kind, name, nearest
    ├── FrameError              a frame template or its bytes do not fit
    │   ├── FrameSyntaxError    the template is not in the frame language
    │   ├── FrameValueError     a value does not fit its slot; nothing is wrapped or cut
    │   └── FrameMismatch       these bytes are not this frame
    │       └── SealMismatch    all fits but a length or a check
    ├── LimitExceeded           a limit refuses: limit, found, maximum, unit, source
    │   └── LevelOutOfRange     a level that this ball does not have
    ├── LinkError               the radio, the ball or the way between them
    │   ├── BluetoothUnavailable   no adapter, adapter off, or no permission
    │   ├── BallNotFound           nothing that fits is in range
    │   ├── BallInUse              another program on this machine drives the ball
    │   ├── BallHeld               the system holds a link to it that may be another program's
    │   ├── LinkLost               the connection is gone
    │   ├── LinkTimeout            our own deadline passed
    │   ├── AttError               the ball refused: ATT code
    │   ├── BallRefused            the ball refused in its own words: why
    │   └── GattMismatch           the ball lacks a characteristic that its profile names
    ├── BrokerError             the MQTT broker, or the way to it
    │   ├── BrokerUnreachable      nobody answers there, or nobody who speaks MQTT
    │   ├── BrokerRefused          it refuses the login
    │   ├── BrokerUntrusted        TLS: its certificate, ours, or no TLS where there should be
    │   ├── TopicsForbidden        it takes the login, but not our topics
    │   ├── BrokerLost             the connection is gone
    │   └── GatewaySilent          the broker is there, and no gateway of that name answers
    ├── Unsuitable              a device or a profile that no massage protocol may drive
    │   └── CodecMissing        a profile needs a codec plug-in that is not there
    ├── Stalled                 the program was held up; the motor was stopped
    ├── NotStopped              the motor could not be confirmed stopped
    └── UsageError              a request that cannot be meant

Foreign exceptions (bleak's, D-Bus's, the operating system's) become ours in `unknot.device.failures` and nowhere else,
those of Bumble's transports and controllers in `unknot.simulator.controllers` and `unknot.simulator.patience`; the
cause is kept.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path


class UnknotError(Exception):
    """The root: whatever unknot raises on purpose is one of these."""


class Place(NamedTuple):
    """A place in a line of a file, with what is shown of that line.

    Args:
        line: the line's number, from 1.
        column: the character in the line, from 1.
        width: how many characters of the line are meant, at least 1.
        source: the line, or a part of it, with a harmless sign for each control character.
        mark: index in ``source`` of the character at ``column``; one past its end is the line's end.
    """

    line: int
    column: int
    width: int
    source: str
    mark: int


class FileError(UnknotError):
    """A data file is wrong.

    Attributes:
        file: the file, as it was asked for.
        key: the dotted key inside it, for example ``commands.stop.frame``; empty for the whole file.
        found: what stands there, shortened.
        expected: what should stand there.
        line: the line that is wrong, from 1; None where no line is to blame, as for what follows.
        column: the character in that line, from 1.
        width: how many characters are wrong; 0 if no line is to blame.
        source: that line, harmless to a terminal and cut where it is long; empty if no line is to blame.
        mark: index in ``source`` of what is wrong.
        nearest: the right word that looks most like the wrong one, or an empty string.
    """

    def __init__(
        self, file: Path | str, key: str, found: str, expected: str, *, place: Place | None = None, nearest: str = ""
    ) -> None:
        self.file = file
        self.key = key
        self.found = found
        self.expected = expected
        self.line = place.line if place else None
        self.column = place.column if place else None
        self.width = place.width if place else 0
        self.source = place.source if place else ""
        self.mark = place.mark if place else 0
        self.nearest = nearest
        where = f"{file}:{place.line}:{place.column}" if place else str(file)
        what = f"{where}: {key}" if key else where
        hint = f"; did you mean {nearest!r}?" if nearest else ""
        super().__init__(in_one_line(f"{what}: found {found}; expected {expected}{hint}"))


def in_one_line(message: str) -> str:
    """The message with an escape for each character that a terminal would obey; a file or a broker may say anything."""
    if message.isprintable():
        return message
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in message)


class ProfileFileError(FileError):
    """A firmware profile file is wrong."""


class ProtocolFileError(FileError):
    """A muscle protocol file is wrong."""


class CaptureError(FileError):
    """A recording of Bluetooth packets cannot be read, or has nothing to learn from."""

    def __init__(self, file: Path | str, found: str, expected: str) -> None:
        super().__init__(file, "", found, expected)


class ConfigFileError(FileError):
    """The gateway's configuration is wrong: its file, the environment or the command line."""


class FaultFileError(FileError):
    """A file of faults for the simulated ball is wrong."""


class UnknownNameError(UnknotError):
    """There is no muscle or profile of that name.

    Attributes:
        kind: "muscle" or "profile".
        name: what was asked for.
        nearest: the known names that look most like it, best first; possibly none.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        known = sorted(known)
        self.kind = kind
        self.name = name
        self.nearest = tuple(get_close_matches(name.lower().replace("_", "-"), known, n=3, cutoff=0.4))
        hint = f"did you mean {' or '.join(self.nearest)}?" if self.nearest else f"there are: {', '.join(known)}"
        super().__init__(f"no {kind} is called {name!r}; {hint}")


class FrameError(UnknotError):
    """A frame template, its values or its bytes do not fit together."""


class FrameSyntaxError(FrameError):
    """A template is not in the frame language.

    Attributes:
        template: the whole template.
        position: index of the first character that is wrong.
        expected: what may stand there.
        nearest: the right word that looks most like the wrong one, or an empty string.
    """

    def __init__(self, template: str, position: int, expected: str, nearest: str = "") -> None:
        self.template = template
        self.position = position
        self.expected = expected
        self.nearest = nearest
        super().__init__(f"frame {template!r}, character {position + 1}: expected {expected}")


class FrameValueError(FrameError):
    """A value does not fit its slot; it is refused, never wrapped or cut.

    Attributes:
        slot: the slot's name.
        value: what was to be packed.
        allowed: the range in words.
    """

    def __init__(self, slot: str, value: object, allowed: str) -> None:
        self.slot = slot
        self.value = value
        self.allowed = allowed
        super().__init__(f"{slot} = {value!r} does not fit: allowed is {allowed}")


class FrameMismatch(FrameError):
    """These bytes are not an instance of this frame.

    Attributes:
        at: the index of the byte where they differ; None where no one byte is to blame.
    """

    def __init__(self, message: str, at: int | None = None) -> None:
        self.at = at
        super().__init__(message)


class SealMismatch(FrameMismatch):
    """All of a frame fits but a length or a check.

    Attributes:
        wanted: the bytes that should stand there.
    """

    def __init__(self, message: str, at: int, wanted: bytes) -> None:
        self.wanted = wanted
        super().__init__(message, at)


class LimitExceeded(UnknotError):
    """A limit refuses.

    Attributes:
        limit: the limit's name in words.
        found: what was asked for.
        maximum: what is allowed (for a lower limit, the least).
        unit: unit of both.
        source: where the limit comes from.
        advice: what the person can do; possibly empty.
    """

    advice = ""

    def __init__(self, limit: str, found: float, maximum: float, unit: str, source: str, *, advice: str = "") -> None:
        self.limit = limit
        self.found = found
        self.maximum = maximum
        self.unit = unit
        self.source = source
        self.advice = advice
        refusal = f"refused: {limit} is {maximum:g} {unit} and {found:g} {unit} was asked for ({source})"
        super().__init__(f"{refusal}; {advice}" if advice else refusal)


class LevelOutOfRange(LimitExceeded):
    """A level that this ball does not have; refused by the codec before it can reach the wire."""

    def __init__(self, level: int, levels: int, profile: str) -> None:
        shown = level if abs(level) < 10**6 else "that high"
        UnknotError.__init__(self, f"refused: {profile} has the levels 1 to {levels} and a stop, not a level {shown}")
        self.limit = "the ball's highest level"
        self.found = level
        self.maximum = levels
        self.unit = ""
        self.source = "the profile's motor.levels"


class LinkError(UnknotError):
    """The radio, the ball, or the way between them.

    Attributes:
        address: the ball's address, or an empty string when no ball is involved.
        advice: what the person can do, as a sentence; possibly empty.
    """

    advice = ""

    def __init__(self, message: str, *, address: str = "", advice: str = "") -> None:
        self.address = address
        self.advice = advice or self.advice
        super().__init__(f"{message}; {self.advice}" if self.advice else message)


class BluetoothUnavailable(LinkError):
    """No adapter, adapter off, no permission, or no Bluetooth service."""


class BallNotFound(LinkError):
    """Nothing that fits is in range."""

    advice = "switch the ball on, bring it near and close other apps that may hold it, or use --simulate"


class BallInUse(LinkError):
    """Another program on this machine drives the ball.

    Attributes:
        holder: its process id, as it wrote it down.
    """

    def __init__(self, name: str, address: str, holder: str) -> None:
        self.holder = holder
        super().__init__(
            f"{in_one_line(name)} at {address} is driven by another unknot (process {holder})",
            address=address,
            advice="end that one first; 'unknot stop' stops the motor whoever drives it",
        )


class BallHeld(LinkError):
    """The system holds a link to the ball already, which another program may drive it by."""

    def __init__(self, name: str, address: str) -> None:
        super().__init__(
            f"the system holds a link to {in_one_line(name) or 'the device'} at {address} already",
            address=address,
            advice="'unknot stop' stops the ball and frees it first",
        )


class LinkLost(LinkError):
    """The connection is gone; whether the motor runs on depends on the ball."""


class LinkTimeout(LinkError):
    """The ball did not answer within our own deadline."""


class AttError(LinkError):
    """The ball refused an operation.

    Attributes:
        code: the ATT error code (Bluetooth Core, Vol 3, Part F, 3.4.1.1), or None when the system hides it.
    """

    def __init__(self, message: str, *, code: int | None, address: str = "", advice: str = "") -> None:
        self.code = code
        super().__init__(message, address=address, advice=advice)


class BallRefused(LinkError):
    """The ball refused in its own words.

    Attributes:
        means: why: "busy", "low-battery", "locked", "out-of-range" or "other".
        values: what else it said, by slot name.
    """

    def __init__(self, means: str, values: Mapping[str, float | str], *, address: str = "") -> None:
        self.means = means
        self.values = values
        said = ", ".join(f"{name} {value!r}" for name, value in values.items())
        super().__init__(
            f"the ball refused: {_REFUSALS[means]}" + (f" ({said})" if said else ""), address=address,
            advice=_REFUSAL_ADVICE.get(means, ""),
        )  # fmt: skip


_REFUSALS = {
    "busy": "it is busy",
    "low-battery": "its battery is low",
    "locked": "it is locked",
    "out-of-range": "it does not take that value",
    "other": "it does not say why",
}
_REFUSAL_ADVICE = {
    "busy": "wait until it has ended what it does, or stop it by its own button",
    "low-battery": "charge it",
    "locked": "stop what runs on it, or unlock it on the ball itself",
}


class GattMismatch(LinkError):
    """The ball lacks a characteristic that its profile names: wrong profile, or other firmware."""

    advice = "choose another profile with --profile, or see 'unknot profile list'"


class BrokerError(UnknotError):
    """The MQTT broker, or the way to it.

    Attributes:
        advice: what the person can do, as a sentence; possibly empty.
    """

    advice = ""

    def __init__(self, message: str, *, advice: str = "") -> None:
        self.advice = advice or self.advice
        super().__init__(in_one_line(f"{message}; {self.advice}" if self.advice else message))


class BrokerUnreachable(BrokerError):
    """Nobody answers there, or nobody who speaks MQTT."""


class BrokerRefused(BrokerError):
    """The broker refuses the login."""


class BrokerUntrusted(BrokerError):
    """TLS: the broker's certificate, our own, or no TLS where there should be."""


class TopicsForbidden(BrokerError):
    """The broker takes the login, but not our topics."""


class BrokerLost(BrokerError):
    """The connection to the broker is gone."""


class GatewaySilent(BrokerError):
    """The broker is there, and no gateway or ball of that name answers."""


class Unsuitable(UnknotError):
    """A device or a profile that no massage protocol may drive."""


class CodecMissing(Unsuitable):
    """A profile needs a codec plug-in, and it is not there.

    Attributes:
        name: the plug-in's name.
    """

    def __init__(self, name: str, why: str) -> None:
        self.name = name
        super().__init__(
            f"this firmware speaks in a cipher, and the codec plug-in {name!r} is needed for it: {why}; install a "
            "package that brings it, or use the ball by its own button"
        )


class NotStopped(UnknotError):
    """The motor could not be confirmed stopped: press the ball's own button."""

    def __init__(self, detail: str = "") -> None:
        super().__init__(
            "the motor could not be confirmed stopped: press the ball's own button" + (f" ({detail})" if detail else "")
        )


class Stalled(UnknotError):
    """The machine slept, or something held up the program, while a session was playing; the motor was stopped.

    Attributes:
        seconds: for how long.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(f"the program was held up for {seconds:.1f} s, so the motor was stopped; start again")


class UsageError(UnknotError):
    """A request that cannot be meant, for example a virtual clock with a real radio."""
