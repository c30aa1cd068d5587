"""The relay as responder: what REQ may ask, and when the set is enough (protocol.md 4 and 5)."""

from typing import Any

import pytest

from self_secure_device import frames
from self_secure_device.crypto import u16
from self_secure_device.errors import DropError, FrameError
from self_secure_device.relay import limits, tables
from tests.device.relay_bench import FarDevice
from tests.device.talk import ALL, OWN, Talk


def request(**changes: Any) -> bytes:
    """Return a REQ with some fields changed."""
    fields: dict[str, Any] = {"suites": b"\x11", "identity": b"a" * 16, "n_max": 2048, "interval": 30, "public": b"p" * 32} | changes
    offer = bytes([fields.get("count", len(fields["suites"]))]) + fields["suites"]
    bounds = u16(fields["n_max"]) + u16(fields["interval"]) + b"\x0f"
    message = offer + fields["identity"] + b"n" * 16 + b"\x07" + bounds + fields["public"] + fields.get("more", b"")
    return bytes(frames.encode_head(frames.REQ, message))


def test_a_whole_negotiation_gives_both_the_same_root() -> None:
    talk = Talk()
    opened = talk.far.take(talk.reach(tables.ENDED))
    assert talk.give(opened) is None
    assert talk.responder.state == tables.DONE
    assert talk.responder.root == talk.far.machine.take_root()
    assert talk.responder.identity == talk.far.identity


def test_acc_says_that_it_is_a_relay_s() -> None:
    message = frames.decode(Talk().request()).message
    assert message[:17] == b"\x11" + OWN
    assert message[65:] == u16(64) + u16(20) + b"\x14" + u16(2048) + b"\x01"


@pytest.mark.parametrize(
    "changes",
    [
        {"suites": b""},
        {"suites": b"\x11" * 9},
        {"suites": b"\x11\x00"},
        {"count": 2},
        {"more": b"x"},
        {"n_max": 15},
        {"n_max": 2049},
        {"interval": 19},
        {"interval": 1001},
        {"public": bytes(32)},
        {"suites": b"\x01"},
        {"suites": b"\x77\x11", "public": bytes(32)},
    ],
)
def test_a_request_outside_its_bounds_is_dropped(changes: dict[str, Any]) -> None:
    talk = Talk()
    with pytest.raises(FrameError):
        talk.give(request(**changes))
    assert talk.responder.state == tables.WAITING


@pytest.mark.parametrize(
    "changes", [{"n_max": 64}, {"interval": 20}, {"interval": 1000}, {"suites": b"\x77\x11"}, {"suites": b"\x11" * 8}], ids=str
)
def test_a_request_at_its_bounds(changes: dict[str, Any]) -> None:
    talk = Talk()
    talk.give(request(**changes))
    assert talk.responder.state == tables.COLLECTING


def test_too_few_packets_on_offer_are_refused() -> None:
    talk = Talk()
    assert talk.give(request(n_max=63)) == frames.encode_head(frames.NAK, b"\x01")
    assert talk.responder.failure == "too few packets"


@pytest.mark.parametrize(
    ("offered", "own", "chosen"), [((0x11, 0x01), ALL, 0x11), ((0x01, 0x11), ALL, 0x01), ((0x01, 0x11), (0x11,), 0x11)]
)
def test_the_first_suite_that_both_have(offered: tuple[int, ...], own: tuple[int, ...], chosen: int) -> None:
    assert frames.decode(Talk(FarDevice("a", offered), own).request()).message[0] == chosen


def test_no_common_suite_is_refused() -> None:
    talk = Talk(FarDevice("a", (0x01,)), (0x11,))
    assert talk.give(talk.far.request.frame) == frames.encode_head(frames.NAK, b"\x03")
    assert talk.responder.failure == "suite below the floor"


def test_a_point_of_small_order_is_dropped() -> None:
    talk = Talk()
    with pytest.raises(DropError):
        talk.give(request(public=b"\x01" + bytes(31)))
    assert talk.responder.state == tables.WAITING


# --- the broadcast


