"""The responder's negotiation against the device's own machine: rules 1-4 and 10 of protocol.md 5."""

from typing import Any

import pytest

from custom_components.self_secure.protocol import limits, sets
from custom_components.self_secure.protocol.errors import Cause, LocalError
from custom_components.self_secure.protocol.events import (
    CodeReady,
    FrameDropped,
    LinkUnneeded,
    PairingCompleted,
    PairingFailed,
    PairingProgressed,
    Verdict,
)
from custom_components.self_secure.protocol.packets import Acceptance, Frame, FrameType
from custom_components.self_secure.protocol.tables import NegotiationState
from custom_components.self_secure.protocol.terms import t_1
from self_secure_device import frames, keys
from self_secure_device.crypto import tag
from self_secure_device.errors import DropError

from .bench import ENOUGH, HUB, HYBRID, IDENTITY, LOSS, PAYLOAD, Bench, spoil
from .frozen import freeze

KINDS = [FrameType.REQ, FrameType.ACC, FrameType.RSP, FrameType.ACK, FrameType.END, FrameType.OPEN]


def dropped(bench: Bench, raw: bytes, reason: str) -> None:
    """The frame is refused for this reason and changes nothing."""
    before, sent = freeze(bench.hub.connection), len(bench.frames)
    told = bench.receive(raw)
    assert [event.reason for event in told if isinstance(event, FrameDropped)] == [reason]
    assert len(told) == 1
    assert freeze(bench.hub.connection) == before
    assert len(bench.frames) == sent


def crowded(*, forged: list[int] | None = None, packets: int = 64, size: int = 32, **options: Any) -> tuple[Bench, bytes]:
    """Collect `size` packets: one scanner has all but eight of them, so the set is larger than its minimum; return RSP.

    Of the forged ones no scanner heard the true packet.
    """
    bench = Bench(packets=packets, n_max=packets, **options)
    bench.reach(2)
    wrong = forged or []
    bench.hear([size - 1], "there")
    bench.hear([seq for seq in range(size - 8) if seq not in wrong])
    bench.forge(wrong)
    return bench, bench.respond_as("there", range(size - 8, size - 1))


def complete(bench: Bench, ack: bytes) -> PairingCompleted:
    """Go on from ACK to the stored key."""
    bench.receive(bench.device.take(bench.exchange(ack)))
    bench.call("answer", Verdict.SAME)
    (completed,) = bench.told(PairingCompleted)
    return completed  # type: ignore[no-any-return]  # told() returns events of that kind


# --- both sides


@pytest.mark.parametrize("suite", [HYBRID, LOSS])
def test_both_sides_hold_the_same_key_and_code(suite: int) -> None:
    bench = Bench(suites=(suite,), floor=suite)
    said = bench.reach(5)
    assert [raw[0] for raw in said] == KINDS
    stored = {HYBRID: [Verdict.SAME], LOSS: []}[suite]
    for verdict in stored:
        bench.call("answer", verdict)
    root = bench.device.machine.take_root()
    assert bench.store.snapshot["pairings"][0]["keys"] == {"0": keys.store_key(root).hex()}  # type: ignore[index]  # it was written
    assert [event.code for event in bench.told(CodeReady)] == {HYBRID: [bench.device.machine.code], LOSS: []}[suite]
    (completed,) = bench.told(PairingCompleted)
    assert completed.identity == IDENTITY
    assert (completed.record.suite, completed.record.verified, completed.record.packets) == (suite, suite == HYBRID, ENOUGH)


@pytest.mark.parametrize(("verdict", "verified"), [(Verdict.SAME, True), (Verdict.NOT_SHOWN, False)])
def test_the_verdict_goes_into_the_record_and_to_the_device(verdict: Verdict, verified: bool) -> None:
    bench = Bench()
    bench.pair(verdict)
    (completed,) = bench.told(PairingCompleted)
    assert completed.record.verified is verified
    assert bench.store.snapshot["queue"] == [{"type": 5, "id": 1, "body": f"0{int(verified)}"}]  # type: ignore[index]  # it was written


def test_the_code_is_not_in_any_repr() -> None:
    bench = Bench()
    bench.reach(5)
    (ready,) = bench.told(CodeReady)
    assert ready.code not in repr(ready) + repr(bench.negotiation.outcome)


