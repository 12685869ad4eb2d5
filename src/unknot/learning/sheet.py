"""What is gathered for the file of a draft, and how its pieces are written; shared by all that write a part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from unknot.learning.forms import Role, inline
from unknot.learning.lesson import Lesson
from unknot.learning.steps import Step, fixed
from unknot.profiles.fields import BASE_SUFFIX
from unknot.profiles.model import Kind


@dataclass(slots=True)
class Sheet:
    """What is gathered.

    Attributes:
        lesson: what was learned.
        name: the profile's id.
        dropped: parts that do not hold and are left out: "init", "keep_alive", or the name of a report.
        examples: the meaning and the bytes of each example, as TOML.
        gaps: what is not known, in sentences.
        missing: what keeps it from being loaded, in sentences.
        roles: the names of the characteristics, by handle.
        used: the ids of the groups that are written.
        unconfirmed: the command that is written as a comment, because it is only guessed; or empty.
        kind: what the device does.
        heard: the handles of the characteristics whose reports are described.
    """

    lesson: Lesson
    name: str
    dropped: frozenset[str] = frozenset()
    examples: list[tuple[str, str]] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    roles: dict[int, str] = field(default_factory=dict)
    used: set[int] = field(default_factory=set)
    heard: set[int] = field(default_factory=set)
    unconfirmed: str = ""
    kind: Kind = Kind.VIBRATION

    def write(self, step: Step, more: str = "") -> str:
        """One write as TOML, with further keys behind."""
        self.used.add(id(step.group))
        return f"{{ to = {inline(self.roles[step.group.handle])}, frame = {inline(fixed(step))}{more} }}"

    def show(self, command: str, burst: Sequence[Step]) -> None:
        """Add an example of a command."""
        self.examples.append((f"command = {command}", hexed([step.data for step in burst])))


def printable(text: str) -> str:
    """A text from the air, with a question mark for each control character."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def sequence_of(burst: Sequence[Step]) -> str:
    """The number of a command, as an example says it."""
    for step in burst:
        counter = next((part for part in step.group.parts if part.role is Role.COUNTER), None)
        if counter is not None:
            return f", sequence = {step.group.value(counter, step.data)}"
    return ""


def commented(text: str) -> str:
    """A text of one or several lines as comments."""
    return "\n".join(f"# {line}" for line in text.splitlines())


def listed(writes: Sequence[str]) -> str:
    """One write, or a list of them, one a line."""
    return writes[0] if len(writes) == 1 else "[\n" + "".join(f"    {one},\n" for one in writes) + "]"


def hexed(frames: Sequence[bytes]) -> str:
    """The bytes of one write or of several, as TOML."""
    texts = [data.hex(" ").upper() for data in frames]
    return inline(texts[0] if len(texts) == 1 else texts)


def short(uuid: str) -> str:
    """A UUID as people write it."""
    is_short = uuid.startswith("0000") and uuid.endswith(BASE_SUFFIX)
    return uuid[4:8].upper() if is_short else uuid