def test_64_packets_are_enough() -> None:
    talk = Talk()
    talk.request()
    talk.hear(range(limits.PACKETS - 1))
    assert talk.responder.state == tables.COLLECTING
    talk.hear([limits.PACKETS - 1])
    assert talk.responder.state == tables.RESPONDED


def test_losses_in_bursts_need_more() -> None:
    talk = Talk()
    talk.request()
    talk.hear_until_enough(seq for seq in range(400) if seq % 8 < 4)  # runs of four: two packets count as one
    assert 2 * limits.PACKETS - 8 < len(talk.responder._members) < 2 * limits.PACKETS


def test_two_contents_of_one_number_are_left_out() -> None:
    talk = Talk()
    talk.request()
    talk.hear([3], bytes(20))
    talk.hear([3, 3])
    talk.hear(range(limits.PACKETS + 1))
    response = talk.responder.last
    assert talk.responder.state == tables.RESPONDED
    assert 3 not in talk.responder._members
    assert frames.decode(talk.far.take(response)).kind == frames.ACK


def test_a_copy_changes_nothing() -> None:
    talk = Talk()
    talk.request()
    talk.hear([3, 3, 3])
    assert (list(talk.responder._random), talk.responder._conflicting) == ([3], set())


@pytest.mark.parametrize(("forged", "state"), [(8, tables.RESPONDED), (9, tables.COLLECTING)])
def test_more_than_eight_conflicts_hold_the_end_back(forged: int, state: str) -> None:
    talk = Talk()
    talk.request()
    talk.hear(range(forged), bytes(20))
    talk.hear(range(forged + limits.PACKETS))
    assert talk.responder.state == state


def test_more_than_64_conflicts_fail() -> None:
    talk = Talk()
    talk.request()
    for seq in range(64):
        talk.hear([seq], bytes(20))
        talk.hear([seq])
    assert talk.responder.state == tables.COLLECTING
    talk.hear([64], bytes(20))
    talk.hear([64])
    assert talk.responder.failure == "conflicts"


def test_a_number_beyond_the_last_is_dropped() -> None:
    talk = Talk(FarDevice("a", n_max=64))
    talk.request()
    with pytest.raises(DropError):
        talk.responder.random(64, bytes(20), 0)


def test_nobody_listens_before_acc_and_after_rsp() -> None:
    talk = Talk()
    with pytest.raises(DropError):
        talk.hear([1])
    assert talk.responder.sid is None
    talk.reach(tables.RESPONDED)
    assert talk.responder.sid is None


def test_silence_makes_it_say_acc_again_and_ends_after_40_seconds() -> None:
    talk = Talk()
    accept = talk.request()
    talk.wait(limits.SILENCE_TIME - 1)
    assert not talk.responder.wants_link
    talk.wait(1)
    assert talk.responder.wants_link
    assert talk.responder.linked(talk.now) == accept
    assert not talk.responder.wants_link
    while talk.responder.state == tables.COLLECTING:
        talk.wait(limits.SILENCE_TIME)
    assert (talk.now, talk.responder.failure) == (limits.SILENCE_MAX, "too few packets")


@pytest.mark.parametrize(("count", "state"), [(limits.PACKETS - 1, tables.FAILED), (limits.PACKETS, tables.RESPONDED)])
def test_hybrid_goes_on_at_the_end_with_what_it_has(count: int, state: str) -> None:
    talk = Talk()
    talk.request()
    talk.hear([seq for seq in range(4 * count) if seq % 8 < 2][:count])  # bursts: not secret enough
    assert talk.responder.state == tables.COLLECTING
    talk.wait(talk.responder.deadline)
    assert talk.responder.state == state


def test_loss_does_not() -> None:
    talk = Talk(FarDevice("a", (0x01,)))
    talk.request()
    talk.hear([seq for seq in range(1600) if seq % 8 < 2][: limits.LOSS_PACKETS])
    talk.wait(talk.responder.deadline)
    assert talk.responder.failure == "too few packets"


def test_conflicts_at_the_end_fail() -> None:
    talk = Talk()
    talk.request()
    talk.hear(range(9), bytes(20))
    talk.hear(range(9 + limits.PACKETS))
    talk.wait(talk.responder.deadline)
    assert talk.responder.failure == "conflicts"
