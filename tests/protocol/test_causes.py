"""Every failure of a negotiation names its cause, tells the device, and stores nothing (protocol.md 5 rule 9)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import CodeReady, LinkUnneeded, PairingFailed, StoreFailed, Verdict
from custom_components.self_secure.protocol.packets import Frame, FrameType, NakReason
from custom_components.self_secure.protocol.terms import HumanCheckSlot

from .bench import ENOUGH, LOSS, PAYLOAD, Bench, Store, spoil
from .steps import failed


def test_every_cause_has_its_test() -> None:
    tested = {name.removeprefix("test_cause_").split("__")[0] for name in globals() if name.startswith("test_cause_")}
    assert tested == {cause.value for cause in Cause}


def test_cause_no_request() -> None:
    bench = Bench()
    bench.open()
    bench.wait(limits.REQUEST_TIMEOUT - 0.1)
    assert bench.told(PairingFailed) == []
    bench.wait(0.1)
    failed(bench, Cause.NO_REQUEST, NakReason.CANCELLED)


def test_cause_timeout__nobody_could_connect() -> None:
    bench = Bench()
    bench.call("open_pairing")
    assert bench.hub.connection.next_deadline == limits.CONTACT_TIMEOUT
    bench.wait(limits.CONTACT_TIMEOUT)
    failed(bench, Cause.TIMEOUT, None)


def test_cause_timeout__the_link_dropped_before_the_device_could_ask() -> None:
    bench = Bench()
    bench.open()
    bench.call("link_closed")
    bench.wait(limits.REQUEST_TIMEOUT)
    assert bench.told(PairingFailed) == []
    bench.wait(limits.CONTACT_TIMEOUT)
    failed(bench, Cause.TIMEOUT, None)


def test_cause_timeout__the_device_is_out_of_reach_after_the_broadcast() -> None:
    bench = Bench()
    bench.reach(2)
    bench.hear(range(ENOUGH))
    bench.wait(limits.CONTACT_TIMEOUT)
    assert bench.hub.connection.wants_link
    assert bench.connect()[0] == FrameType.NAK
    failed(bench, Cause.TIMEOUT, NakReason.CANCELLED)


def test_cause_too_few_packets__asked_for_fewer_than_the_minimum() -> None:
    bench = Bench(minimum=65, n_max=128)
    bench.open()
    bench.receive(bench.device.request.frame)
    failed(bench, Cause.TOO_FEW_PACKETS, NakReason.TOO_FEW)


def test_cause_too_few_packets__the_device_does_not_broadcast() -> None:
    bench = Bench(n_max=2048, packets=2048)
    bench.open()
    bench.receive(bench.device.request.frame)
    bench.call("link_closed")
    for _ in range(int(limits.SILENCE_MAX / limits.SILENCE_TIMEOUT) - 1):
        bench.wait(limits.SILENCE_TIMEOUT)
        assert bench.connect()[0] == FrameType.ACC  # it may have been lost
        bench.call("link_closed")
    assert bench.told(PairingFailed) == []
    bench.wait(limits.SILENCE_TIMEOUT)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.TOO_FEW_PACKETS, suspicious=False)]


def test_cause_too_few_packets__most_were_lost() -> None:
    bench = Bench()
    bench.reach(2)
    bench.hear(range(ENOUGH - 1))
    bench.wait(60)
    assert bench.connect()[0] == FrameType.NAK
    failed(bench, Cause.TOO_FEW_PACKETS, NakReason.TOO_FEW)


def test_cause_too_few_packets__the_device_left_too_many_out() -> None:
    bench = Bench(target_bits=0)
    response = bench.reach(3)[-1]
    bench.receive(bench.device.confess(response, [*range(ENOUGH - 1)], []))
    failed(bench, Cause.TOO_FEW_PACKETS, NakReason.TOO_FEW)


def test_cause_low_secrecy__loss_ends_without_reaching_the_target() -> None:
    bench = Bench(suites=(LOSS,), floor=LOSS, target_bits=64)
    bench.reach(2)
    bench.hear(range(60))
    bench.wait(60)
    assert bench.connect()[0] == FrameType.NAK
    failed(bench, Cause.LOW_SECRECY, NakReason.TOO_FEW)


def test_cause_low_secrecy__the_device_left_out_what_was_needed() -> None:
    """Nineteen packets reach six bits at 20 %, sixteen do not."""
    bench = Bench(target_bits=6)
    bench.reach(2)
    response = bench.respond(range(19))
    bench.receive(bench.device.confess(response, [*range(16)], []))
    failed(bench, Cause.LOW_SECRECY, NakReason.TOO_FEW)


def test_cause_conflicts__too_many_at_the_end() -> None:
    bench = Bench(n_max=64, target_bits=64)
    bench.reach(2)
    bench.hear(range(40))
    bench.forge(range(limits.CONFLICTS_MIN_CAP + 1))
    bench.wait(60)
    assert bench.connect()[0] == FrameType.NAK
    failed(bench, Cause.CONFLICTS, NakReason.CONFLICTS)


def test_cause_conflicts__more_than_any_set_may_have() -> None:
    bench = Bench(n_max=512, minimum=200, packets=512)
    bench.reach(2)
    bench.hear(range(limits.CONFLICTS_MAX + 1))
    bench.forge(range(limits.CONFLICTS_MAX))
    assert bench.told(PairingFailed) == []
    bench.forge([limits.CONFLICTS_MAX])
    assert bench.told(PairingFailed) == [PairingFailed(Cause.CONFLICTS, suspicious=False)]


def test_cause_wrong_mac() -> None:
    bench = Bench()
    response = bench.reach(3)[-1]
    bench.receive(spoil(bench.device.take(response)))
    assert bench.told(PairingFailed) == []  # it changes nothing: the right one may still come
    bench.wait(2 * limits.T_2)
    failed(bench, Cause.WRONG_MAC, NakReason.MAC)


def test_cause_no_ack() -> None:
    bench = Bench()
    bench.reach(3)
    bench.wait(2 * limits.T_2)
    failed(bench, Cause.NO_ACK, NakReason.CANCELLED)


def test_cause_no_ack__however_often_the_link_drops() -> None:
    bench = Bench()
    bench.reach(3)
    end = bench.now + limits.CONTACT_TIMEOUT / 2 + 2 * limits.T_2
    while bench.hub.connection.pairing:
        bench.wait(2 * limits.T_2 - 1)
        bench.call("link_closed")
        bench.wait(limits.REQUEST_TIMEOUT - 1)
        bench.call("link_opened", PAYLOAD)
    assert bench.now <= end + limits.REQUEST_TIMEOUT
    assert bench.told(PairingFailed) == [PairingFailed(Cause.NO_ACK, suspicious=False)]


def test_cause_no_open() -> None:
    bench = Bench()
    bench.reach(4)
    bench.wait(2 * limits.T_3)
    failed(bench, Cause.NO_OPEN, NakReason.CANCELLED, suspicious=True)


def test_cause_suite_below_floor() -> None:
    bench = Bench(suites=(LOSS,))
    bench.open()
    bench.receive(bench.device.request.frame)
    failed(bench, Cause.SUITE_BELOW_FLOOR, NakReason.SUITE)


def test_cause_busy__another_negotiation_waits_for_the_user() -> None:
    slot = HumanCheckSlot()
    first, second = Bench(human_check=slot), Bench(human_check=slot, seed=2)
    first.reach(5)
    second.reach(2)
    second.hear(range(ENOUGH))
    assert not second.hub.connection.wants_link
    give_up(second)
    assert second.told(PairingFailed) == [PairingFailed(Cause.BUSY, suspicious=False)]
    second.call("link_opened", PAYLOAD)
    assert Frame.decode(second.frames[-1]).message == bytes([NakReason.BUSY])


def give_up(bench: Bench) -> None:
    """Let time pass until the negotiation ends."""
    while bench.hub.connection.pairing:
        bench.wait(1.0)


def test_who_waits_for_another_ones_code_goes_on_when_that_is_answered() -> None:
    slot = HumanCheckSlot()
    first, second, third = (Bench(human_check=slot, seed=seed) for seed in (1, 2, 3))
    first.reach(5)
    for waiting in (second, third):
        waiting.reach(2)
        waiting.hear(range(ENOUGH))
    first.call("answer", Verdict.DIFFERENT)
    for waiting in (second, third):
        waiting.wait(limits.TURN_STEP)
        assert waiting.hub.connection.wants_link
    ack = second.device.take(second.connect())
    third.call("link_opened", PAYLOAD)  # the second one was faster
    assert third.told(LinkUnneeded) != []
    third.call("link_closed")
    second.receive(second.device.take(second.exchange(ack)))
    assert len(second.told(CodeReady)) == 1
    second.call("answer", Verdict.SAME)
    third.wait(limits.TURN_STEP)
    third.receive(third.device.take(third.exchange(third.device.take(third.connect()))))
    assert len(third.told(CodeReady)) == 1


def test_a_link_that_drops_before_ack_gives_the_turn_away() -> None:
    slot = HumanCheckSlot()
    first = Bench(human_check=slot)
    first.reach(3)
    assert not slot.is_free
    first.call("link_closed")
    assert slot.is_free


def test_cause_busy__too_many_keys() -> None:
    """Six keys: e*, e', answered ones, one pending; a seventh is refused."""
    store, writes = Store(), []
    for seed in range(1, limits.KEYS_MAX + 1):
        bench = Bench(seed=seed, store=store)
        bench.pair()
        writes.append(store.writes)
    assert len(bench.store.snapshot["pairings"]) == limits.KEYS_MAX  # type: ignore[index]  # it was written
    bench = Bench(seed=99, store=store)
    bench.open()
    bench.receive(bench.device.request.frame)
    assert bench.told(PairingFailed) == [PairingFailed(Cause.BUSY, suspicious=False)]
    assert Frame.decode(bench.frames[-1]).message == bytes([NakReason.BUSY])
    assert store.writes == writes[-1]


