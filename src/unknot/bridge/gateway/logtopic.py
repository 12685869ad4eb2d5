"""Puts warnings and errors on the gateway's log topic, if its owner wants that; a handler of the logging library."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from unknot.bridge.configuration.discretion import hidden

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class TopicHandler(logging.Handler):
    """Tells each warning as JSON.

    Args:
        say: tells it, without waiting; what it does itself may log nothing above info.
        secrets: what is never told, whoever logs it.
    """

    def __init__(self, say: Callable[[str], None], secrets: Iterable[str] = ()) -> None:
        super().__init__(logging.WARNING)
        self._say = say
        self._secrets = tuple(secrets)

    def emit(self, record: logging.LogRecord) -> None:
        """Tell one."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": hidden(record.getMessage(), self._secrets),
        }
        self._say(json.dumps(told))
