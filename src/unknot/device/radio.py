"""Which radio bleak stands on; `unknot.api` chooses, discovery and link use it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bleak.args.bluez import BlueZAdapterArgs
    from bleak.backends.adapter import BaseBleakAdapter
    from bleak.backends.client import BaseBleakClient
    from bleak.backends.scanner import BaseBleakScanner


ON_ADAPTER = "--adapter="
"""How a guard process is told its adapter."""


SYSTEMS_GUARD = ("-m", "unknot.guard_process")
"""What stands after ``python`` to start a guard on the operating system's radio."""


@dataclass(frozen=True, slots=True)
class Radio:
    """The backends of bleak's client, scanner and adapter, and who guards; by default those of the operating system.

    Attributes:
        client: backend class for ``BleakClient``.
        scanner: backend class for ``BleakScanner``.
        adapter: backend class for ``BleakAdapter``.
        options: further keyword arguments for the client's and the scanner's backend.
        guard: what stands after ``python`` to start a guard on the same radio; None where no other process can reach
            the balls, which is taken for granted of a client of one's own.
    """

    client: type[BaseBleakClient] | None = None
    scanner: type[BaseBleakScanner] | None = None
    adapter: type[BaseBleakAdapter] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    guard: tuple[str, ...] | None = SYSTEMS_GUARD

    def __post_init__(self) -> None:
        if self.client is not None and self.guard == SYSTEMS_GUARD:
            object.__setattr__(self, "guard", None)  # it would look for the ball on the system's radio

    @property
    def is_real(self) -> bool:
        """Whether it is the operating system's, so that a person may lie on what it drives."""
        return self.client is None

    @property
    def bluez(self) -> BlueZAdapterArgs:
        """Which of several adapters bleak is to use on Linux; empty where nobody has chosen one."""
        chosen: BlueZAdapterArgs = self.options.get("bluez", {})
        return chosen

    def on(self, adapter: str) -> Self:
        """The same radio on the adapter of that name, for its guard too."""
        guard = None if self.guard is None else (*self.guard, f"{ON_ADAPTER}{adapter}")
        return replace(self, options={**self.options, "bluez": {"adapter": adapter}}, guard=guard)
