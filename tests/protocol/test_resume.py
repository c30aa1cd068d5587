"""The change of epochs against the device's own resume (protocol.md 7)."""

import random
from typing import Any

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.events import (
    CloneSuspected,
    EpochStarted,
    FrameDropped,
    LinkUnneeded,
    MessageReceived,
    MessageType,
    ResumeFailed,
    StaleKeyHinted,
)
from custom_components.self_secure.protocol.packets import Challenge, Frame, FrameType, Offer, Selection
from self_secure_device import frames, suites
from self_secure_device.errors import DropError
from self_secure_device.keyring import Key

from .bench import HUB, LOSS, spoil
from .frozen import freeze
from .renewal import Renewing

NO_LIVE = bytes(32)


@pytest.fixture
def renewing() -> Renewing:
    """The hub was restarted and has sent R0."""
    return Renewing.after_restart(random.Random(3))


@pytest.fixture
def talking() -> Renewing:
    """Both sides have their chains, the link is open."""
    return Renewing.paired(random.Random(4))


def stored(renewing: Renewing) -> Any:
    """Return the newest pairing on disk."""
    assert renewing.bench.store.snapshot is not None
    return renewing.bench.store.snapshot["pairings"][0]


def dropped(renewing: Renewing, raw: bytes, reason: str) -> None:
    """The frame is refused for this reason and changes nothing."""
    bench = renewing.bench
    before, sent = freeze(bench.hub.connection), len(bench.frames)
    assert [event.reason for event in bench.receive(raw) if isinstance(event, FrameDropped)] == [reason]
    assert freeze(bench.hub.connection) == before
    assert len(bench.frames) == sent


def rotate(renewing: Renewing) -> bytes:
    """Ask for a new epoch; return R0."""
    renewing.bench.call("rotate")
    renewing.hello = renewing.bench.frames[-1]
    return renewing.hello


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
    dropped(renewing, spoil(r1, 8 + 16), "n_R")
    assert renewing.bench.exchange(r1)[0] == FrameType.R2


def test_the_first_r1_that_verifies_burns_the_nonce(renewing: Renewing) -> None:
    renewing.offer()
    renewing.resume.forget()
    dropped(renewing, renewing.answer(renewing.hello), "another R1 after the nonce was used")


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
    dropped(renewing, r1, "X25519 result is zero")


# --- no common epoch


def test_without_a_common_epoch_nothing_is_erased(renewing: Renewing) -> None:
    bench, mine = renewing.bench, renewing.held[0]
    before = bench.store.snapshot
    renewing.held = [Key(HUB, mine.suite, 1, 0, b"u" * 32)]
    rnak = renewing.offer()
    assert Frame.decode(rnak).message == Offer.decode(Frame.decode(renewing.r1)).n_i
    assert bench.told(ResumeFailed) == [ResumeFailed(1, "no_common_epoch")]
    assert bench.events[-1] == LinkUnneeded()
    assert bench.store.snapshot == before
    renewing.resume.forget()
    renewing.held = [mine]
    bench.wait(limits.RESUME_REST_FIRST)
    renewing.reconnect()
    renewing.complete()
    assert bench.told(EpochStarted) == [EpochStarted(1, resumed=True)]
    assert bench.hub.connection.statistics.resume_failures == 1
    assert bench.hub.connection.statistics.resumes == 1


def test_after_a_failure_the_hub_rests_longer_and_longer(renewing: Renewing) -> None:
    bench, rests = renewing.bench, []
    renewing.held = [Key(HUB, renewing.suite, 1, 0, b"u" * 32)]
    for _ in range(11):
        renewing.offer()
        renewing.resume.forget()
        bench.call("link_closed")
        assert not bench.hub.connection.wants_link
        rests.append((bench.hub.connection.next_deadline or 0) - bench.now)
        bench.wait(rests[-1])
        assert bench.hub.connection.wants_link
        renewing.hello = bench.connect()
    assert rests == [2, 4, 8, 16, 32, 64, 128, 256, 512, limits.RESUME_REST_MAX, limits.RESUME_REST_MAX]
    assert [event.failures for event in bench.told(ResumeFailed)] == [*range(1, 12)]


