"""What is said besides the writes of a timeline, for people and for programs; used by ``unknot show``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from unknot.cli.words import paragraph, printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from unknot.profiles.phrases import KeepAlive, Step
    from unknot.protocols.writes import Around


def show_around(around: Sequence[Around], from_examples: Mapping[str, float | str]) -> None:
    """Print the dialogue, the keep-alives, and the settings that examples stand in for; nothing where there is none."""
    from unknot.profiles.phrases import Step

    steps = [one for one in around if isinstance(one.phrase, Step)]
    kept = [one for one in around if not isinstance(one.phrase, Step)]
    for title, lines in (("after connecting, once", steps), ("again and again", kept)):
        if lines:
            click.echo(f"\n{title}:")
        for number, one in enumerate(lines, 1):
            paragraph(f"  {number}. {printable(_said(one))}", hang=5)
    if from_examples:
        told = ", ".join(f"{slot} {value}" for slot, value in from_examples.items())
        click.echo()
        paragraph(f"what the ball will tell, taken from the profile's examples here: {printable(told)}")


def around_as_dicts(around: Sequence[Around]) -> dict[str, list[dict[str, Any]]]:
    """The dialogue and the keep-alives for programs."""
    from unknot.profiles.phrases import Step

    dialogue = [_step_as_dict(one, one.phrase) for one in around if isinstance(one.phrase, Step)]
    kept = [_kept_as_dict(one, one.phrase) for one in around if not isinstance(one.phrase, Step)]
    return {"dialogue": dialogue, "keep_alives": kept}


def _said(one: Around) -> str:
    from unknot.profiles.phrases import Step

    phrase = one.phrase
    if isinstance(phrase, Step):
        return _step(one, phrase) + ("; the ball obeys without it" if phrase.optional else "")
    when = f"every {phrase.every:g} s" if phrase.every is not None else f"at each report {phrase.when}"
    running = " while the motor is on" if phrase.state == "running" else ""
    return f"{when}{running}: {_written(one)}"


def _step(one: Around, step: Step) -> str:
    if step.subscribe is not None:
        return f"hear {step.subscribe}"
    if step.read is not None:
        return f"read {step.read}"
    if step.wait is not None:
        return f"wait {step.wait:g} s"
    if step.expect is not None:
        told = "".join(f" {slot}={value}" for slot, value in step.values.items())
        asked = f'ask "{step.press}", and ' if step.press else ""
        return f"{asked}wait up to {step.patience:g} s for the report {step.expect}{told}"
    again = f" (up to {1 + step.retry} times)" if step.retry else ""
    answer = f"{again}, and wait for the report {step.write.answer}" if step.write and step.write.answer else ""
    return f"{_written(one)}{answer}"


def _written(one: Around) -> str:
    write = one.phrase.write
    if write is None:
        return ""
    said = ", ".join(_hex(each.data) for each in one.writes) or write.frame.template
    return f"write {said} to {write.to}"


def _step_as_dict(one: Around, step: Step) -> dict[str, Any]:
    if step.write is not None:
        return {"do": "write", **_write_as_dict(one), "retry": step.retry, "optional": step.optional}
    if step.wait is not None:
        return {"do": "wait", "seconds": step.wait, "optional": step.optional}
    if step.expect is not None:
        return {
            "do": "expect",
            "report": step.expect,
            "is": dict(step.values),
            "within": step.patience,
            "press": step.press,
            "optional": step.optional,
        }
    do = "read" if step.read is not None else "subscribe"
    return {"do": do, "on": step.read or step.subscribe, "optional": step.optional}


def _kept_as_dict(one: Around, kept: KeepAlive) -> dict[str, Any]:
    return {"every": kept.every, "when": kept.when, "while": kept.state, **_write_as_dict(one)}


def _write_as_dict(one: Around) -> dict[str, Any]:
    """A write; its bytes are null where they are known only at the time."""
    write = one.phrase.write
    if write is None:
        return {}
    return {
        "to": write.to,
        "frame": write.frame.template,
        "bytes": [_hex(each.data) for each in one.writes] or None,
        "answer": write.answer,
    }


def _hex(data: bytes) -> str:
    return data.hex(" ").upper()
