"""The least time between two things that are said to a ball; the writer and the dialogue of one link share it."""

from __future__ import annotations

import asyncio
import math

CLOCK_EPSILON = 1e-6
"""Slack in seconds for float arithmetic."""


class Pace:
    """Knows when something was said last.

    Args:
        spacing: the least time (s): a sooner write is not heard, not even a stop.
    """

    def __init__(self, spacing: float) -> None:
        self._spacing = spacing
        self._said_at = -math.inf

    @property
    def left(self) -> float:
        """For how long (s) nothing would be heard; 0 if the ball listens."""
        if not self._spacing:
            return 0.0
        left = self._said_at + self._spacing - asyncio.get_running_loop().time()
        return left if left > CLOCK_EPSILON else 0.0

    async def keep(self) -> None:
        """Wait until the ball listens."""
        if (left := self.left) > 0:
            await asyncio.sleep(left)

    def said(self) -> None:
        """Something was written; what failed may have been heard all the same."""
        if self._spacing:
            self._said_at = asyncio.get_running_loop().time()