def test_a_contact_that_the_device_asks_for_is_used_during_the_rest(renewing: Renewing) -> None:
    renewing.bench.wait(limits.RESUME_TIMEOUT)
    renewing.bench.call("link_closed")
    renewing.bench.call("beacon_seen", 2)
    assert renewing.bench.hub.connection.wants_link
    assert renewing.bench.connect()[0] == FrameType.R0


def test_a_replaced_key_gives_a_hint_and_an_unknown_one_none(renewing: Renewing) -> None:
    old = renewing.held[0]
    renewing.complete()
    rotate(renewing)
    for key, hints in ((old, 1), (Key(HUB, old.suite, 1, 0, b"u" * 32), 1), (old, 2)):
        renewing.held = [key]
        assert renewing.offer()[0] == FrameType.RNAK
        assert len(renewing.bench.told(StaleKeyHinted)) == hints
        renewing.resume.forget()
        renewing.reconnect()


def test_eight_replaced_keys_are_remembered(renewing: Renewing) -> None:
    renewing.complete()
    for _ in range(limits.KIDS_REMEMBERED):
        renewing.bench.call("rotate")
        renewing.reconnect()
        renewing.complete()
    assert renewing.bench.store.snapshot is not None
    assert len(renewing.bench.store.snapshot["kids"]) == limits.KIDS_REMEMBERED


# --- live chains and clones


def selection_of(renewing: Renewing) -> Selection:
    return Selection.decode(Frame.decode(renewing.r2))


def test_equal_chains_go_into_the_next_root(talking: Renewing) -> None:
    rotate(talking)
    r2 = talking.offer()
    assert selection_of(talking).live_r == Offer.decode(Frame.decode(talking.r1)).live_i != NO_LIVE
    talking.bench.receive(talking.renew(r2).frame)
    assert talking.bench.told(CloneSuspected) == []


def test_different_chains_are_a_possible_clone(talking: Renewing) -> None:
    rotate(talking)
    talking.session.sender.chain = b"x" * 32
    renewal = talking.renew(talking.offer())
    assert renewal.possible_clone
    assert talking.bench.told(CloneSuspected) == [CloneSuspected()]
    talking.bench.receive(renewal.frame)
    assert talking.bench.told(EpochStarted)[-1] == EpochStarted(1, resumed=True)


@pytest.mark.parametrize("frozen", [False, True])
def test_with_an_unacknowledged_message_the_hub_says_zero(talking: Renewing, frozen: bool) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"x")
    for _ in range(6 * frozen):
        bench.wait(limits.RTO_MAX)
    bench.call("beacon_seen", 0)
    bench.call("link_closed")
    bench.call("beacon_seen", 3)
    talking.hello = bench.connect()
    talking.offer()
    assert selection_of(talking).live_r == NO_LIVE
    assert Offer.decode(Frame.decode(talking.r1)).live_i != NO_LIVE
    assert not talking.renew(talking.r2).possible_clone


def test_without_chains_the_hub_says_zero(renewing: Renewing) -> None:
    renewing.offer()
    assert selection_of(renewing).live_r == NO_LIVE


def test_chains_count_only_for_the_first_entry(talking: Renewing) -> None:
    rotate(talking)
    mine = talking.held[0]
    talking.held = [Key(HUB, mine.suite, 2, 0, b"u" * 32), mine]
    talking.offer()
    assert selection_of(talking).live_r == NO_LIVE


# --- R2, R3


def test_r2_is_the_devices_to_refuse(renewing: Renewing) -> None:
    r2 = renewing.offer()
    for at in (8 + 3, 8 + 7, 8 + 40, -1):
        with pytest.raises(DropError):
            renewing.renew(spoil(r2, at))
    assert renewing.renew(r2).epoch == 1


def test_a_wrong_r3_is_dropped_and_the_right_one_still_comes(renewing: Renewing) -> None:
    r3 = renewing.renew(renewing.offer()).frame
    dropped(renewing, spoil(r3), "R3")
    dropped(renewing, Frame(FrameType.R3, b"x", r3[-16:]).encode(), "R3 without R2")
    renewing.bench.receive(r3)
    assert len(renewing.bench.told(EpochStarted)) == 1
    dropped(renewing, r3, "R3 in state idle")


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


