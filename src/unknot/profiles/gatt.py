"""The characteristics of a ball as a profile names them: UUIDs or candidates, and what is done with each.

Used by `unknot.profiles.model`; the link looks for them and the simulated ball offers them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

from pydantic import BeforeValidator, Field, model_validator

from unknot.datafile import Misfit
from unknot.profiles.assembly import Assembly
from unknot.profiles.fields import Flag, OneOrMore, Seconds, Uuid
from unknot.profiles.section import Section
from unknot.profiles.writekind import PROPERTIES, WriteKind

PIECE_LEAST = 1
PIECE_MOST = 512
"""Bytes of one write: a GATT value has at most 512 (Bluetooth Core, Vol 3, Part F, 3.2.9)."""

POLL_LEAST = 0.1
"""Seconds between two readings: two connection intervals of 50 ms, since a read takes two (judgement)."""


def _write_kind(value: object) -> object:
    if isinstance(value, str) and value not in set(WriteKind):
        expected = '"request", for the property "write", or "command", for "write without response"'
        raise Misfit("", repr(value), expected, right=[kind.value for kind in WriteKind])
    return value


WriteKindField = Annotated[WriteKind, BeforeValidator(_write_kind)]
"""One of the two ways, by its name."""


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str | int) else value


class Characteristic(Section):
    """One GATT characteristic and what the profile does with it.

    Attributes:
        service: the UUIDs of its service, in the order in which they are tried; none where its own says enough.
        characteristic: its own UUIDs, in the same order; several of them may share a single service.
        or_first: where none of these is there, take the first characteristic with the properties that are needed.
        write: the kinds of write that it takes, the preferred one for levels first.
        notify: values arrive as notifications.
        indicate: values arrive as indications.
        read: the value is read once after connecting.
        poll: seconds after which it is read again and again, or None.
        pieces: sizes in bytes of the writes that a longer value is split into; the last one goes on.
        assemble: how what arrives is put together to frames; None where each notification is one frame.
    """

    service: Annotated[tuple[Uuid, ...], BeforeValidator(_as_list), OneOrMore()] = ()
    characteristic: Annotated[tuple[Uuid, ...], BeforeValidator(_as_list), OneOrMore()] = ()
    or_first: Flag = False
    write: Annotated[tuple[WriteKindField, ...], BeforeValidator(_as_list), OneOrMore()] = ()
    notify: Flag = False
    indicate: Flag = False
    read: Flag = False
    poll: Seconds | None = None
    pieces: Annotated[
        tuple[Annotated[int, Field(strict=True, ge=PIECE_LEAST, le=PIECE_MOST)], ...],
        BeforeValidator(_as_list),
        OneOrMore(),
    ] = ()
    assemble: Assembly | None = None

    @property
    def candidates(self) -> tuple[tuple[str | None, str], ...]:
        """Pairs of a service's (None for any) and a characteristic's UUID, in the order in which they are tried."""
        services = self.service if len(self.service) > 1 else (self.service or (None,)) * len(self.characteristic)
        return tuple(zip(services, self.characteristic, strict=True))

    @property
    def is_heard(self) -> bool:
        """Whether the ball sends its values by itself."""
        return self.notify or self.indicate

    @property
    def is_read(self) -> bool:
        """Whether its value is read, once or again and again."""
        return self.read or self.poll is not None

    @property
    def properties(self) -> tuple[str, ...]:
        """Bleak's names of the properties that a ball's characteristic has if it is all that the profile says."""
        return (
            *["read"] * self.is_read,
            *(PROPERTIES[kind] for kind in (WriteKind.REQUEST, WriteKind.COMMAND) if kind in self.write),
            *["notify"] * self.notify,
            *["indicate"] * self.indicate,
        )

    def fits(self, properties: Iterable[str]) -> bool:
        """Whether a characteristic with these properties (bleak's names) can be this one."""
        offered = set(properties)
        return (
            (not self.write or any(PROPERTIES[kind] in offered for kind in self.write))
            and (not self.is_heard or bool(offered & {"notify", "indicate"}))
            and (not self.is_read or "read" in offered)
        )

    @model_validator(mode="after")
    def _can_be_found(self) -> Characteristic:
        services, own = len(self.service), len(self.characteristic)
        if not own and not self.or_first:
            raise Misfit("characteristic", "nothing", "a UUID, a list of them, or or_first = true")
        if services not in (0, 1, own) or (services and not own):
            raise Misfit("service", f"{services} UUIDs", f"one, or {own}, as many as characteristics")
        if self.poll is not None and self.poll < POLL_LEAST:
            raise Misfit("poll", f"{self.poll:g} s", f"at least {POLL_LEAST:g} s")
        if self.assemble is not None and not self.is_heard:
            raise Misfit(
                "assemble", "a characteristic that sends nothing by itself", "notify = true or indicate = true"
            )
        if self.pieces and not self.write:
            raise Misfit("pieces", "a characteristic that is not written", 'write = "request" or "command"')
        if self.or_first and not (self.write or self.is_heard or self.is_read):
            raise Misfit("or_first", "no use of the characteristic", "write, notify, indicate, read or poll beside it")
        return self
