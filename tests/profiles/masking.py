"""A codec plug-in that is no secret, for tests of what stands behind one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unknot.profiles import plugins

if TYPE_CHECKING:
    import pytest


class Masked:
    """A cipher that turns every bit over."""

    def client(self) -> Masked:
        return self

    def ball(self) -> Masked:
        return self

    def seal(self, role: str, data: bytes) -> bytes:  # noqa: ARG002 - the signature of all sealings
        return bytes(byte ^ 0xFF for byte in data)

    open = seal


def plug_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let it be the plug-in of every name."""
    monkeypatch.setattr(plugins, "cipher", lambda _name, _settings: Masked())
    monkeypatch.setattr(plugins, "is_installed", lambda _name: True)