def test_the_random_packets_and_dh_are_forgotten_at_open() -> None:
    bench = Bench()
    end = bench.reach(4)[-1]
    secrets = [bench.device.random(0), bench.device.machine._shared]
    assert [repr(secret) in str(freeze(bench.negotiation)) for secret in secrets] == [True, True]
    bench.receive(bench.device.take(end))
    assert bench.negotiation.state is NegotiationState.COMPARING
    assert [repr(secret) in str(freeze(bench.negotiation)) for secret in secrets] == [False, False]


# --- REQ and ACC


def test_acc_says_what_the_settings_say() -> None:
    bench = Bench(minimum=20, target_bits=9, assumed_loss=33, n_max=50)
    bench.open()
    acceptance = Acceptance.decode(Frame.decode(bench.request()))
    assert (acceptance.suite, acceptance.id_r, acceptance.minimum) == (HYBRID, HUB, 20)
    assert (acceptance.target_bits, acceptance.assumed_loss, acceptance.n_max) == (9, 33, 50)
    assert acceptance.pk_r != bytes(32)


def test_n_max_is_the_smaller_one() -> None:
    bench = Bench(n_max=2048, packets=64)
    bench.open()
    assert Acceptance.decode(Frame.decode(bench.request())).n_max == 64


@pytest.mark.parametrize(
    ("offered", "floor", "chosen"),
    [
        ((HYBRID, LOSS), HYBRID, HYBRID),
        ((HYBRID, LOSS), LOSS, HYBRID),
        ((LOSS, HYBRID), LOSS, LOSS),
        ((LOSS, HYBRID), HYBRID, HYBRID),
    ],
)
def test_the_first_supported_suite_at_or_above_the_floor(offered: tuple[int, ...], floor: int, chosen: int) -> None:
    bench = Bench(suites=offered, floor=floor)
    bench.open()
    acceptance = Acceptance.decode(Frame.decode(bench.request()))
    assert acceptance.suite == chosen
    assert (acceptance.pk_r == bytes(32)) is (chosen == LOSS)


def test_the_link_is_given_up_for_the_broadcast() -> None:
    bench = Bench()
    bench.open()
    bench.receive(bench.device.request.frame)
    assert bench.events == [LinkUnneeded()]
    assert not bench.hub.connection.wants_link


def test_an_unknown_better_suite_is_passed_over() -> None:
    bench = Bench(suites=(HYBRID,))
    frame = Frame.decode(bench.device.request.frame)
    bench.open()
    bench.receive(Frame(FrameType.REQ, b"\x02\x77" + frame.message[1:]).encode())
    assert Acceptance.decode(Frame.decode(bench.frames[-1])).suite == HYBRID


@pytest.mark.parametrize(
    ("suites", "floor", "public", "reason"),
    [
        (b"\x11", HYBRID, bytes(32), "pk_I is missing"),
        (b"\x11\x01", LOSS, bytes(32), "pk_I is missing"),
        (b"\x01", LOSS, b"\x09" * 32, "pk_I without X25519"),
        (b"\x01", HYBRID, b"\x09" * 32, "pk_I without X25519"),  # malformed comes before refused
        (b"\x11", HYBRID, b"\x01" + bytes(31), "X25519 result is zero"),
    ],
)
def test_a_public_key_that_does_not_fit_is_dropped(suites: bytes, floor: int, public: bytes, reason: str) -> None:
    bench = Bench(floor=floor)
    message = Frame.decode(bench.device.request.frame).message
    bench.open()
    dropped(bench, Frame(FrameType.REQ, bytes([len(suites)]) + suites + message[2:-32] + public).encode(), reason)


def test_one_window_at_a_time() -> None:
    bench = Bench()
    bench.open()
    with pytest.raises(LocalError):
        bench.hub.connection.open_pairing(0)


@pytest.mark.parametrize("step", [1, 2, 3, 4])
def test_there_is_no_code_to_answer_before_open(step: int) -> None:
    bench = Bench()
    bench.reach(step)
    with pytest.raises(LocalError):
        bench.hub.connection.answer(Verdict.SAME, 0)


# --- the broadcast


def test_packets_of_another_broadcast_are_not_counted() -> None:
    bench = Bench()
    bench.reach(2)
    sid, value = bench.device.request.sid, bytes(20)
    bench.call("random_packet", "here", sid ^ 1, 0, value)
    bench.call("random_packet", "here", sid, 64, value)
    bench.call("random_packet", "here", sid, 0, value + b"x")
    assert [type(event) for event in bench.events[1:]] == [FrameDropped] * 3
    assert bench.negotiation.collected() == []


