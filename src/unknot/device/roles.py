"""Who a ball works with, as the ball sees them: those who hear it, who plays on it, and who writes it down."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, Self

if TYPE_CHECKING:
    from datetime import datetime
    from types import TracebackType

    from unknot.errors import LinkError
    from unknot.events import StopOutcome
    from unknot.protocols.timeline import Timeline


class Listener(Protocol):
    """Who hears what happens to a ball; `unknot.session.session.Session` is one."""

    def ball_stopped(self) -> None:
        """Somebody asked for a stop."""

    def ball_changed_level(self, level: int) -> None:
        """The ball changed its level by itself: its button, its own timer."""

    def ball_reported(self, values: dict[str, float | str]) -> None:
        """The ball told something else about itself."""

    def ball_lapsed(self) -> None:
        """The ball stopped by itself because the renewal of its lease did not reach it in time."""

    def ball_lost(self, error: LinkError) -> None:
        """The link is gone or does not answer; it is being restored, and nothing is written until then."""

    def ball_restored(self, outcome: StopOutcome, *, is_same: bool) -> None:
        """The link is back and the motor stopped; ``is_same`` unless the ball came back under another address."""

    def ball_failed(self, error: LinkError) -> None:
        """The link could not be restored."""


class Playing(Protocol):
    """A session as `Ball.vibrate` needs it."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def wait_unattended(self) -> object:
        """Wait until it is over; a pause, after which nobody could go on, ends it."""


class Recorder(Protocol):
    """Where sessions are recorded so that the limits per day hold; `unknot.session.ledger.Ledger` is one."""

    def refuse(self, timeline: Timeline, now: datetime) -> None:
        """Raise `LimitExceeded` if it is too much for this day."""

    def notes(self, timeline: Timeline, now: datetime) -> tuple[str, ...]:
        """What the person should know before it is played."""

    def begin(self, timeline: Timeline, now: datetime) -> Any:
        """Write down that it is being played."""

    def end(self, entry: Any, motor_seconds: float, now: datetime) -> None:
        """Write down how long the motor ran (s)."""