# --- when


def fill(talking: Renewing, count: int) -> None:
    """Let the device send messages, each acknowledged."""
    for _ in range(count):
        talking.settle(talking.bench.exchange(talking.data(MessageType.READINGS, b"")))


def test_after_w_messages_of_both_directions(talking: Renewing) -> None:
    bench = talking.bench
    fill(talking, 30)  # VERIFIED was the first
    raw = talking.data(MessageType.READINGS, b"")
    before = len(bench.frames)
    bench.receive(raw)
    assert [frame[0] for frame in bench.frames[before:]] == [FrameType.DACK, FrameType.R0]


def test_while_something_is_outstanding_the_epoch_goes_on_to_48(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"x")
    fill(talking, limits.EPOCH_MESSAGES_MAX - 2)
    raw = talking.data(MessageType.READINGS, b"")
    before = len(bench.frames)
    bench.receive(raw)
    assert [frame[0] for frame in bench.frames[before:]] == [FrameType.DACK, FrameType.R0]


def test_the_acknowledgement_of_what_was_outstanding_brings_it(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"x")
    data = bench.frames[-1]
    fill(talking, 35)
    before = len(bench.frames)
    talking.deliver(talking.accept(data))
    assert [frame[0] for frame in bench.frames[before:]] == [FrameType.R0]


def test_after_a_day_the_hub_connects_for_it(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("link_closed")
    assert bench.hub.connection.next_deadline == limits.EPOCH_SECONDS
    bench.wait(limits.EPOCH_SECONDS - 1)
    assert not bench.hub.connection.wants_link
    bench.wait(1)
    assert bench.hub.connection.wants_link
    assert bench.connect()[0] == FrameType.R0


def test_after_a_day_on_an_open_link(talking: Renewing) -> None:
    talking.bench.wait(limits.EPOCH_SECONDS)
    assert talking.bench.frames[-1][0] == FrameType.R0


def test_r0_is_repeated_at_each_contact(talking: Renewing) -> None:
    first = rotate(talking)
    nonces = {first, *(talking.reconnect() for _ in range(4))}
    assert len(nonces) == 5
    assert {raw[0] for raw in nonces} == {FrameType.R0}


def test_three_r0_per_connection_and_the_fourth_on_the_next(talking: Renewing) -> None:
    bench = talking.bench
    for epoch in (1, 2, 3):
        rotate(talking)
        talking.complete()
        assert bench.hub.connection.epoch == epoch
    before = len(bench.frames)
    bench.call("rotate")
    assert len(bench.frames) == before
    assert bench.events[-1] == LinkUnneeded()
    bench.call("link_closed")
    assert bench.hub.connection.wants_link
    talking.hello = bench.connect()
    talking.complete()
    assert bench.hub.connection.epoch == 4
    assert bench.told(ResumeFailed) == []


def test_a_dropped_link_forgets_the_resume(renewing: Renewing) -> None:
    r1 = renewing.answer(renewing.hello)
    renewing.reconnect()
    dropped(renewing, r1, "n_R")


def test_a_slow_disk_is_not_the_devices_fault(renewing: Renewing) -> None:
    """The write in front of R2 takes six seconds: R3 is waited for from then on."""
    connection = renewing.bench.hub.connection
    r1 = renewing.answer(renewing.hello)
    connection.receive(b"\x80" + r1, 1.0)
    connection.events()
    connection.persisted(7.0)
    assert ResumeFailed not in {type(event) for event in connection.events()}
    assert connection.next_deadline == 1.0 + limits.RESUME_TIMEOUT + 6.0


def test_r1_in_the_fragments_of_the_smallest_mtu(renewing: Renewing) -> None:
    bench = renewing.bench
    r1 = renewing.answer(renewing.hello)
    pieces = [r1[at : at + 19] for at in range(0, len(r1), 19)]
    for number, piece in enumerate(pieces):
        last = 0x80 * (number == len(pieces) - 1)
        bench.call("receive", bytes([number | last]) + piece)
    assert bench.frames[-1][0] == FrameType.R2
