"""The requests that a gateway answers, a verb each; the gateway hands them over and tells what is returned.

Each takes a request that has been read (`unknot.bridge.payloads`) and gives the data of its answer, or raises.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING, Any

from unknot import __version__, api, datafile
from unknot.bridge.gateway.choice import Choice, own_intensity
from unknot.bridge.payloads import (
    MANUAL,
    Action,
    BallRequest,
    Code,
    ProtocolRequest,
    PutProtocolRequest,
    Refusal,
    Request,
    RunRequest,
    ScanRequest,
    VibrateRequest,
)
from unknot.bridge.reports import ProtocolEntry
from unknot.errors import NotStopped, ProtocolFileError
from unknot.events import StopOutcome
from unknot.protocols import library
from unknot.session import ledger
from unknot.session.ledger import Ledger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from unknot.bridge.gateway.keeper import Keeper
    from unknot.device.discovery import FoundBall

    Answer = Callable[[Any], Awaitable[dict[str, Any]]]

FOUND_MOST = 100
"""How many devices an answer to a scan tells (judgement)."""

PEOPLE_MOST = 1000
"""For how many people a gateway remembers an open account; each is also a file (judgement)."""


class Answers:
    """Answers requests.

    Args:
        gateway: its id.
        keepers: the balls that it keeps, by id; looked at anew for each request.
        simulate: where to scan.
        adapter: which adapter scans.
        accepts_protocols: whether somebody on the broker may leave a protocol's file here.
        changed: called when there are other protocols than before.
    """

    def __init__(
        self,
        gateway: str,
        keepers: Mapping[str, Keeper],
        *,
        simulate: api.Simulate,
        adapter: str | None,
        accepts_protocols: bool,
        changed: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._keepers = keepers
        self._simulate = simulate
        self._adapter = adapter
        self._accepts_protocols = accepts_protocols
        self._changed = changed
        self._accounts: dict[str, Ledger] = {}
        self._verbs: dict[str, Answer] = {
            "ping": self._ping,
            "scan": self._scan,
            "connect": self._connect,
            "disconnect": self._disconnect,
            "run": self._run,
            "vibrate": self._vibrate,
            "pause": self._pause,
            "resume": self._resume,
            "skip": self._skip,
            "stop": self._stop,
            "stop_all": self._stop_all,
            "protocols": self._protocols,
            "protocol_get": self._protocol_get,
            "protocol_put": self._protocol_put,
        }

    async def answer(self, verb: str, request: Request) -> dict[str, Any]:
        """The data of the answer.

        Raises:
            UnknotError: it is refused.
        """
        return await self._verbs[verb](request)

    def keeper(self, ball: str) -> Keeper:
        """Who keeps that ball.

        Raises:
            Refusal: nobody here.
        """
        if ball not in self._keepers:
            known = ", ".join(self._keepers) or "none"
            raise Refusal(Code.UNKNOWN_NAME, f"no ball here is called {ball!r}; there are: {known}", "ball")
        return self._keepers[ball]

    async def _ping(self, _request: Request) -> dict[str, Any]:
        return {"gateway": self._gateway, "version": __version__}

    async def _scan(self, request: ScanRequest) -> dict[str, Any]:
        found = await api.scan(simulate=self._simulate, adapter=self._adapter, seconds=request.seconds)
        return {"found": [self._found(ball) for ball in found[:FOUND_MOST]]}

    def _found(self, ball: FoundBall) -> dict[str, Any]:
        kept = (id_ for id_, keeper in self._keepers.items() if keeper.is_it(ball))
        return {
            "name": ball.name,
            "address": ball.address,
            "rssi": ball.rssi,
            "profiles": [name for name, _ in ball.profiles],
            "ball": next(kept, ""),
        }

    async def _connect(self, request: BallRequest) -> dict[str, Any]:
        self.keeper(request.ball).take()
        return {}

    async def _disconnect(self, request: BallRequest) -> dict[str, Any]:
        self.keeper(request.ball).let_go()
        return {}

    async def _run(self, request: RunRequest) -> dict[str, Any]:
        if request.protocol == MANUAL:
            raise Refusal(Code.OUT_OF_RANGE, "free vibration is asked for by the verb vibrate", "protocol")
        intensity = own_intensity(request.protocol) if request.intensity is None else request.intensity
        choice = Choice(request.protocol, request.side, intensity)
        return self.keeper(request.ball).station.start(
            choice,
            request=request.id,
            on_link_restored=request.on_link_restored,
            account=self._account(request.person),
        )

    async def _vibrate(self, request: VibrateRequest) -> dict[str, Any]:
        choice = Choice(intensity=request.intensity, duration=request.duration)
        station = self.keeper(request.ball).station
        return station.start(choice, request=request.id, account=self._account(request.person))

    async def _pause(self, request: BallRequest) -> dict[str, Any]:
        return self._act(request, Action.PAUSE)

    async def _resume(self, request: BallRequest) -> dict[str, Any]:
        return self._act(request, Action.RESUME)

    async def _skip(self, request: BallRequest) -> dict[str, Any]:
        return self._act(request, Action.SKIP)

    def _act(self, request: BallRequest, action: Action) -> dict[str, Any]:
        self.keeper(request.ball).station.act(action)
        return {}

    async def _stop(self, request: BallRequest) -> dict[str, Any]:
        outcome = await self.keeper(request.ball).station.stop()
        if outcome is StopOutcome.UNKNOWN:
            raise NotStopped
        return {"stop": outcome.value}

    async def _stop_all(self, _request: Request) -> dict[str, Any]:
        """Every ball that is there, or may run on."""
        stations = {ball: keeper.station for ball, keeper in self._keepers.items()}
        stopping = {
            ball: asyncio.create_task(station.stop(), name=f"stop {ball}")
            for ball, station in stations.items()
            if station.ball is not None or station.may_run_on
        }
        if stopping:
            await asyncio.wait(stopping.values())
        return {"balls": {ball: _outcome(task).value for ball, task in stopping.items()}}

    async def _protocols(self, _request: Request) -> dict[str, Any]:
        return {"protocols": [entry.model_dump() for entry in protocols()]}

    async def _protocol_get(self, request: ProtocolRequest) -> dict[str, Any]:
        file = datafile.named("muscle", request.protocol, library.files)
        return {"toml": _text(file)}

    async def _protocol_put(self, request: PutProtocolRequest) -> dict[str, Any]:
        if not self._accepts_protocols:
            raise Refusal(Code.NOT_ALLOWED, "the owner of this gateway has not set gateway.accept_protocols")
        _keep(library.own_folder() / f"{request.protocol}.toml", request.toml)
        library.load_file.cache_clear()
        self._changed()
        return {}

    def _account(self, person: str | None) -> Ledger | None:
        """The account of the day of a person; the file's name tells nobody who it is."""
        if person is None:
            return None
        if person not in self._accounts:
            if len(self._accounts) >= PEOPLE_MOST:
                del self._accounts[next(iter(self._accounts))]
            who = hashlib.sha256(person.encode()).hexdigest()[:16]
            file = ledger.default_file()
            self._accounts[person] = Ledger(file.with_name(f"{file.stem}-{who}{file.suffix}"))
        return self._accounts[person]


def protocols() -> tuple[ProtocolEntry, ...]:
    """The protocols of this machine that can be told by a name."""
    return tuple(
        ProtocolEntry(id=one.id, title=one.title, seconds=one.seconds, ceiling=one.ceiling)
        for one in library.overview()
    )


def _outcome(task: asyncio.Task[StopOutcome]) -> StopOutcome:
    return StopOutcome.UNKNOWN if task.cancelled() or task.exception() is not None else task.result()


def _text(file: Path) -> str:
    """The text of a protocol's file: some kilobytes, so nobody waits for it long."""
    return file.read_text(encoding="utf-8")


def _keep(file: Path, toml: str) -> None:
    """Write a protocol's file, once it has been read as one; what was there is replaced at once or not at all.

    Raises:
        ProtocolFileError: it is none.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    draft.write_text(toml, encoding="utf-8")
    try:
        library.load_as(draft, file.stem)
    except ProtocolFileError:
        draft.unlink()
        raise
    draft.replace(file)