def test_packets_nobody_waits_for_are_not_even_dropped() -> None:
    bench = Bench()
    bench.open()
    bench.call("random_packet", "here", 0, 0, bytes(20))
    assert bench.events == []


def test_progress_is_told_when_the_set_changes() -> None:
    bench = Bench()
    bench.reach(2)
    bench.hear([0, 1, 1, 0, 2])
    assert [event.packets for event in bench.told(PairingProgressed)] == [1, 2, 3]


def test_it_stops_as_soon_as_the_rule_holds() -> None:
    bench = Bench()
    bench.reach(2)
    bench.hear(range(ENOUGH - 1))
    assert bench.hub.connection.collecting
    bench.hear([ENOUGH - 1, ENOUGH])
    assert not bench.hub.connection.collecting
    assert bench.hub.connection.wants_link
    assert bench.connect()[0] == FrameType.RSP
    assert bench.negotiation.collected() == [*range(ENOUGH)]


def test_the_end_of_the_broadcast_follows_from_each_packet() -> None:
    bench = Bench()
    bench.reach(2)
    bench.hear([10])
    assert bench.hub.connection.next_deadline == pytest.approx(t_1(64 - 10, 30))
    bench.now = 1.0
    bench.hear([12])
    assert bench.hub.connection.next_deadline == pytest.approx(1 + t_1(64 - 12, 30))


def test_a_forged_last_number_does_not_end_it() -> None:
    bench = Bench()
    bench.reach(2)
    bench.forge([63])
    bench.now = 1.0
    bench.hear([0])
    bench.wait(t_1(1, 30) + 0.1)
    assert bench.hub.connection.collecting


def test_it_never_lasts_longer_than_twice_t_1() -> None:
    bench = Bench(target_bits=64)
    bench.reach(2)
    cap = 2 * t_1(64, 30)
    while bench.now + 1 < cap:
        bench.now += 1
        bench.forge([0], value=bytes([int(bench.now)]) * 20)
    assert bench.hub.connection.next_deadline == pytest.approx(cap)


def test_t_1_is_the_formula() -> None:
    assert t_1(2048, 30) == pytest.approx(2048 * 0.035 * 1.1 + 1)


# --- conflicts (rule 1)


@pytest.mark.parametrize("order", ["tf", "ft", "tff", "ftf", "fft"])
def test_the_device_names_the_true_candidate(order: str) -> None:
    """t: the true packet is heard, f: a forged one."""
    bench = Bench()
    bench.reach(2)
    for number, letter in enumerate(order):
        value = {"t": bench.device.random(5), "f": bytes([number]) * 20}[letter]
        bench.forge([5], value=value)
    response = bench.respond([seq for seq in range(ENOUGH + 1) if seq != 5])
    ack = bench.device.take(response)
    completed = complete(bench, ack)
    assert (completed.record.packets, completed.record.conflicts) == (ENOUGH + 1, 1)
    assert 5 in sets.decode_prefix(Frame.decode(ack).message)[0]


def test_a_conflict_without_the_true_one_is_left_out() -> None:
    bench = Bench()
    bench.reach(2)
    bench.forge([5], value=bytes(20))
    bench.forge([5], value=b"\x01" * 20)
    ack = bench.device.take(bench.respond([seq for seq in range(ENOUGH + 1) if seq != 5]))
    assert complete(bench, ack).record.packets == ENOUGH
    assert 5 not in sets.decode_prefix(Frame.decode(ack).message)[0]


def test_four_candidates_are_dropped_by_the_hub() -> None:
    bench = Bench()
    bench.reach(2)
    for value in range(3):
        bench.forge([5], value=bytes([value]) * 20)
    bench.hear([5])
    response = bench.respond([seq for seq in range(ENOUGH + 1) if seq != 5])
    members, used = sets.decode_prefix(Frame.decode(response).message)
    assert 5 not in members
    assert Frame.decode(response).message[used:] == b"\x00"
    assert complete(bench, bench.device.take(response)).record.conflicts == 1


# --- S' (rules 2 and 3)


