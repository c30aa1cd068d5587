"""The change of epochs against the device's own resume, frame by frame (protocol.md 7)."""

import random

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.events import (
    EpochStarted,
    FrameDropped,
    LinkUnneeded,
    MessageReceived,
    MessageType,
    ResumeFailed,
)
from custom_components.self_secure.protocol.packets import Challenge, Frame, FrameType, Selection
from self_secure_device import frames, suites
from self_secure_device.errors import DropError
from self_secure_device.keyring import Key

from .bench import HUB, LOSS, spoil
from .frozen import freeze
from .renewal import Renewing
from .steps import dropped, rotate, stored

# --- the whole exchange


@pytest.mark.parametrize("suite", [0x11, LOSS])
def test_a_resume_starts_new_chains_on_both_sides(suite: int) -> None:
    renewing = Renewing.after_restart(random.Random(3), suites=(suite,), floor=suite)
    assert Challenge.decode(Frame.decode(renewing.hello)).id_r == HUB
    assert sorted(stored(renewing)["keys"]) == ["0"]
    renewal = renewing.renew(renewing.offer())
    assert sorted(stored(renewing)["keys"]) == ["0", "1"]
    assert renewing.bench.hub.connection.epoch is None
    renewing.bench.receive(renewal.frame)
    assert stored(renewing)["keys"] == {"1": renewing.held[0].store.hex()}
    assert renewing.bench.told(EpochStarted) == [EpochStarted(1, resumed=True)]
    assert renewing.bench.hub.connection.epoch == 1
    renewing.bench.call("send", MessageType.TEXT, b"hello")
    renewing.acknowledge()
    dack = renewing.bench.exchange(renewing.data(MessageType.TEXT, b"world"))
    renewing.settle(dack)
    assert [event.body for event in renewing.bench.told(MessageReceived)] == [b"world"]


def test_the_message_that_was_not_acknowledged_goes_out_again_under_its_id(talking: Renewing) -> None:
    talking.bench.call("send", MessageType.TEXT, b"again")
    first = talking.accept(talking.bench.frames[-1])
    assert first[0] == FrameType.DACK  # and is lost with the hub
    talking.restart()
    talking.complete()
    accepted = talking.session.receiver.open(frames.decode(talking.bench.frames[-1]), bytes(16))
    assert (accepted.number, accepted.body) == (2, b"again")


def test_until_r3_the_old_chains_go_on(talking: Renewing) -> None:
    rotate(talking)
    old = talking.session
    renewal = talking.renew(talking.offer())
    new, talking.session = talking.session, old
    dack = talking.bench.exchange(talking.data(MessageType.EVENT, b"old chain"))
    assert dack[0] == FrameType.DACK
    talking.session = new
    talking.bench.receive(renewal.frame)
    talking.session = old
    talking.settle(dack)
    told = talking.bench.receive(talking.data(MessageType.EVENT, b"too late"))
    assert [type(event) for event in told] == [FrameDropped]


def test_no_data_of_ours_before_it_is_complete(talking: Renewing) -> None:
    rotate(talking)
    before = len(talking.bench.frames)
    talking.bench.call("send", MessageType.TEXT, b"later")
    assert len(talking.bench.frames) == before
    talking.complete()
    assert [raw[0] for raw in talking.bench.frames[before:]] == [FrameType.R2, FrameType.DATA]


# --- R1


def test_another_nonce_is_dropped_and_the_right_r1_still_comes(renewing: Renewing) -> None:
    r1 = renewing.answer(renewing.hello)
    dropped(renewing.bench, spoil(r1, 8 + 16), "n_R")
    assert renewing.bench.exchange(r1)[0] == FrameType.R2


def test_the_first_r1_that_verifies_burns_the_nonce(renewing: Renewing) -> None:
    renewing.offer()
    renewing.resume.forget()
    dropped(renewing.bench, renewing.answer(renewing.hello), "another R1 after the nonce was used")


def test_an_identical_r1_gets_the_stored_r2(renewing: Renewing) -> None:
    r2, before = renewing.offer(), renewing.bench.store.writes
    state = freeze(renewing.bench.hub.connection)
    assert renewing.bench.exchange(renewing.r1) == r2
    assert renewing.bench.store.writes == before
    assert freeze(renewing.bench.hub.connection) == state


