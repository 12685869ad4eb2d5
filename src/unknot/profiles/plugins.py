"""Codec plug-ins: what turns frames into what is on the air and back, where no data file can say it (ciphers).

A plug-in is an entry point of the group ``unknot.codecs``: a callable that takes the profile's settings and returns a
`Cipher`. It is loaded only when a ball is spoken to. Used by `unknot.profiles.codec`.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Protocol

from unknot.errors import CodecMissing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GROUP = "unknot.codecs"
"""The entry point group."""


class Sealing(Protocol):
    """One end of one link."""

    def seal(self, role: str, data: bytes) -> bytes:
        """What goes over the air for a frame; ``role`` is the characteristic's name in the profile."""

    def open(self, role: str, data: bytes) -> bytes:
        """The frame in what came over the air. Raises `unknot.errors.FrameMismatch` if it is none."""


class Cipher(Protocol):
    """What a plug-in returns: both ends, so that the ball can be simulated and the examples proved both ways."""

    def client(self) -> Sealing:
        """Our end of a new link."""

    def ball(self) -> Sealing:
        """The ball's end of a new link."""


class _Plain:
    """Nothing between the frames and the air."""

    def client(self) -> Sealing:
        return self

    def ball(self) -> Sealing:
        return self

    def seal(self, role: str, data: bytes) -> bytes:  # noqa: ARG002 - the signature of all sealings
        return data

    def open(self, role: str, data: bytes) -> bytes:  # noqa: ARG002
        return data


PLAIN: Cipher = _Plain()
"""What a profile without a plug-in uses."""


def is_installed(name: str) -> bool:
    """Whether there is a plug-in of that name."""
    return bool(entry_points(group=GROUP, name=name))


def cipher(name: str | None, settings: Mapping[str, float | str]) -> Cipher:
    """The cipher of that name, or `PLAIN` for None.

    Args:
        name: the name of its entry point.
        settings: the values of the profile's settings.

    Raises:
        CodecMissing: it is not installed, or fails to load.
    """
    if name is None:
        return PLAIN
    for entry in entry_points(group=GROUP, name=name):
        try:
            make: Callable[[Mapping[str, float | str]], Cipher] = entry.load()
            return make(settings)
        except Exception as cause:
            raise CodecMissing(name, f"it fails to load: {cause!r}") from cause
    raise CodecMissing(name, "it is not installed")
