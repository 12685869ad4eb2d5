"""How long each thing on a link may take, and how often it is tried; used by the link, by the ball and by its guard.

A module of its own, which imports nothing, because the guard must be ready as soon as it can.
"""

from __future__ import annotations

CONNECT_SECONDS = 10.0
"""Deadline of a connection with its service discovery: 0.5 to 0.7 s on BlueZ, a second more per lost attempt."""

OPERATION_SECONDS = 1.0
"""Deadline of one read, write or subscription: ten times the 100 ms of an acknowledged write at a 50 ms interval."""

ATTEMPTS = 3
"""How often a command is tried before it has failed; each write of it has the link's deadline (judgement)."""

PARTING_SECONDS = 0.5
"""How long a link is held after a stop that nobody acknowledged and no read can follow: several connection intervals,
so that the stop is not lost in a queue when the link closes (judgement)."""

DISCONNECT_SECONDS = 5.0
"""Deadline of a disconnection: BlueZ's own timer takes 2 s."""

RADIO_SECONDS = 5.0
"""Deadline for starting or ending a scan and for asking what is connected; each is an exchange with the system's own
Bluetooth service (judgement)."""

BACK_OFF = (0.25, 0.5, 1.0, 2.0, 4.0)
"""Seconds between two attempts; the last one is repeated. Long enough for a radio to recover, short enough for somebody
who waits with the ball in hand (judgement; the figures of several retrying libraries)."""

SETTLING_SECONDS = BACK_OFF[0]
"""Seconds between the loss of a link and the first attempt to restore it. An adapter that is being switched off ends
its links first; a connection that is asked for in that moment takes bluetoothd down with a fault of the kernel (seen on
Debian's 6.1.192), and with it all hope of reaching the ball."""

SILENCE_SECONDS = 2.0
"""A controller that says nothing for so long is halted or hangs, and is as good as dead: four beats (judgement)."""
