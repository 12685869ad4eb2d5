"""A person and faults in any order, invented by hypothesis: for every profile the rules of `world` hold."""

from typing import ClassVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.safety.world import PROFILES, World
from unknot.session.messages import OnLinkRestored
from unknot.session.player import State
from unknot.simulator.faults import Fault, FaultKind, FaultPlan

SECONDS = st.floats(0.1, 20).map(lambda seconds: round(seconds, 1))
COUNTS = st.integers(1, 3)
SHARES = st.sampled_from([0.1, 0.5, 1.0])

SUDDEN = [
    FaultKind.BATTERY_DIES,
    FaultKind.BUTTON_PRESSED,
    FaultKind.RETURNS_UNDER_NEW_ADDRESS,
    FaultKind.ADVERTISEMENT_GOES_STALE,
]
LASTING = [
    FaultKind.LINK_DROPS,
    FaultKind.IGNORES_WRITES_WHILE_OFF,
    FaultKind.OVERHEATS,
    FaultKind.REBOOTS,
    FaultKind.ADAPTER_VANISHES,
]
WRITES = [FaultKind.WRITE_LOST, FaultKind.WRITE_HANGS]
NOTIFICATIONS = [kind for kind in FaultKind if kind.startswith("notification-")]


class Life(RuleBasedStateMachine):
    """One session, and whatever may happen to it."""

    profile: ClassVar[str]

    @initialize(policy=st.sampled_from(OnLinkRestored), interval=st.sampled_from([0.0, 0.0075, 0.03, 0.05]))
    def begin(self, policy: OnLinkRestored, interval: float) -> None:
        self.world = World(self.profile, policy, interval)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.world.live(seconds)

    @rule(wish=st.sampled_from(["pause", "resume", "resume", "skip", "stop"]))
    def somebody_wishes(self, wish: str) -> None:
        self.world.person(wish)

    @rule(first=st.sampled_from(["pause", "skip"]), seconds=st.floats(0.01, 3))
    def somebody_changes_their_mind(self, first: str, seconds: float) -> None:
        self.world.person(first)
        self.world.live(seconds)
        self.world.person("resume")

    @rule(intensity=st.sampled_from([5, 20, 40, 60]))
    def somebody_wants_another_intensity(self, intensity: float) -> None:
        self.world.adjust(intensity)

    @rule()
    def somebody_presses_the_button(self) -> None:
        self.world.press()

    def goes_wrong(self, fault: Fault, seed: int = 0) -> None:
        self.world.go_wrong(FaultPlan((fault,), seed))

    @rule(kind=st.sampled_from(SUDDEN))
    def something_happens(self, kind: FaultKind) -> None:
        self.goes_wrong(Fault(kind))

    @rule(kind=st.sampled_from(LASTING), seconds=SECONDS)
    def something_lasts(self, kind: FaultKind, seconds: float) -> None:
        self.goes_wrong(Fault(kind, seconds=seconds))

    @rule(kind=st.sampled_from(WRITES), count=COUNTS)
    def writes_fail(self, kind: FaultKind, count: int) -> None:
        self.goes_wrong(Fault(kind, count=count))

    @rule(seconds=SECONDS, count=COUNTS)
    def writes_are_late(self, seconds: float, count: int) -> None:
        self.goes_wrong(Fault(FaultKind.WRITE_LATE, seconds=seconds, count=count))

    @rule(code=st.integers(1, 255), count=COUNTS)
    def writes_are_refused(self, code: int, count: int) -> None:
        self.goes_wrong(Fault(FaultKind.WRITE_REFUSED, code=code, count=count))

    @rule(count=COUNTS)
    def connecting_fails(self, count: int) -> None:
        self.goes_wrong(Fault(FaultKind.CONNECTING_FAILS, count=count))

    @rule(kind=st.sampled_from(NOTIFICATIONS), seconds=SECONDS, share=SHARES, seed=st.integers(0, 99))
    def notifications_suffer(self, kind: FaultKind, seconds: float, share: float, seed: int) -> None:
        self.goes_wrong(Fault(kind, seconds=seconds, share=share), seed)

    @invariant()
    def an_end_is_final(self) -> None:
        session = self.world.session
        if session is not None and session.ended is not None:
            assert session.state is State.ENDED

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.finish()
                self.world.verdict()
            finally:
                self.world.close()


@pytest.mark.parametrize("profile", PROFILES)
def test_whatever_people_and_faults_do_the_rules_hold(profile: str) -> None:
    machine = type("Life", (Life,), {"profile": profile})
    run_state_machine_as_test(machine, settings=settings(max_examples=20, stateful_step_count=25, deadline=None))
