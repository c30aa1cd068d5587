"""How a negotiation ends well after all, and what is left behind when it does not (protocol.md 5)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import CodeReady, PairingCompleted, Verdict
from custom_components.self_secure.protocol.packets import FrameType
from custom_components.self_secure.protocol.terms import HumanCheckSlot

from .bench import LOSS, Bench, Store, spoil
from .steps import failed


def test_hybrid_finishes_there_and_records_what_it_reached() -> None:
    bench = Bench(target_bits=64)
    bench.reach(2)
    bench.hear(range(60))
    bench.wait(60)
    response = bench.connect()
    ack = bench.device.take(response)
    bench.receive(bench.device.take(bench.exchange(ack)))
    bench.call("answer", Verdict.SAME)
    (completed,) = bench.told(PairingCompleted)
    assert completed.record.packets == 60
    assert completed.record.secrecy_bits == pytest.approx(60 * 0.32193, rel=1e-4)


def test_a_right_ack_after_a_wrong_one_goes_on() -> None:
    bench = Bench()
    ack = bench.device.take(bench.reach(3)[-1])
    bench.receive(spoil(ack))
    bench.receive(bench.device.take(bench.exchange(ack)))
    assert len(bench.told(CodeReady)) == 1


def test_loss_does_not_wait_for_a_user() -> None:
    slot = HumanCheckSlot()
    Bench(human_check=slot).reach(5)
    second = Bench(human_check=slot, suites=(LOSS,), floor=LOSS)
    second.reach(5)
    assert len(second.told(PairingCompleted)) == 1


def test_a_failed_write_gives_the_human_check_back() -> None:
    slot, store = HumanCheckSlot(), Store()
    Bench(store=store).pair()
    bench = Bench(store=store, seed=2, human_check=slot)
    bench.reach(5)
    bench.hub.connection.send(2, b"x", 0)
    bench.hub.connection.events()
    bench.hub.connection.persist_failed(0)
    assert slot.acquire(object())


def test_the_farewell_is_not_waited_for_for_ever() -> None:
    bench = Bench()
    bench.reach(2)
    bench.call("cancel_pairing")
    assert bench.hub.connection.wants_link
    assert bench.hub.connection.next_deadline == limits.FAREWELL
    bench.wait(limits.FAREWELL)
    assert not bench.hub.connection.wants_link
    failed(bench, Cause.CANCELLED, None)


def test_a_new_window_forgets_the_farewell() -> None:
    bench = Bench()
    bench.reach(2)
    bench.call("cancel_pairing")
    bench.open()
    assert [raw[0] for raw in bench.frames] == [FrameType.ACC]
