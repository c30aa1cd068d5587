"""When a device's beacon is worth a contact, and when the hub rests because another one is meant (protocol.md 3 and 9)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.calls import Calls


def contact(calls: Calls, now: float, seconds: float = 1.0) -> float:
    """Follow a call to a device that acknowledges the greeting and says nothing; return when the link is gone."""
    assert calls.asked
    calls.link_opened(now)
    assert calls.greeting_due(now + limits.GREETING_DELAY)
    calls.spoke()
    calls.answered(now + limits.GREETING_DELAY)
    calls.link_closed(now + seconds)
    return now + seconds


def rest(calls: Calls, now: float) -> float:
    """Return how long the hub rests although the device goes on calling."""
    calls.heard(calling=True)
    assert not calls.asked
    assert calls.deadline is not None
    calls.timer(calls.deadline - 0.01)
    assert not calls.asked
    ended = calls.deadline
    calls.timer(ended)
    return ended - now


def test_a_call_is_followed_at_once() -> None:
    calls = Calls()
    calls.heard(calling=False)
    assert not calls.asked
    calls.heard(calling=True)
    assert calls.asked
    assert calls.deadline is None


def test_each_contact_in_vain_makes_the_next_one_wait_longer() -> None:
    calls, now, rests = Calls(), 0.0, []
    calls.heard(calling=True)
    for _ in range(6):
        now = contact(calls, now)
        rests.append(rest(calls, now))
        now += rests[-1]
    assert rests == [4.0, 8.0, 16.0, 32.0, 60.0, 60.0]


def test_a_call_that_is_heard_once_leads_to_one_contact() -> None:
    """As one that a relay has told: what the device says after the contact is told anew, if it is anything."""
    calls = Calls()
    calls.heard(calling=True)
    now = contact(calls, 0.0)
    assert calls.deadline is None
    for _ in range(5):
        now += limits.CALL_REST_MAX
        calls.timer(now)
        assert not calls.asked


@pytest.mark.parametrize("later", [0.1, limits.CALL_REST_FIRST - 0.1, 10 * limits.CALL_REST_MAX])
def test_a_call_that_is_heard_again_leads_to_a_contact_after_the_rest(later: float) -> None:
    calls = Calls()
    calls.heard(calling=True)
    now = contact(calls, 0.0)
    calls.timer(now + later)
    calls.heard(calling=True)
    calls.timer(max(now + later, now + limits.CALL_REST_FIRST))
    assert calls.asked


def test_a_call_that_is_heard_again_and_then_no_more_leads_to_no_contact() -> None:
    calls = Calls()
    calls.heard(calling=True)
    now = contact(calls, 0.0)
    calls.heard(calling=True)
    calls.heard(calling=False)
    calls.timer(now + limits.CALL_REST_MAX)
    assert not calls.asked


def test_a_device_that_stops_calling_means_something_new_the_next_time() -> None:
    calls = Calls()
    calls.heard(calling=True)
    contact(calls, 0.0)
    calls.heard(calling=False)
    calls.heard(calling=True)
    assert calls.asked


def test_what_the_device_says_ends_the_rests() -> None:
    calls = Calls()
    calls.heard(calling=True)
    now = contact(calls, 0.0)
    now += rest(calls, now)
    calls.link_opened(now)
    calls.answered(now + 0.1)
    calls.met()
    calls.link_closed(now + 2.0)
    calls.heard(calling=True)
    assert calls.asked


@pytest.mark.parametrize("seconds", [0.0, limits.GREETING_DELAY + limits.CALL_SILENCE - 0.01])
def test_a_link_that_breaks_at_once_was_not_in_vain(seconds: float) -> None:
    calls = Calls()
    calls.heard(calling=True)
    contact(calls, 0.0, seconds)
    calls.heard(calling=True)
    assert calls.asked


def test_a_link_of_the_hub_s_own_needs_no_greeting_and_is_never_in_vain() -> None:
    calls = Calls()
    calls.link_opened(0.0)
    assert calls.deadline is None
    assert not calls.greeting_due(10.0)
    calls.answered(1.0)
    calls.link_closed(9.0)
    calls.heard(calling=True)
    assert calls.asked


def test_who_hears_the_device_first_does_not_greet_it() -> None:
    calls = Calls()
    calls.heard(calling=True)
    calls.link_opened(0.0)
    assert calls.deadline == limits.GREETING_DELAY
    calls.spoke()
    assert calls.deadline is None
    assert not calls.greeting_due(limits.GREETING_DELAY)
