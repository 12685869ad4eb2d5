"""The table of all gateways: what is folded into it, what is left out, and the room that it takes."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unknot.bridge.broker import Message
from unknot.bridge.elsewhere import fleet as fleets
from unknot.bridge.elsewhere.fleet import BallView, Fleet, as_dict, state_in
from unknot.bridge.reports import BallEntry, BallState, GatewayInfo, Phase, tell
from unknot.cli import fleetlines


def said(topic: str, payload: str | bytes, at: float = 0.0) -> Message:
    return Message(f"unknot/{topic}", payload.encode() if isinstance(payload, str) else payload, at=at)


def state(**facts: Any) -> str:
    return json.dumps({"phase": "idle", "session": 0, "level": 0, "seq": 1, **facts})


def of(*messages: Message) -> Fleet:
    fleet = Fleet()
    for message in messages:
        fleet.hear(message)
    return fleet


def one(fleet: Fleet) -> BallView:
    ((ball,),) = [at.balls for at in fleet.gateways]
    return ball


INFO = tell(
    GatewayInfo(
        gateway="a",
        version="0.1.0",
        adapter="hci0",
        balls=(BallEntry(id="b1", name="Blue", address="C0:BA:11:00:00:01", model="open-ball"),),
    )
)
PLAYING = state(phase="running", remaining=90.0, protocol="calf", level=5, levels=10, battery=80, rssi=-60, model="x-1")
ONLINE = (said("a/status", "online"), said("a/info", INFO), said("a/ball/b1/availability", "online"))


def test_what_is_told_is_folded_into_one_table_in_whatever_order_it_comes() -> None:
    messages = (*ONLINE, said("a/ball/b1/state", PLAYING, at=10.0), said("c/status", "offline"))
    fleet = of(*messages)
    assert of(*reversed(messages)).gateways == fleet.gateways
    at, other = fleet.gateways
    assert (at.id, at.is_online, at.version, at.adapter) == ("a", True, "0.1.0", "hci0")
    assert (other.id, other.is_online, other.balls) == ("c", False, ())
    (ball,) = at.balls
    assert (ball.name, ball.address, ball.model, ball.is_there) == ("Blue", "C0:BA:11:00:00:01", "x-1", True)
    assert ball.left(30.0) == 70.0
    assert ball.left(500.0) == 0.0


def test_time_stands_still_in_a_pause() -> None:
    fleet = of(*ONLINE, said("a/ball/b1/state", state(phase="paused", remaining=90.0), at=10.0))
    assert one(fleet).left(500.0) == 90.0


def test_a_ball_of_a_gateway_that_is_gone_is_not_there() -> None:
    fleet = of(*ONLINE, said("a/status", "offline"))
    assert one(fleet).is_there is False


def test_what_the_broker_forgets_is_gone() -> None:
    fleet = of(*ONLINE, said("a/ball/b2/availability", "offline"), said("a/ball/b2/state", PLAYING))
    assert len(fleet.gateways[0].balls) == 2
    fleet.hear(said("a/ball/b2/state", ""))
    fleet.hear(said("a/ball/b2/availability", ""))
    assert one(fleet).id == "b1"
    fleet.hear(said("a/status", ""))
    assert fleet.gateways == ()
    fleet.hear(said("a/status", ""))
    assert fleet.gateways == ()


def test_the_last_fault_is_the_balls_or_a_refusal_until_something_else_is_done() -> None:
    fleet = of(*ONLINE, said("a/ball/b1/state", state(detail="the link is gone")))
    assert one(fleet).fault == "the link is gone"
    fleet.hear(said("a/ball/b1/error", '{"code": "busy", "message": "calf plays on it"}'))
    assert one(fleet).fault == "calf plays on it"
    fleet.hear(said("a/ball/b1/state", state(seq=2)))
    assert one(fleet).fault == "calf plays on it"
    fleet.hear(said("a/ball/b1/state", state(phase="running", session=1, seq=3)))
    assert one(fleet).fault == ""


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("a/info", "{}"[:1]),
        ("a/info", "[]"),
        ("a/info", "x" * 70_000),
        ("a/info", json.dumps({"version": "x" * 501})),
        ("a/info", json.dumps({"balls": [{"id": "b1", "name": "x" * 501}]})),
        ("a/ball/b1/state", "{}"),
        ("a/ball/b1/state", "[1]"),
        ("a/ball/b1/state", "\xff"),
        ("a/ball/b1/state", state(phase="dancing")),
        ("a/ball/b1/state", state(level=10**12)),
        ("a/ball/b1/state", state(remaining=1e300)),
        ("a/ball/b1/state", state(say="x" * 501)),
        ("a/ball/b1/state", state(pad="x" * 9000)),
        ("a/ball/b1/state", state(battery="NaN")),
    ],
)
def test_what_is_no_report_of_ours_changes_nothing(topic: str, payload: str) -> None:
    fleet = of(*ONLINE, said("a/ball/b1/state", PLAYING))
    before = fleet.gateways
    fleet.hear(said(topic, payload))
    assert fleet.gateways == before
    assert fleet.unreadable == 1


@pytest.mark.parametrize(
    "topic",
    [
        "all/status",
        "A B/status",
        "a",
        "a/b/c",
        "a/ball/B 1/state",
        "a/ball//state",
        "a/ball/b1/set",
        "+/status",
        "/status",
    ],
)
def test_other_topics_are_no_business_of_ours(topic: str) -> None:
    assert of(said(topic, "online")).gateways == ()
    assert Fleet("elsewhere").hear(said("a/status", "online")) is False


def test_a_base_of_its_own_is_heeded() -> None:
    fleet = Fleet("site/house")
    assert fleet.hear(Message("site/house/a/status", b"online"))
    assert fleet.topics[0] == "site/house/+/status"


def test_ten_thousand_balls_and_gateways_are_bounded_and_told_to_be() -> None:
    fleet = Fleet()
    for number in range(10_000):
        fleet.hear(said(f"g{number}/status", "online"))
        fleet.hear(said(f"g0/ball/b{number}/state", PLAYING))
    assert len(fleet.gateways) == fleets.GATEWAYS_MOST
    assert sum(len(at.balls) for at in fleet.gateways) == fleets.BALLS_MOST
    assert fleet.is_full
    assert as_dict(fleet, 0.0)["complete"] is False
    info = GatewayInfo(balls=tuple(BallEntry(id=f"n{number}", name="") for number in range(600)))
    for number in range(10):
        fleet.hear(said(f"g{number}/info", tell(info)))
    assert sum(len(at.balls) for at in fleet.gateways) <= 2 * fleets.BALLS_MOST
    lines = fleetlines.lines(fleet, 0.0, 80, 20)
    assert len(lines) == 20
    assert lines[-1].plain == "there are more, which have no room in memory"
    assert lines[-2].plain.endswith(" more; --json tells all")


WORDS = st.text(max_size=40)
REPORTS = st.fixed_dictionaries(
    {"phase": st.sampled_from(Phase), "session": st.integers(0, 9), "level": st.integers(), "seq": st.integers(0, 9)},
    optional={
        "levels": st.integers(),
        "protocol": WORDS,
        "detail": WORDS,
        "say": WORDS,
        "model": WORDS,
        "remaining": st.none() | st.floats(),
        "battery": st.none() | st.floats() | WORDS,
        "rssi": st.none() | st.integers() | st.booleans(),
        "stop": st.none() | WORDS,
    },
).map(lambda report: json.dumps(report).encode())
ENTRIES = st.lists(st.fixed_dictionaries({"id": st.sampled_from(["b1", "b2", "B 3"]), "name": WORDS}), max_size=3)
INFOS = st.fixed_dictionaries({"version": WORDS, "balls": ENTRIES}).map(lambda info: json.dumps(info).encode())
FAULTS = st.fixed_dictionaries({"code": WORDS, "message": WORDS}).map(lambda fault: json.dumps(fault).encode())
TOPICS = st.sampled_from(
    ["a/status", "a/info", "a/health", "b/status", "b/info"]
    + [
        f"{at}/ball/{ball}/{what}"
        for at in "ab"
        for ball in ("b1", "b2")
        for what in ("availability", "state", "error")
    ]
)
PAYLOADS = st.one_of(
    st.sampled_from([b"online", b"offline", b""]), REPORTS, INFOS, FAULTS, st.binary(max_size=40)
)  # fmt: skip
MESSAGES = st.builds(said, TOPICS, PAYLOADS, st.floats(0, 100))


@given(st.lists(MESSAGES, max_size=30), st.sampled_from([20, 40, 60, 80, 100, 200]), st.sampled_from([1, 3, 20, None]))
@settings(deadline=None)
def test_whatever_is_said_the_table_is_harmless_and_in_its_room(
    messages: list[Message], width: int, height: int | None
) -> None:
    fleet = of(*messages)
    lines = fleetlines.lines(fleet, 50.0, width, height)
    assert all(line.plain.isprintable() for line in lines)
    assert all(line.cell_len <= width for line in lines)
    assert height is None or len(lines) <= max(height, 1)
    told = json.loads(json.dumps(as_dict(fleet, 50.0), allow_nan=False))
    assert [at["id"] for at in told["gateways"]] == sorted({at["id"] for at in told["gateways"]})


@given(st.lists(MESSAGES, max_size=30))
@settings(deadline=None)
def test_saying_it_all_again_changes_nothing(messages: list[Message]) -> None:
    last = {message.topic: message for message in messages}
    kept = [message for message in last.values() if not message.topic.endswith("error")]
    fleet = of(*kept)
    before = fleet.gateways
    for message in kept:
        fleet.hear(message)
    assert fleet.gateways == before


def test_a_state_that_leaves_out_what_is_always_told_is_none() -> None:
    assert state_in(tell(BallState()).encode()) == BallState()
    assert state_in(b'{"level": 1}') is None


@pytest.mark.parametrize(
    ("width", "ball"),
    [
        (30, "  Blue            running   c…"),
        (60, "  Blue            running   calf             1:30     5/10"),
        (70, "  Blue            running   calf             1:30     5/10    80 %"),
        (80, "  Blue            running   calf             1:30     5/10    80 %   -60 dBm"),
        (100, "  Blue            running   calf             1:30     5/10    80 %   -60 dBm  b1"),
    ],
)
def test_a_ball_in_one_line(width: int, ball: str) -> None:
    lines = fleetlines.lines(of(*ONLINE, said("a/ball/b1/state", PLAYING)), 0.0, width)
    assert [line.plain for line in lines][1:] == [
        "a  online  1 ball, unknot 0.1.0, hci0"[: width - 1] + "…" * (width < 37),
        ball,
    ]


def test_troubles_stand_below_whom_they_trouble() -> None:
    fleet = of(
        *ONLINE,
        said("a/health", '{"ble": {"trouble": "Bluetooth is off"}}'),
        said("a/ball/b1/state", state(phase="fault", detail="press the ball's own button", remaining=99999.0)),
    )
    assert [line.plain for line in fleetlines.lines(fleet, 0.0, 60)] == [
        "  BALL            PHASE     PROTOCOL         LEFT    LEVEL",
        "a  online  1 ball, unknot 0.1.0, hci0",
        "  Bluetooth is off",
        "  Blue            fault     -               >100…      0/0",
        "    press the ball's own button",
    ]
