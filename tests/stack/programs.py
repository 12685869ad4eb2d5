"""Programs of their own beside a test: unknot's command line, and others; they find the stage as a person's would."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unknot.profiles.codec import Codec
from unknot.profiles.speech import SetLevel

if TYPE_CHECKING:
    from asyncio.subprocess import Process
    from collections.abc import AsyncIterator

    from unknot.simulator import SimulatedBall

ROOT = Path(__file__).parents[2]

PROGRAM_SECONDS = 60.0
"""A program that has not ended by then hangs."""


@asynccontextmanager
async def program(*words: str, home: Path) -> AsyncIterator[Process]:
    """``python -m`` so and so, which keeps its files in ``home``; killed when the block is left if it still runs."""
    own = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *words),
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        cwd=ROOT,
        env=own | {"HOME": str(home), "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def ended(*words: str, home: Path) -> tuple[int | None, str, str]:
    """What became of a program: exit code, output, errors."""
    async with program(*words, home=home) as process, asyncio.timeout(PROGRAM_SECONDS):
        output, errors = await process.communicate()
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def stray(ball: SimulatedBall, *levels: int, home: Path) -> AsyncIterator[Process]:
    """A program that drives a ball by bare bleak: its motor has the first level when the block begins."""
    codec = Codec(ball.profile)
    commands = [codec.encode(SetLevel(level)) for level in levels]
    ((characteristic,),) = {ball.profile.gatt[write.to].characteristic for (write,) in commands}
    values = [write.data.hex() for (write,) in commands]
    async with program("tests.stack.stray", ball.address, characteristic, *values, home=home) as process:
        await answered(process)
        yield process


async def answered(process: Process) -> None:
    """Wait for a line of a program. Raises `RuntimeError` if it ends instead."""
    assert process.stdout is not None
    async with asyncio.timeout(PROGRAM_SECONDS):
        if not await process.stdout.readline():
            assert process.stderr is not None
            raise RuntimeError((await process.stderr.read()).decode())