def conflicted() -> tuple[Bench, bytes]:
    """A negotiation whose Seq 40 has two candidates, RSP sent."""
    bench = Bench()
    bench.reach(2)
    bench.hear([40])
    bench.forge([40])
    return bench, bench.respond()


@pytest.mark.parametrize(
    ("members", "choices", "reason"),
    [
        ([*range(ENOUGH), 41], [0xFF], "S' is not within S and the named conflicts"),
        ([*range(ENOUGH), 40], [0xFF], "S' is not within S and the named conflicts"),
        ([*range(ENOUGH)], [0], "S' is not within S and the named conflicts"),
        ([*range(ENOUGH), 40], [2], "no such candidate"),
        ([*range(ENOUGH), 40], [0, 0], "length of ACK"),
        ([*range(ENOUGH), 40], [], "length of ACK"),
    ],
)
def test_a_set_that_is_not_ours_is_dropped(members: list[int], choices: list[int], reason: str) -> None:
    bench, response = conflicted()
    dropped(bench, bench.device.confess(response, members, choices), reason)


def test_a_set_that_does_not_decode_is_dropped() -> None:
    bench, _ = conflicted()
    dropped(bench, Frame(FrameType.ACK, b"\x02" + bytes(40), bytes(16)).encode(), "unknown encoder")


@pytest.mark.parametrize(("size", "good"), [(ENOUGH - 1, False), (ENOUGH, True)])
def test_n_r_is_checked_on_s_prime(size: int, good: bool) -> None:
    bench, response = crowded(target_bits=0)
    bench.receive(bench.device.confess(response, [*range(size)], []))
    assert (bench.told(PairingFailed) == []) is good


def test_naming_the_wrong_candidate_gives_another_key() -> None:
    bench, response = conflicted()
    ack = bench.device.confess(response, [*range(ENOUGH), 40], [1])
    bench.receive(ack)
    assert bench.told(FrameDropped)[-1].reason == "ACK"


# --- TAGS (rule 4)


def test_a_forged_packet_is_pruned_with_tags() -> None:
    bench, response = crowded(forged=[3, 7])
    request = bench.device.take(response)
    assert (request[0], Frame.decode(request).message) == (FrameType.TAGS, b"")
    ack = bench.device.take(bench.exchange(request))
    assert ack[0] == FrameType.ACK
    completed = complete(bench, ack)
    assert completed.record.packets == 32 - 2
    assert [event.code for event in bench.told(CodeReady)] == [bench.device.machine.code]


def test_more_than_one_page() -> None:
    bench, response = crowded(forged=[3], packets=640, size=600)
    first = bench.device.take(response)
    second = bench.device.take(bench.exchange(first))
    assert [Frame.decode(raw).seq for raw in (first, second)] == [0, 1]
    assert [len(Frame.decode(bench.exchange(raw)).message) for raw in (first, second)] == [900, 300]
    assert complete(bench, bench.device.take(bench.frames[-1])).record.packets == 599


def test_each_page_once_and_a_repeat_gets_the_stored_answer() -> None:
    bench, response = crowded(forged=[3])
    request = bench.device.take(response)
    answer = bench.exchange(request)
    before = freeze(bench.negotiation)
    assert bench.exchange(request) == answer
    assert freeze(bench.negotiation) == before
    complete(bench, bench.device.take(answer))


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.TAGS, b"", seq=1),
        Frame(FrameType.TAGS, b"", seq=0xFFFF_FFFF),
        Frame(FrameType.TAGS, b"", retran=1),
        Frame(FrameType.TAGS, b"\x00"),
    ],
)
def test_another_page_is_dropped(frame: Frame) -> None:
    bench, _ = crowded(forged=[3])
    dropped(bench, frame.encode(), "TAGS page")


def test_tags_are_in_the_transcript() -> None:
    """An ACK that does not know of them has a wrong MAC."""
    bench, response = crowded()
    ack = bench.device.take(response)
    bench.receive(Frame(FrameType.TAGS, b"").encode())
    bench.receive(ack)
    assert bench.told(FrameDropped)[-1].reason == "ACK"


# --- once only (rule 10)


@pytest.mark.parametrize(("step", "sent", "answer"), [(2, 0, 1), (3, 0, 1), (4, 3, 4), (5, 3, 4), (5, 0, 1)])
def test_a_byte_identical_repeat_gets_the_stored_answer(step: int, sent: int, answer: int) -> None:
    bench = Bench()
    said = bench.reach(step)
    bench.call("link_opened", PAYLOAD)
    before = freeze(bench.negotiation)
    assert bench.exchange(said[sent]) == said[answer]
    assert freeze(bench.negotiation) == before