def test_cause_wrong_device() -> None:
    store = Store()
    Bench(store=store).pair()
    bench = Bench(seed=2, store=store)
    bench.open()
    frame = bytearray(bench.device.request.frame)
    frame[8 + 2] ^= 1
    bench.receive(bytes(frame))
    assert bench.told(PairingFailed) == [PairingFailed(Cause.WRONG_DEVICE, suspicious=False)]
    assert Frame.decode(bench.frames[-1]).message == bytes([NakReason.CANCELLED])


@pytest.mark.parametrize("step", [2, 3])
def test_cause_cancelled(step: int) -> None:
    bench = Bench()
    bench.reach(step)
    bench.call("link_opened", PAYLOAD)
    bench.call("cancel_pairing")
    failed(bench, Cause.CANCELLED, NakReason.CANCELLED)


def test_cause_cancelled__before_anybody_asked() -> None:
    bench = Bench()
    bench.call("open_pairing")
    bench.call("cancel_pairing")
    failed(bench, Cause.CANCELLED, None)
    assert not bench.hub.connection.wants_link
    bench.call("cancel_pairing")
    assert len(bench.told(PairingFailed)) == 1


def test_cause_cancelled__after_end_it_is_suspicious() -> None:
    bench = Bench()
    bench.reach(4)
    bench.call("cancel_pairing")
    failed(bench, Cause.CANCELLED, NakReason.CANCELLED, suspicious=True)