def test_the_first_entry_that_is_held_and_fits_is_taken(renewing: Renewing) -> None:
    """Unknown ones come before, and one whose name is right but whose key is not."""
    mine = renewing.held[0]
    unknown = Key(HUB, mine.suite, 3, 4, b"u" * 32)
    renewing.held = [unknown, mine]
    selection = Selection.decode(Frame.decode(renewing.offer()))
    assert (selection.common, selection.epoch) == (0, 5)
    assert renewing.renew(renewing.r2).epoch == 5


def test_each_entry_needs_its_own_mac(renewing: Renewing) -> None:
    mine = renewing.held[0]
    renewing.held = [mine, Key(HUB, mine.suite, 3, 4, b"u" * 32)]
    r1 = renewing.answer(renewing.hello)
    assert renewing.bench.exchange(spoil(r1, -17))[0] == FrameType.RNAK  # the last byte of the first entry's MAC
    assert len(stored(renewing)["keys"]) == 1


@pytest.mark.parametrize(("epoch", "good"), [(0xFFFF_FFFE, True), (0xFFFF_FFFF, False)])
def test_the_last_epoch(renewing: Renewing, epoch: int, good: bool) -> None:
    mine = renewing.held[0]
    renewing.held = [mine, Key(HUB, mine.suite, 1, epoch, b"u" * 32)]
    r1 = renewing.answer(renewing.hello)
    told = renewing.bench.receive(r1)
    assert [event.reason for event in told if isinstance(event, FrameDropped)] == ["no epoch left"] * (not good)
    assert [raw[0] for raw in renewing.bench.frames[1:]] == [FrameType.R2] * good


def test_a_public_key_of_low_order_is_dropped(renewing: Renewing) -> None:
    renewing.held = [Key(HUB, suites.SUITES[LOSS], 1, 0, renewing.held[0].store)]
    r1 = renewing.answer(renewing.hello)  # pk_I is zero, as if no entry were hybrid
    dropped(renewing.bench, r1, "X25519 result is zero")


# --- R2, R3


def test_r2_is_the_devices_to_refuse(renewing: Renewing) -> None:
    r2 = renewing.offer()
    for at in (8 + 3, 8 + 7, 8 + 40, -1):
        with pytest.raises(DropError):
            renewing.renew(spoil(r2, at))
    assert renewing.renew(r2).epoch == 1


def test_a_wrong_r3_is_dropped_and_the_right_one_still_comes(renewing: Renewing) -> None:
    r3 = renewing.renew(renewing.offer()).frame
    dropped(renewing.bench, spoil(r3), "R3")
    dropped(renewing.bench, Frame(FrameType.R3, b"x", r3[-16:]).encode(), "R3 without R2")
    renewing.bench.receive(r3)
    assert len(renewing.bench.told(EpochStarted)) == 1
    dropped(renewing.bench, r3, "R3 in state idle")


@pytest.mark.parametrize("answered", [False, True])
def test_five_seconds_without_an_answer_are_a_failure(renewing: Renewing, answered: bool) -> None:
    bench = renewing.bench
    steps = [renewing.offer] * answered
    for step in steps:
        step()
    bench.wait(limits.RESUME_TIMEOUT - 0.1)
    assert bench.told(ResumeFailed) == []
    bench.wait(0.1)
    assert bench.told(ResumeFailed) == [ResumeFailed(1, "unanswered")]
    assert bench.events[-1] == LinkUnneeded()


def test_a_lost_r3_leaves_both_keys_and_the_next_contact_repairs_it(renewing: Renewing) -> None:
    renewing.renew(renewing.offer())
    renewing.reconnect()
    assert renewing.offer()[0] == FrameType.R2
    assert sorted(stored(renewing)["keys"]) == ["1", "2"]
    renewing.bench.receive(renewing.renew(renewing.r2).frame)
    assert sorted(stored(renewing)["keys"]) == ["2"]


def test_a_lost_r2_leaves_the_old_key_and_the_next_contact_repairs_it(renewing: Renewing) -> None:
    renewing.offer()
    renewing.resume.forget()
    renewing.reconnect()
    renewing.complete()
    assert sorted(stored(renewing)["keys"]) == ["2"]


@pytest.mark.parametrize("device_has_it", [False, True])
def test_a_hub_that_dies_between_the_writes(renewing: Renewing, device_has_it: bool) -> None:
    r2 = renewing.offer()
    for step in [renewing.renew] * device_has_it:
        step(r2)
    renewing.resume.forget()
    renewing.restart()
    renewing.complete()
    assert sorted(stored(renewing)["keys"]) == ["2"]
    assert renewing.held[0].store.hex() == stored(renewing)["keys"]["2"]
