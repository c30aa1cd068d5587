"""The responder's negotiation against the device's own machine: REQ, ACC, the broadcast (protocol.md 5)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import LocalError
from custom_components.self_secure.protocol.events import (
    CodeReady,
    FrameDropped,
    LinkUnneeded,
    PairingCompleted,
    PairingProgressed,
    Verdict,
)
from custom_components.self_secure.protocol.packets import Acceptance, Frame, FrameType
from custom_components.self_secure.protocol.tables import NegotiationState
from custom_components.self_secure.protocol.terms import t_1
from self_secure_device import keys

from .bench import ENOUGH, HUB, HYBRID, IDENTITY, LOSS, Bench
from .frozen import freeze
from .steps import dropped

KINDS = [FrameType.REQ, FrameType.ACC, FrameType.RSP, FrameType.ACK, FrameType.END, FrameType.OPEN]

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
    secrets = [bench.device.random(0), bench.device.machine.shared]
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
    for seq in (0, 1, 1, 0, 2):
        bench.hear([seq])
        bench.now += limits.PROGRESS_SECONDS
    assert [event.packets for event in bench.told(PairingProgressed)] == [1, 2, 3]


def test_progress_is_told_only_so_often_and_at_the_end() -> None:
    bench = Bench()
    bench.reach(2)
    begun, due = bench.now, bench.now + limits.PROGRESS_SECONDS
    for bench.now, heard in ((begun, [0, 1]), (due - 0.001, [2]), (due, [3, 4]), (due, range(5, ENOUGH))):
        bench.hear(heard)
    assert [event.packets for event in bench.told(PairingProgressed)] == [1, 4, ENOUGH]


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
