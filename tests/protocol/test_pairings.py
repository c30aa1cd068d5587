"""Pending, then committed: one pairing beside another, and who dies in between (protocol.md 5 rule 7)."""

from collections.abc import Callable
import random
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import (
    CodeReady,
    EpochStarted,
    PairingCompleted,
    PairingFailed,
    Verdict,
)
from custom_components.self_secure.protocol.packets import FrameType
from self_secure_device import keyring

from .bench import LOSS, PAYLOAD, Bench
from .couple import PATIENCE, Couple
from .renewal import Renewing


@pytest.fixture
def couple() -> Couple:
    return Couple()


@pytest.fixture
def paired(couple: Couple) -> Couple:
    couple.pair()
    return couple


def pairings(couple: Couple) -> Any:
    """Return (number, committed, epochs) of what is on the hub's disk."""
    assert couple.store.snapshot is not None
    return [(row["number"], row["committed"], sorted(row["keys"])) for row in couple.store.snapshot["pairings"]]


def held_by_device(couple: Couple) -> list[tuple[int, bool, int]]:
    """Return (pairing, committed, epoch) of what is in the device's storage."""
    assert couple.node.stored is not None
    _, entries, _ = keyring.decode(couple.node.stored)
    return [(entry.pairing, entry.committed, entry.epoch) for entry in entries]


def test_both_sides_hold_one_committed_key(paired: Couple) -> None:
    assert pairings(paired) == [(1, True, ["0"])]
    assert held_by_device(paired) == [(1, True, 0)]
    assert paired.node.told("verified") == [True]


def test_suite_loss_pairs_without_a_user() -> None:
    couple = Couple(suites=(LOSS,), floor=LOSS)
    couple.call("open_pairing")
    couple.node.core.pair(0)
    assert couple.world.run(lambda: couple.told(PairingCompleted) != [], PATIENCE)
    couple.settle()
    assert couple.told(CodeReady) == []
    assert couple.node.told("verified") == [False]


# --- before the answer


def test_before_the_answer_nothing_is_written_or_sent(couple: Couple) -> None:
    couple.ask()
    couple.world.run(lambda: False, 30)
    assert couple.store.writes == 0
    assert not couple.world.linked
    assert held_by_device(couple) == [(1, False, 0)]


def test_before_the_answer_the_old_chains_go_on(paired: Couple) -> None:
    paired.ask()
    paired.say("old chain")
    paired.report(b"old chain too")
    assert paired.world.run(lambda: paired.node.told("text") == ["old chain"] and paired.heard == [b"old chain too"], PATIENCE)
    paired.call("answer", Verdict.SAME)
    paired.settle()
    assert pairings(paired) == [(2, True, ["0"])]


@pytest.mark.parametrize("cause", ["restart", "state 3", "rotate"])
def test_before_the_answer_no_resume_is_started(paired: Couple, cause: str) -> None:
    """It would take the new key away from the device."""
    steps: dict[str, Callable[[], None]] = {
        "restart": lambda: None,
        "state 3": lambda: paired.call("beacon_seen", 3),
        "rotate": lambda: paired.call("rotate"),
    }
    {"restart": paired.restart_hub}.get(cause, lambda: None)()
    paired.ask()
    paired.world.disconnect()
    steps[cause]()
    resumed = len(paired.told(EpochStarted))
    paired.world.run(lambda: False, 60)
    assert len(paired.told(EpochStarted)) == resumed
    assert [entry[1] for entry in held_by_device(paired)] == [False, True]
    paired.call("answer", Verdict.SAME)
    paired.settle()
    assert [(entry[0], entry[1]) for entry in held_by_device(paired)] == [(2, True)]


def compare_after_restart() -> Renewing:
    """A restarted hub, its R0 unanswered, pairs the device again; the user compares, the link is closed."""
    renewing = Renewing.after_restart(random.Random(1))
    bench = renewing.bench
    bench.call("open_pairing")
    bench.receive(bench.device.request.frame)
    bench.device.take(bench.frames[-1])
    bench.call("link_closed")
    bench.hear(range(16))
    bench.receive(bench.device.take(bench.connect()))
    bench.receive(bench.device.take(bench.frames[-1]))
    assert len(bench.told(CodeReady)) == 1
    bench.call("link_closed")
    return renewing


