"""A fixture that lets no test leave a line in the log: no forgotten exception, no noise of a library."""

import gc
import logging
from collections.abc import Iterator

import pytest


@pytest.fixture
def silence() -> Iterator[list[str]]:
    """What was logged, which must be nothing when the test is over."""
    said: list[str] = []

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.levelno >= logging.WARNING:
                said.append(f"{record.name}: {record.getMessage()}")

    ear = Ear()
    logging.getLogger().addHandler(ear)
    gc.collect()
    gc.freeze()  # what is there already need not be looked through again
    yield said
    gc.collect()  # which is when asyncio tells of exceptions that nobody has asked for
    gc.unfreeze()
    logging.getLogger().removeHandler(ear)
    assert said == []
