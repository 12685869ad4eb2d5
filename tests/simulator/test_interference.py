import pytest

from unknot.errors import UsageError
from unknot.profiles.writekind import WriteKind
from unknot.simulator.faults import Fault, FaultKind
from unknot.simulator.firmware import Notification
from unknot.simulator.interference import UNDISTURBED, Interference


def losses(share: float, seed: int) -> list[bool]:
    """Which of a hundred writes are lost."""
    interference = Interference()
    interference.begin(Fault(FaultKind.WRITE_LOST, seconds=100.0, share=share), 0.0, seed=seed)
    return [not interference.write(WriteKind.COMMAND, float(at)).reaches for at in range(100)]


def test_a_share_hits_about_as_many_and_the_same_seed_the_same_ones() -> None:
    assert 20 < sum(losses(0.3, seed=1)) < 40
    assert losses(0.3, seed=1) == losses(0.3, seed=1) != losses(0.3, seed=2)
    assert all(losses(1.0, seed=1))


def test_a_fault_ends_with_its_time_or_its_count() -> None:
    interference = Interference()
    interference.begin(Fault(FaultKind.WRITE_LOST, seconds=2.0), 10.0)
    assert [interference.write(WriteKind.REQUEST, at).reaches for at in (10.0, 11.9, 12.0)] == [False, False, True]
    assert not interference
    interference.begin(Fault(FaultKind.WRITE_LOST, count=2), 20.0)
    assert [interference.write(WriteKind.REQUEST, 99.0).reaches for _ in range(3)] == [False, False, True]
    assert not interference


def test_the_fault_that_began_first_hits_and_the_next_one_waits() -> None:
    interference = Interference()
    interference.begin(Fault(FaultKind.WRITE_REFUSED, code=0x80), 0.0)
    interference.begin(Fault(FaultKind.WRITE_LATE, seconds=3.0), 0.0)
    assert interference.write(WriteKind.REQUEST, 1.0).refused == 0x80
    assert interference.write(WriteKind.REQUEST, 2.0).late == 3.0
    assert interference.write(WriteKind.REQUEST, 3.0) == UNDISTURBED


def test_a_fault_of_one_thing_leaves_the_others_alone() -> None:
    interference = Interference()
    interference.begin(Fault(FaultKind.CONNECTING_FAILS), 0.0)
    heard = Notification("status", b"\x01")
    assert interference.write(WriteKind.REQUEST, 1.0) == UNDISTURBED
    assert interference.notification(heard, 1.0) == (heard,)
    assert [interference.refuses_connection(1.0) for _ in range(2)] == [True, False]


@pytest.mark.parametrize("what", [FaultKind.NOTIFICATION_GARBLED, FaultKind.NOTIFICATION_TRUNCATED])
def test_a_spoilt_notification_is_another_one_and_the_same_seed_spoils_alike(what: FaultKind) -> None:
    def spoilt(seed: int, data: bytes) -> list[bytes]:
        interference = Interference()
        interference.begin(Fault(what, count=50), 0.0, seed=seed)
        return [one.data for _ in range(50) for one in interference.notification(Notification("status", data), 1.0)]

    sent = bytes(range(7))
    assert sent not in spoilt(1, sent)
    assert spoilt(1, sent) == spoilt(1, sent) != spoilt(2, sent)
    assert len(set(spoilt(1, sent))) > 5
    assert spoilt(1, b"") == [b""] * 50


def test_what_is_no_interference_is_refused() -> None:
    with pytest.raises(UsageError, match="reboots does not interfere"):
        Interference().begin(Fault(FaultKind.REBOOTS, seconds=1.0), 0.0)