def test_a_hub_that_needs_a_resume_wants_no_link_while_the_user_compares() -> None:
    bench = compare_after_restart().bench
    bench.call("send", 2, b"waits")
    assert not bench.hub.connection.wants_link
    before = len(bench.frames)
    bench.call("link_opened", PAYLOAD)
    assert len(bench.frames) == before
    bench.call("link_closed")
    bench.call("answer", Verdict.DIFFERENT)
    assert bench.hub.connection.wants_link
    assert bench.connect()[0] == FrameType.R0


def test_a_device_with_data_is_heard_while_the_user_compares() -> None:
    bench = compare_after_restart().bench
    bench.call("beacon_seen", 2)
    assert bench.hub.connection.wants_link


def test_open_ends_a_running_resume() -> None:
    talking = Renewing.after_restart(random.Random(1))
    bench = talking.bench
    r1 = talking.answer(talking.hello)
    bench.call("open_pairing")
    bench.receive(bench.device.request.frame)
    bench.device.take(bench.frames[-1])
    bench.hear(range(16))
    bench.receive(bench.device.take(bench.connect()))
    bench.receive(bench.device.take(bench.frames[-1]))
    assert len(bench.told(CodeReady)) == 1
    before = len(bench.frames)
    bench.receive(r1)
    assert len(bench.frames) == before


def test_different_erases_the_pending_key_only(paired: Couple) -> None:
    paired.ask()
    writes = paired.store.writes
    paired.call("answer", Verdict.DIFFERENT)
    assert paired.store.writes == writes
    assert pairings(paired) == [(1, True, ["0"])]
    paired.say("old key")
    paired.settle()
    assert paired.node.told("text") == ["old key"]


def test_a_restart_drops_the_pending_key_on_both_sides(paired: Couple) -> None:
    paired.ask()
    paired.restart_hub()
    paired.say("after")
    paired.settle()
    assert pairings(paired) == [(1, True, ["1"])]
    assert held_by_device(paired) == [(1, True, 1)]
    assert paired.node.told("text") == ["after"]
    assert paired.told(PairingFailed) == []  # it died with the hub


def test_while_they_negotiate_the_device_is_heard_and_nothing_is_started() -> None:
    talking = Renewing.paired(random.Random(1))
    bench, device = talking.bench, Bench(seed=9).device
    bench.call("open_pairing")
    bench.device = device
    bench.request()
    response = bench.respond()
    before = len(bench.frames)
    bench.call("send", 2, b"waits")
    assert len(bench.frames) == before
    dack = bench.exchange(talking.data(3, b"heard"))
    assert dack[0] == FrameType.DACK
    bench.receive(device.take(bench.exchange(device.take(response))))
    assert bench.told(CodeReady)[-1].code == device.machine.code


# --- answered, not yet used by the device


def test_an_answered_key_survives_a_restart_and_is_committed_by_a_resume(couple: Couple) -> None:
    couple.ask()
    couple.world.disconnect()
    couple.call("answer", Verdict.SAME)
    couple.restart_hub()
    assert pairings(couple) == [(1, False, ["0"])]
    assert couple.hub.connection.wants_link  # whatever the beacon says
    couple.settle()
    assert pairings(couple) == [(1, True, ["1"])]
    assert held_by_device(couple) == [(1, True, 1)]
    assert couple.node.told("verified") == [True]


def test_a_device_that_restarts_before_verified_gets_it_all_the_same(couple: Couple) -> None:
    couple.ask()
    couple.world.disconnect()
    couple.restart_device()
    couple.call("answer", Verdict.SAME)
    couple.settle()
    assert couple.node.told("verified") == [True]
    assert held_by_device(couple)[0][1]


def test_an_answered_key_stands_beside_the_old_one_until_the_device_uses_it(paired: Couple) -> None:
    paired.ask()
    paired.world.disconnect()
    paired.call("answer", Verdict.SAME)
    assert pairings(paired) == [(2, False, ["0"]), (1, True, ["0"])]
    paired.settle()
    assert pairings(paired) == [(2, True, ["0"])]


def test_a_device_without_the_new_key_goes_on_with_the_old_one(paired: Couple) -> None:
    """Its storage was restored: the hub keeps the newer key, and drops it with nothing but a newer one."""
    before = paired.node.stored
    paired.ask()
    paired.world.disconnect()
    paired.node.stored = before
    paired.restart_device()
    paired.call("answer", Verdict.SAME)
    paired.say("hello")
    assert paired.world.run(lambda: paired.node.told("text") == ["hello"], PATIENCE)
    assert [(number, committed) for number, committed, _ in pairings(paired)] == [(2, False), (1, True)]
    paired.pair()
    assert [(number, committed) for number, committed, _ in pairings(paired)] == [(3, True)]