@pytest.mark.parametrize(("step", "sent"), [(2, 0), (4, 3)])
def test_another_frame_of_the_same_kind_is_dropped(step: int, sent: int) -> None:
    bench = Bench()
    said = bench.reach(step)
    bench.call("link_opened", PAYLOAD)
    state = bench.negotiation.state.value
    dropped(bench, spoil(said[sent]), f"{KINDS[sent].name} in state {state}")


def test_open_is_accepted_once() -> None:
    bench = Bench()
    said = bench.reach(5)
    dropped(bench, said[-1], "OPEN in state comparing")


@pytest.mark.parametrize(("at", "reason"), [(-1, "OPEN"), (8, "commitment")])
def test_an_open_that_does_not_fit_is_dropped_and_the_right_one_still_comes(at: int, reason: str) -> None:
    bench = Bench()
    opened = bench.device.take(bench.reach(4)[-1])
    dropped(bench, spoil(opened, at), reason)
    bench.receive(opened)
    assert len(bench.told(CodeReady)) == 1


def test_another_r_i_under_the_right_key_is_dropped() -> None:
    """The initiator had committed to r_I before it knew r_R (rule 10)."""
    bench = Bench()
    end = bench.reach(4)[-1]
    machine = bench.device.machine
    assert machine.suite is not None
    key = machine.suite.confirmation(machine._keys, b"open")
    transcript = keys.transcript_add(machine._transcript, frames.decode(end).head)
    for secret, reason in ((bytes(16), "commitment"), (bytes(15), "r_I has 16 bytes"), (bytes(17), "r_I has 16 bytes")):
        head = frames.encode_head(frames.OPEN, secret)
        dropped(bench, head + tag(key, keys.transcript_add(transcript, head)), reason)


def test_a_wrong_end_is_the_devices_to_refuse() -> None:
    """Nothing of the hub's END can be changed without the device noticing."""
    bench = Bench()
    end = bench.reach(4)[-1]
    for at in (8, -1):
        with pytest.raises(DropError):
            bench.device.take(spoil(end, at))
    assert bench.device.take(end)[0] == FrameType.OPEN


# --- reconnecting


@pytest.mark.parametrize(("step", "last"), [(2, FrameType.ACC), (3, FrameType.RSP), (4, FrameType.END)])
def test_the_last_frame_goes_out_again_byte_for_byte(step: int, last: FrameType) -> None:
    bench = Bench()
    said = bench.reach(step)
    bench.call("link_closed")
    assert bench.connect() == said[-1]
    assert said[-1][0] == last


def test_after_tags_the_last_frame_is_the_page() -> None:
    bench, response = crowded(forged=[3])
    answer = bench.exchange(bench.device.take(response))
    bench.call("link_closed")
    assert bench.connect() == answer
    complete(bench, bench.device.take(answer))


@pytest.mark.parametrize("step", [1, 5])
def test_nothing_is_repeated_where_nothing_was_said(step: int) -> None:
    bench = Bench()
    bench.reach(step)
    bench.call("link_closed")
    before = len(bench.frames)
    bench.call("link_opened", PAYLOAD)
    assert len(bench.frames) == before


@pytest.mark.parametrize("step", [3, 4])
def test_a_dropped_link_has_the_waiting_phase_to_come_back(step: int) -> None:
    bench = Bench()
    bench.reach(step)
    bench.call("link_closed")
    assert bench.hub.connection.wants_link
    assert bench.hub.connection.next_deadline == limits.REQUEST_TIMEOUT


def test_a_window_opened_on_an_open_link_waits_for_req() -> None:
    bench = Bench()
    bench.call("link_opened", PAYLOAD)
    bench.call("open_pairing")
    assert bench.hub.connection.next_deadline == limits.REQUEST_TIMEOUT
    bench.receive(bench.device.request.frame)
    assert bench.negotiation.state is NegotiationState.COLLECTING


def test_every_wrong_cause_is_reported_once() -> None:
    bench = Bench()
    bench.reach(2)
    bench.call("cancel_pairing")
    bench.wait(1000)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.CANCELLED, suspicious=False)]
