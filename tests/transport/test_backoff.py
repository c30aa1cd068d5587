"""The delays between attempts to connect."""

import pytest

from custom_components.self_secure.transport.backoff import BUSY_DELAY, BUSY_MOST, FIRST_DELAY, JITTER, LONGEST_DELAY, BackOff


def delays(back_off: BackOff, count: int) -> list[float]:
    found = []
    for _ in range(count):
        back_off.failed(1000.0)
        found.append(back_off.until - 1000.0)
    return found


def test_delays_double_up_to_the_longest() -> None:
    assert delays(BackOff(lambda: 0.0), 9) == [0.5, 1, 2, 4, 8, 16, 32, LONGEST_DELAY, LONGEST_DELAY]


@pytest.mark.parametrize("jitter", [-1.0, 1.0])
def test_jitter_is_a_share(jitter: float) -> None:
    assert delays(BackOff(lambda: jitter), 1) == pytest.approx([FIRST_DELAY * (1 + jitter * JITTER)])


def test_hurry_forgives_nothing() -> None:
    back_off = BackOff(lambda: 0.0)
    delays(back_off, 3)
    back_off.hurry()
    assert back_off.until < 0
    assert delays(back_off, 1) == [4]


def test_success_begins_anew() -> None:
    back_off = BackOff(lambda: 0.0)
    delays(back_off, 3)
    back_off.succeeded()
    assert back_off.until < 0
    assert delays(back_off, 1) == [0.5]


def test_own_jitter_stays_in_bounds_and_differs() -> None:
    found = {delays(BackOff(), 1)[0] for _ in range(50)}
    assert len(found) > 1
    assert all(FIRST_DELAY * (1 - JITTER) <= one <= FIRST_DELAY * (1 + JITTER) for one in found)


def test_thousand_failures_do_not_overflow() -> None:
    assert delays(BackOff(lambda: 0.0), 1100)[-1] == LONGEST_DELAY


def test_a_device_that_refuses_is_tried_again_soon_but_not_for_ever() -> None:
    """It may be busy with another hub; one that always refuses is like one that is not there."""
    back_off, waits = BackOff(lambda: 0.0), []
    for _ in range(BUSY_MOST + 9):
        back_off.refused(1000.0)
        waits.append(back_off.until - 1000.0)
    assert waits[:3] == [1.0, BUSY_DELAY, BUSY_DELAY]
    assert waits[2:BUSY_MOST] == [BUSY_DELAY] * (BUSY_MOST - 2)
    assert waits[BUSY_MOST:] == [0.5, 1, 2, 4, 8, 16, 32, LONGEST_DELAY, LONGEST_DELAY]


def test_success_forgives_refusals() -> None:
    back_off = BackOff(lambda: 0.0)
    for _ in range(BUSY_MOST):
        back_off.refused(1000.0)
    back_off.succeeded()
    back_off.refused(1000.0)
    assert back_off.until - 1000.0 == 1.0
