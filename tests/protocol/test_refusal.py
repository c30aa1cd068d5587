"""Who asks for a key too often (protocol.md 5 rule 6)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.events import FrameDropped, LinkUnneeded, PairingRequested
from custom_components.self_secure.protocol.packets import Frame, FrameType
from custom_components.self_secure.protocol.refusal import Refusals

from .bench import Bench


def ask(refusals: Refusals, *times: float, asker: str = "a") -> list[bool]:
    return [refusals.admits(asker, time) for time in times]


def test_five_requests_in_a_minute_are_heard_and_the_sixth_is_not() -> None:
    assert ask(Refusals(), 0, 15, 30, 45, 60, 60.1) == [True] * 5 + [False]


def test_five_requests_in_a_little_more_do_no_harm() -> None:
    assert ask(Refusals(), 0, 15, 30, 45, 60.1, 75.1) == [True] * 6


def test_it_lasts_t_d_and_doubles_up_to_an_hour() -> None:
    refusals, now, periods = Refusals(), 0.0, []
    for expected in (60, 120, 240, 480, 960, 1920, 3600, 3600):
        ask(refusals, *[now] * 5)
        periods.append(ask(refusals, now + expected - 0.1, now + expected))
        now += expected + 61
    assert periods == [[False, True]] * 8


def test_who_was_quiet_for_an_hour_begins_anew() -> None:
    refusals = Refusals()
    ask(refusals, *[0.0] * 5)
    ask(refusals, *[100.0] * 5)  # until 220
    again = 220 + limits.REFUSAL_MAX + 1
    assert ask(refusals, *[again] * 6, again + 60) == [True] * 5 + [False, True]


def test_others_are_not_concerned() -> None:
    refusals = Refusals()
    ask(refusals, *[0.0] * 6)
    assert ask(refusals, 0.0, asker="b") == [True]


@pytest.mark.parametrize(("others", "forgotten"), [(limits.ADDRESSES_REMEMBERED - 1, False), (limits.ADDRESSES_REMEMBERED, True)])
def test_64_are_remembered(others: int, forgotten: bool) -> None:
    refusals = Refusals()
    ask(refusals, *[0.0] * 5)
    for number in range(others):
        ask(refusals, 1.0, asker=str(number))
    assert ask(refusals, 2.0) == [forgotten]


def uninvited(bench: Bench, nonce: int) -> None:
    """A paired device asks for a key of its own accord, each time with a new REQ."""
    frame = bytearray(bench.device.request.frame)
    frame[8 + 2 + 16] = nonce
    bench.receive(bytes(frame))


def test_an_uninvited_request_is_told_but_not_answered_and_only_five_times() -> None:
    bench = Bench()
    bench.pair()
    before = len(bench.frames)
    for nonce in range(8):
        uninvited(bench, nonce)
    assert len(bench.told(PairingRequested)) == 5
    assert [event.reason for event in bench.told(FrameDropped)] == ["asks too often"] * 3
    assert len(bench.frames) == before


def test_it_does_not_apply_while_the_window_is_open() -> None:
    bench = Bench()
    bench.pair()
    for nonce in range(8):
        uninvited(bench, nonce)
    bench.call("open_pairing")
    uninvited(bench, 9)
    assert bench.frames[-1][0] == FrameType.ACC


def test_a_malformed_one_is_only_dropped() -> None:
    bench = Bench()
    bench.pair()
    bench.receive(Frame(FrameType.REQ, bytes(10)).encode())
    assert bench.told(PairingRequested) == []


def test_a_device_that_has_asked_in_vain_may_ask_again_over_a_new_link() -> None:
    bench = Bench()
    bench.pair()
    before = len(bench.told(LinkUnneeded))
    uninvited(bench, 1)
    bench.call("open_pairing")
    assert len(bench.told(LinkUnneeded)) == before + 1
    assert bench.hub.connection.wants_link


def test_a_device_that_has_not_asked_keeps_the_link() -> None:
    bench = Bench()
    bench.pair()
    before = len(bench.told(LinkUnneeded))
    bench.call("open_pairing")
    assert len(bench.told(LinkUnneeded)) == before
