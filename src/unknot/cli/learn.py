"""The command ``profile learn``: what a recording of the maker's app teaches, and a profile drafted from it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from unknot.cli.frames import shorts
from unknot.cli.learned import PROPERTIES, document, heard, samples, title
from unknot.cli.newfile import see_room, write_new
from unknot.cli.tables import table
from unknot.cli.words import as_json, paragraph, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from unknot.learning.forms import Group, Part
    from unknot.learning.gatt import Attribute, Talk
    from unknot.learning.lesson import Lesson, Recording
    from unknot.learning.trial import Count, Trial
    from unknot.profiles.model import Kind


DEVICES_SHOWN = 10
"""Devices that are listed; advertisers to which nobody connected are only counted."""

OTHERS_SHOWN = 6
"""Frames that are not reproduced and are listed."""

CONFIRMED = (
    "the levels in the order in which you stepped through them, 0 for off and best twice, such as "
    "--levels 1,2,3,0,2,0; or confirm the stop in the draft by hand"
)
"""What is expected where a stop is only guessed."""

SAMPLE_BYTES = 32
"""Bytes of a frame that are shown."""


class Levels(click.ParamType[tuple[int, ...]]):
    """Levels in the order in which somebody stepped through them."""

    name = "0,1,2,…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        """Read the numbers."""
        if isinstance(value, tuple):
            return value
        numbers = [word.strip() for word in str(value).split(",")]
        if not all(word.isdecimal() and word.isascii() and int(word) <= 255 for word in numbers if len(word) < 9):
            self.fail(f"found {value!r}, expected levels from 0 to 255, such as 0,1,2,3,2,1,0", param, ctx)
        if any(len(word) >= 9 for word in numbers):
            self.fail(f"found {value!r}, expected levels from 0 to 255, such as 0,1,2,3,2,1,0", param, ctx)
        return tuple(map(int, numbers))


@click.command("learn")
@click.argument("capture", metavar="CAPTURE", type=click.Path(path_type=Path))
@click.option("--device", "wanted", metavar="NAME|ADDRESS", help="Which device, if several were met.")
@click.option(
    "--levels", "given", type=Levels(), default=(), help="The levels in the order in which you stepped through them."
)
@click.option("--write", "file", type=click.Path(path_type=Path), metavar="FILE", help="Write the draft to this file.")
@as_json
def learn_profile(capture: Path, wanted: str | None, given: tuple[int, ...], file: Path | None, as_json: bool) -> None:
    """Read a recording of the maker's app, say what its bytes are, and draft a profile from it.

    CAPTURE is Android's Bluetooth log (or the bug report with it), what "btmon -w" wrote, Apple's .pklg, or a pcapng.
    The draft is printed, or written to FILE; a file that is there is never replaced. If something is missing that a
    profile must have, such as a stop, the draft says so, does not load, and the exit code is 2.

    While you record, step through the levels slowly, switch off twice, and note the order: --levels 1,2,3,0,2,0 then
    says which byte is the level, which levels the ball has, and which frame stops it. Without it all three are guessed,
    and you must confirm the stop in the draft before it loads.

    \b
    Examples:
      unknot profile learn btsnoop_hci.log
      unknot profile learn btsnoop_hci.log --levels 1,2,3,2,1,0 --write my-ball.toml
      unknot profile learn bugreport.zip --device TIDE-7F31 --json
    """
    from unknot.errors import CaptureError
    from unknot.learning import lesson, likeness, trial
    from unknot.profiles import library
    from unknot.profiles.model import Kind

    if wanted is not None and not wanted.strip():
        raise click.UsageError("--device is empty; name a device, or leave it out for the one with most writes")
    name = "my-ball" if file is None else _name_of(file)
    recording = lesson.record(capture)
    device = lesson.choose(recording, wanted or "")
    learned = lesson.learn(recording, device, given)
    known = likeness.alike(learned, library.load_usable())
    alike = [one.id for one in known]
    # What is known to send electricity stays so, whatever its frames are called now.
    kind = next((one.kind for one in known if one.kind is not Kind.VIBRATION), Kind.VIBRATION)
    result = trial.tried(learned, name, kind)
    if as_json:
        click.echo(json.dumps(document(learned, result, alike), indent=2))
    else:
        _show(learned, result)
        _show_alike(alike, kind)
    if file is not None:
        write_new(file, result.draft.text)
        click.echo(f"{file}: written; next: unknot profile check {file}", err=as_json)
    elif not as_json:
        click.echo(f"\n{result.draft.text}", nl=False)
    if result.why == result.draft.doubt != "":
        raise CaptureError(capture, "nothing that proves which frame is the stop", CONFIRMED)
    if result.why:
        raise CaptureError(capture, f"too little for a whole profile: {result.why}", "a recording with all of it")


def _name_of(file: Path) -> str:
    """The id of the profile in a file that is to be written. Raises `UsageError`."""
    from unknot.errors import UsageError
    from unknot.profiles import beginning

    if file.suffix != ".toml":
        raise UsageError(f"{file}: found a name that does not end in .toml; expected one such as my-ball.toml")
    beginning.text(file.stem)  # refuses what can be no id
    see_room(file)
    return file.stem


def _show(lesson: Lesson, result: Trial) -> None:
    """Print what was learned."""
    _show_recording(lesson.recording)
    _show_devices(lesson)
    for handle, role in result.draft.roles.items():
        attribute = lesson.device.attributes[handle]
        click.echo()
        paragraph(click.style(f"{role}: {_called(attribute)}", bold=True), hang=2)
        for line in _uses(attribute):
            paragraph(f"  {line}", hang=4)
        for group in lesson.groups:
            if group.handle == handle:
                _show_group(lesson, group)
    click.echo()
    _show_finding(lesson, result)


def _show_recording(recording: Recording) -> None:
    click.echo(f"{recording.file}: {recording.packets} packets in {recording.seconds:.1f} s")
    flaws = recording.flaws
    if flaws.broken_at is not None:
        paragraph(f"! from byte {flaws.broken_at} on it could not be read: {flaws.why}", hang=2)
    if flaws.cut:
        paragraph(f"! {flaws.cut} packets were recorded only in part and are left out: switch the full log on", hang=2)
    if recording.meeting.unmet:
        paragraph(f"! {recording.meeting.unmet} advertisements of further devices were not looked at", hang=2)


def _show_devices(lesson: Lesson) -> None:
    devices = lesson.recording.meeting.devices.values()
    met = sorted((one for one in devices if one.connected), key=lambda one: (one is not lesson.device, -one.writes))
    table(
        ("DEVICE", "ADDRESS", "WRITES", "REPORTS", ""),
        [
            (title(one), printable(one.address), str(one.writes), str(heard(one)),
             "looked at" if one is lesson.device else "")
            for one in met[:DEVICES_SHOWN]
        ],
    )  # fmt: skip
    if len(met) > DEVICES_SHOWN:
        click.echo(f"and {len(met) - DEVICES_SHOWN} more")
    if len(devices) > len(met):
        click.echo(f"{len(devices) - len(met)} more only advertised")
    device = lesson.device
    if not any(one.uuid for one in device.attributes.values()):
        paragraph(
            "! The recording does not say which characteristics these are, because the phone knew the ball already: "
            f"look them up with 'unknot inspect {printable(device.address)}', or forget the ball in the phone's "
            "settings and record again.",
            hang=2,
        )
    if device.lost or any(talk.lost for one in device.attributes.values() for talk in (one.written, one.heard)):
        paragraph("! There is more than is kept: only the beginning is looked at.", hang=2)
    if device.prepared:
        paragraph(f"! {device.prepared} long or signed writes are left out.", hang=2)


def _called(attribute: Attribute) -> str:
    if not attribute.uuid:
        return f"handle {attribute.handle}, UUID not recorded"
    within = f" in {shorts([attribute.service])}" if attribute.service else ""
    return f"{shorts([attribute.uuid])}{within}"


def _uses(attribute: Attribute) -> list[str]:
    """What it can do, and what was done."""
    lines = []
    if attribute.properties is not None:
        words = [word for bit, word in PROPERTIES.items() if attribute.properties & bit]
        lines.append(f"can {', '.join(words) or 'nothing'}")
    for talk, verb in ((attribute.written, "written"), (attribute.heard, "heard")):
        if talk.count:
            ways = ", ".join(f"{count} by {_WAYS[way.name]}" for way, count in sorted(talk.ways.items()))
            lines.append(f"{verb} {_times(talk.count)} ({ways}), {len(talk.frames)} different, {_lengths(talk)}")
    return lines


_WAYS = {
    "REQUEST": "request",
    "COMMAND": "command",
    "NOTIFIED": "notification",
    "INDICATED": "indication",
    "READ": "read",
}


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _lengths(talk: Talk) -> str:
    lengths = sorted({len(one.data) for one in talk.frames})
    return f"{', '.join(map(str, lengths[:8]))}{', …' if len(lengths) > 8 else ''} bytes"


def _show_group(lesson: Lesson, group: Group) -> None:
    """One form, what stands where, and some samples."""
    count = sum(one.count for one in group.frames)
    shown_frames = samples(lesson, group)
    facts = [_times(count)]
    if len(group.frames) > 1:
        facts.append(f"{len(group.frames)} different")
    elif shown_frames:
        facts.append(f"first at {lesson.clock(shown_frames[0][0]):.2f} s")
    if group.period is not None:
        facts.append(f"every {group.period:.3g} s by itself")
    if any(one.refused for one in group.frames):
        facts.append(f"refused {_times(sum(one.refused for one in group.frames))}")
    paragraph(f"  {'<' if group.heard else '>'} {printable(group.template)}  ({', '.join(facts)})", hang=6)
    if len(group.frames) > 1 or group.slots:
        paragraph(f"      {'; '.join(_place(part) for part in group.parts if part.content)}", hang=8)
    for time, data in shown_frames if len(group.frames) > 1 else ():
        shown = data[:SAMPLE_BYTES].hex(" ").upper() + (" …" if len(data) > SAMPLE_BYTES else "")
        click.echo(f"      {lesson.clock(time):8.2f} s  {shown}")


def _place(part: Part) -> str:
    size = len(part.content)
    where = f"{part.at}" if size == 1 or part.is_text else f"{part.at} to {part.at + size - 1}"
    proof = f" {part.seal}, proved by {part.evidence} frames" if part.evidence else ""
    name = f" {part.name}" if part.is_slot and part.name != part.role.value else ""
    return f"{where} {part.role.value}{name}{proof}"


def _show_finding(lesson: Lesson, result: Trial) -> None:
    known = lesson.levels
    if known is not None and known.highest:
        wires = ", ".join(f"{level} is {wire}" for level, wire in sorted(known.wires.items())[:12])
        paragraph(f"levels 1 to {known.highest}: on the wire {wires}{', …' if len(known.wires) > 12 else ''}", hang=2)
        for guess in known.guesses:
            paragraph(f"! {printable(guess)}", hang=2)
        if known.guesses:
            paragraph(
                "  if you know the order in which you stepped through the levels, say it: --levels 1,2,3,0,2,0", hang=2
            )
    paragraph(_counted(result.writes, "writes", result.draft.roles), hang=2)
    paragraph(_counted(result.reports, "reports", result.draft.roles), hang=2)


def _show_alike(alike: Sequence[str], kind: Kind) -> None:
    if not alike:
        return
    others = f" So do {', '.join(alike[1:])}." if len(alike) > 1 else ""
    electric = "" if kind.value == "vibration" else " It is a stimulator, which no massage drives; so is the draft."
    paragraph(
        f"! Profile {alike[0]} says every frame of this app already.{others}{electric} Look at it before you go on "
        f"with a draft: unknot profile show {alike[0]}",
        hang=2,
    )


def _counted(count: Count, what: str, roles: dict[int, str]) -> str:
    text = f"{count.done} of {count.all} {what} are reproduced by the draft"
    if not count.others:
        return text
    shown = [f"{roles.get(handle, handle)} {data[:SAMPLE_BYTES].hex(' ').upper()}" for handle, data in count.others]
    more = f", and {len(shown) - OTHERS_SHOWN} more" if len(shown) > OTHERS_SHOWN else ""
    return f"{text}; these are not: {', '.join(shown[:OTHERS_SHOWN])}{more}"
