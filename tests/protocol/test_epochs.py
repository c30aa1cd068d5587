"""When the hub starts a resume, what becomes of a failed one, and how clones show (protocol.md 7)."""

from dataclasses import replace

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.events import (
    CloneSuspected,
    EpochStarted,
    LinkUnneeded,
    MessageType,
    ResumeFailed,
    StaleKeyHinted,
)
from custom_components.self_secure.protocol.packets import Frame, FrameType, Offer, Selection
from self_secure_device.keyring import Key

from .bench import HUB
from .renewal import Renewing
from .steps import dropped, rotate

NO_LIVE = bytes(32)


def test_other_settings_count_at_once(talking: Renewing) -> None:
    bench, connection = talking.bench, talking.bench.hub.connection
    bench.call("timer")
    before = list(bench.frames)
    connection.configure(replace(bench.settings, w=1, omega=0))
    bench.call("timer")
    assert [frame[0] for frame in bench.frames[len(before) :]] == [FrameType.R0]


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
    dropped(renewing.bench, r1, "n_R")


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
