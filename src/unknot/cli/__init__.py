"""The command line: ``unknot list``, ``show``, ``run``, ``vibrate``, ``stop``, ``scan``, ``inspect`` and more.

Commands are thin: they read words, call `unknot.api`, and show what happens. Heavy libraries are imported by the
commands that need them, so that help and lists appear at once.
"""

from __future__ import annotations

import io
import os
import sys

import click

from unknot.cli import bridge, catalogue, config, doctor, drive, exits, fleet, inspect, profiles, scan, simulate, today
from unknot.cli.words import COMPLETE, NearestGroup

_HELP = """\
Play a muscle's protocol on a Bluetooth vibration massage ball.

\b
Try it without a ball:
  unknot list                                 what there is
  unknot show calf                            what it would do, second by second
  unknot run calf --simulate                  play it on a simulated ball
  unknot run calf --simulate --speed max --yes
\b
With a ball:
  unknot scan                                 what is in range
  unknot inspect AA:BB:CC:DD:EE:FF            what one device has and tells; it only reads
  unknot run calf --side left                 the nearest ball that a profile describes
  unknot run calf --device AA:BB:CC:DD:EE:FF
  unknot stop                                 stop every ball
  unknot today                                what was played, and what is left of the day's limits
\b
Be a gateway of balls, over MQTT and for years:
  unknot config init                          a configuration to start from
  unknot doctor                               what is wrong with this machine or the broker, and what to do
  unknot bridge                               put the balls in reach on the broker
\b
With a ball at another gateway, over MQTT:
  unknot fleet --via mqtt://broker            every gateway there, and its balls
  unknot run calf --via mqtt://broker/raum-3/aabbccddeeff
  unknot stop --via mqtt://broker             every ball of every gateway

While a protocol plays: space pauses and goes on, n skips to the next step, any other key stops.

This program times and guides a self-massage routine for general relaxation. It is not a medical device and gives no
medical advice. Stop at once if it hurts sharply, tingles, goes numb, or you feel dizzy or unwell.
"""

_EPILOG = """\
\b
Exit codes:
  0 done   2 wrong usage or a wrong file   3 no ball or no link   4 refused by a limit
  5 the motor could not be confirmed stopped   6 no broker, or no gateway that answers
  130 interrupted, after stopping
\b
Completion of commands, muscles and profiles:
  eval "$(unknot completion bash)"     or zsh, or: unknot completion fish | source
"""


@click.group(
    cls=NearestGroup,
    help=_HELP,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="unknot", message="%(package)s %(version)s")
def cli() -> None:
    """Hold the commands together."""


for command in (
    catalogue.list_muscles,
    catalogue.show,
    profiles.profile,
    catalogue.completion,
    drive.run,
    drive.vibrate,
    drive.stop,
    scan.scan,
    fleet.fleet,
    inspect.inspect,
    simulate.simulate,
    today.today,
    bridge.bridge,
    config.config,
    doctor.doctor,
):
    cli.add_command(command)


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and leave with its exit code; expected trouble is one line on standard error."""
    if COMPLETE in os.environ:
        from click.shell_completion import shell_complete

        sys.exit(shell_complete(cli, {}, "unknot", COMPLETE, os.environ[COMPLETE]))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a sign that the terminal lacks is no reason to fail
    try:
        code = _invoke(sys.argv[1:] if arguments is None else list(arguments))
    except BrokenPipeError:
        exits.forget_output()
        code = exits.DONE
    except OSError as error:
        exits.forget_output()
        click.echo(f"unknot: cannot write: {error.strerror or error}", err=True)
        code = exits.USAGE
    except (click.exceptions.Abort, KeyboardInterrupt):
        click.echo("unknot: interrupted", err=True)
        code = exits.INTERRUPTED
    except exits.EXPECTED as error:
        code = exits.tell(error)
    sys.exit(code)


def _invoke(arguments: list[str]) -> int:
    try:
        with cli.make_context("unknot", arguments) as context:
            code: int = cli.invoke(context) or exits.DONE
    except click.exceptions.Exit as leaving:
        code = leaving.exit_code
    if sys.stdout is not None:
        sys.stdout.flush()
    return code
