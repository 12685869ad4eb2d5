"""What all tests share: virtual time by default, no radio, and no files of the person who runs them."""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import settings

from unknot.bridge.configuration import settings as bridge_settings
from unknot.clock import VirtualTimeLoop
from unknot.device import holding
from unknot.profiles import library as profile_library
from unknot.protocols import library as protocol_library
from unknot.session import ledger

# The same examples on every run: what a submission is judged by does not depend on luck. Look for new ones with
# `pytest --hypothesis-profile=explore`.
settings.register_profile("same", derandomize=True)
settings.register_profile("explore", max_examples=2000)
settings.load_profile("same")


def pytest_xdist_auto_num_workers() -> int:
    """Two for each core: half of what takes long waits for real processes."""
    return 2 * (os.cpu_count() or 1)


@pytest.hookimpl(tryfirst=True)
def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    if item.get_closest_marker("real_time"):
        return {"real": asyncio.new_event_loop}
    return {"virtual": VirtualTimeLoop}


def _look_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profile_library, "own_folder", lambda: folder / profile_library.FOLDER)
    monkeypatch.setattr(protocol_library, "own_folder", lambda: folder / protocol_library.FOLDER)


@pytest.fixture(autouse=True)
def no_own_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs the tests has no profiles, protocols and gateway of their own, and has played nothing."""
    for name in [name for name in os.environ if re.match(r"UNKNOT_(CONFIG$|.*__)", name)]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(bridge_settings, "user_config_path", lambda _: tmp_path / "own")
    monkeypatch.setattr(bridge_settings, "SYSTEM_FOLDER", tmp_path / "etc")
    monkeypatch.setattr(ledger, "default_file", lambda: tmp_path / ledger.FILE)
    monkeypatch.setattr(holding, "user_cache_path", lambda _: tmp_path / "run")
    _look_in(Path(__file__).parent / "there-is-no-such-folder", monkeypatch)


@pytest.fixture
def own_files(tmp_path: Path, no_own_files: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for the owner's own profiles and protocols."""
    _look_in(tmp_path, monkeypatch)
    return tmp_path