def test_cause_cancelled__home_assistant_stops_while_the_user_compares() -> None:
    bench = Bench()
    bench.reach(5)
    bench.call("stop")
    failed(bench, Cause.CANCELLED, None, suspicious=True)


def test_cause_different_code() -> None:
    bench = Bench()
    bench.reach(5)
    bench.call("answer", Verdict.DIFFERENT)
    failed(bench, Cause.DIFFERENT_CODE, None, suspicious=True)  # OPEN's sender ignores NAK


def test_cause_no_answer() -> None:
    bench = Bench()
    bench.reach(5)
    bench.wait(limits.PENDING_LIFETIME - 0.1)
    assert bench.told(PairingFailed) == []
    bench.wait(0.1)
    failed(bench, Cause.NO_ANSWER, None, suspicious=True)


def test_cause_not_stored() -> None:
    bench = Bench()
    bench.reach(5)
    connection, before = bench.hub.connection, len(bench.frames)
    connection.answer(Verdict.SAME, 0)
    connection.events()
    connection.persist_failed(0)
    assert connection.events() == [PairingFailed(Cause.NOT_STORED, suspicious=False), StoreFailed()]
    assert len(bench.frames) == before


def test_cause_not_stored__another_write_failed_while_the_device_was_pairing_again() -> None:
    bench = Bench()
    bench.pair()
    bench.call("open_pairing")
    connection = bench.hub.connection
    connection.send(2, b"x", 0)
    connection.events()
    connection.persist_failed(0)
    assert connection.events() == [PairingFailed(Cause.NOT_STORED, suspicious=False), StoreFailed()]
