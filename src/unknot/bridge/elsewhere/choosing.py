"""Which gateway and which ball are meant, where a person has named both, one or none. Pure.

Whoever is not named is the only one there is; else a line names those there are.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from unknot import errors
from unknot.bridge import topics
from unknot.errors import BallNotFound, GatewaySilent, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from unknot.bridge.elsewhere.fleet import BallView, Fleet, GatewayView

NAMED_MOST = 8
"""How many gateways or balls an error names (judgement)."""


def gateway(fleet: Fleet, wanted: str | None, where: str) -> GatewayView:
    """The gateway that is called so, or the only one that is online.

    Args:
        fleet: those that were heard.
        wanted: its id; None for the only one.
        where: what to call the broker.

    Raises:
        GatewaySilent: there is none, or it is offline.
        UsageError: there are several.
    """
    online = [one for one in fleet.gateways if one.is_online]
    if wanted is not None:
        found = fleet.gateway(wanted)
        if found is None:
            raise _unknown(wanted, [one.id for one in online], where)
        if not found.is_online:
            raise GatewaySilent(f"gateway {wanted} at {where} is offline")
        return found
    if not online:
        raise GatewaySilent(f"no gateway is online at {where}", advice="start one with 'unknot bridge'")
    if len(online) > 1:
        names = [one.id for one in online]
        raise UsageError(f"{len(names)} gateways are online at {where}: {listed(names)}; name one: {where}/{names[0]}")
    return online[0]


def ball(at: GatewayView, wanted: str | None, where: str) -> BallView:
    """The ball of a gateway that is called so, by its id, its name or its address, or the only one with a link.

    Raises:
        BallNotFound: there is none, or its link does not stand.
        UsageError: there are several.
    """
    if wanted is not None:
        found = named(at, wanted)
        if not found.is_there:
            raise BallNotFound(
                f"gateway {at.id} has no link to {_called(found)} now",
                address=found.address,
                advice="switch the ball on and bring it near that gateway",
            )
        return found
    there = [one for one in at.balls if one.is_there]
    if not there:
        known = f"; it knows {listed(map(_called, at.balls))}" if at.balls else ""
        raise BallNotFound(
            f"gateway {at.id} has no link to a ball now{known}",
            advice="switch a ball on and bring it near that gateway",
        )
    if len(there) > 1:
        raise UsageError(
            f"gateway {at.id} has {len(there)} balls: {listed(map(_called, there))}; "
            f"name one: {where}/{at.id}/{there[0].id}"
        )
    return there[0]


def named(at: GatewayView, wanted: str) -> BallView:
    """The ball of a gateway that is called so, whether its link stands or not.

    Raises:
        BallNotFound: there is none.
        UsageError: several are called so.
    """
    word = wanted.strip().casefold()
    found = [one for one in at.balls if word == one.id or one.id == topics.as_id(wanted)]
    found = found or [one for one in at.balls if word in (one.name.casefold(), one.address.casefold())]
    if not found:
        has = f"it has {listed(map(_called, at.balls))}" if at.balls else "it has none"
        raise BallNotFound(
            f"gateway {at.id} has no ball called {wanted!r}; {has}", advice="see 'unknot fleet' for all that there are"
        )
    if len(found) > 1:
        ids = listed(one.id for one in found)
        raise UsageError(f"gateway {at.id} has {len(found)} balls called {wanted!r}; name one by its id: {ids}")
    return found[0]


def listed(names: Iterable[str]) -> str:
    """The first few names, and how many more there are; harmless to a terminal."""
    shown = [errors.in_one_line(name) for name in names]
    more = len(shown) - NAMED_MOST
    return ", ".join(shown[:NAMED_MOST]) + (f" and {more} more" if more > 0 else "")


def _called(one: BallView) -> str:
    return one.id if one.name == one.id else f"{one.id} ({errors.in_one_line(one.name)})"


def _unknown(wanted: str, online: list[str], where: str) -> GatewaySilent:
    near = get_close_matches(wanted, online, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"online: {listed(online)}" if online else "none is online"
    return GatewaySilent(f"no gateway is called {wanted!r} at {where}; {hint}")
