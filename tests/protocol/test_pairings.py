"""Pending, then committed: one pairing beside another, and who dies in between (protocol.md 5 rule 7)."""

from collections.abc import Callable
import random
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import (
    CodeReady,
    EpochStarted,
    LinkUnneeded,
    MessageAbandoned,
    MessageDelivered,
    PairingCompleted,
    PairingFailed,
    ResumeFailed,
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
    _, entries = keyring.decode(couple.node.stored)
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


# --- messages over a change of the pairing


def test_waiting_messages_get_new_ids_and_arrive_once(paired: Couple) -> None:
    paired.ask()
    paired.world.disconnect()
    paired.restart_hub()
    paired.say("one")
    paired.say("two")
    paired.settle()
    assert paired.node.told("text") == ["one", "two"]


def outstanding() -> tuple[Bench, Renewing]:
    """A message was sent under the old key, its acknowledgement is open, the device is pairing again."""
    bench = Bench()
    bench.pair()
    old = Renewing(bench)
    old.acknowledge()
    bench.call("send", 2, b"sent")
    bench.call("send", 2, b"waits")
    sent = bench.frames[-1]
    old.late = old.accept(sent)
    return bench, old


def pair_again(bench: Bench) -> Renewing:
    """Pair the same device again on the same hub."""
    bench.call("link_closed")
    again = Bench(seed=9)
    bench.device = again.device
    bench.pair()
    return Renewing(bench)


def test_what_was_sent_under_the_old_key_is_not_repeated_under_the_new_one() -> None:
    bench, _ = outstanding()
    new = pair_again(bench)
    assert bench.told(MessageAbandoned) == []  # its acknowledgement may still come
    new.acknowledge()
    assert bench.told(MessageAbandoned) == [MessageAbandoned(1)]
    new.acknowledge()
    assert [event.handle for event in bench.told(MessageDelivered)] == [2]
    assert bench.hub.connection.queued == 0


def test_a_late_acknowledgement_under_the_old_key_still_counts() -> None:
    bench, old = outstanding()
    new = pair_again(bench)
    bench.receive(old.late)
    new.acknowledge()
    new.acknowledge()
    assert [event.handle for event in bench.told(MessageDelivered)] == [1, 2]
    assert bench.told(MessageAbandoned) == []


def test_what_was_sent_before_a_restart_is_abandoned_at_once() -> None:
    bench, _ = outstanding()
    revived = Bench(store=bench.store, seed=3)
    pair_again(revived)
    assert revived.told(MessageAbandoned) == [MessageAbandoned(1)]
    assert revived.hub.connection.queued == 2


def test_a_resume_with_the_older_key_reports_what_its_chain_had_sent() -> None:
    """The new pairing never reached the device; the old chain ends with an open acknowledgement."""
    bench, old = outstanding()
    pair_again(bench)
    bench.call("link_closed")
    bench.call("beacon_seen", 3)
    old.hello = bench.connect()
    old.complete()
    assert bench.told(MessageAbandoned) == [MessageAbandoned(1)]


# --- the link


def test_a_resume_that_fails_while_the_window_is_open_does_not_close_the_link() -> None:
    renewing = Renewing.after_restart(random.Random(1))
    bench = renewing.bench
    bench.call("open_pairing")
    bench.wait(5)
    assert len(bench.told(ResumeFailed)) == 1
    assert bench.told(LinkUnneeded) == []
    bench.receive(bench.device.request.frame)
    assert bench.frames[-1][0] == FrameType.ACC


def test_a_new_pairing_after_a_failed_resume_is_told_on_the_same_link() -> None:
    renewing = Renewing.after_restart(random.Random(1))
    bench = renewing.bench
    bench.wait(5)
    bench.call("open_pairing")
    bench.receive(bench.device.request.frame)
    bench.device.take(bench.frames[-1])
    bench.hear(range(16))
    bench.call("link_closed")
    bench.receive(bench.device.take(bench.connect()))
    bench.receive(bench.device.take(bench.frames[-1]))
    before = len(bench.frames)
    bench.call("answer", Verdict.SAME)
    assert [raw[0] for raw in bench.frames[before:]] == [FrameType.DATA]


def state_of(couple: Couple) -> str | None:
    """Return the state of the device's negotiation."""
    running: Any = couple.node.core._pairing.negotiation
    return getattr(running, "state", None)


STATES = ["requested", "broadcasting", "acknowledged", "opened"]


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("times", [1, 3])
def test_a_link_that_drops_at_any_step_is_taken_up_again(couple: Couple, state: str, times: int) -> None:
    couple.call("open_pairing")
    for _ in range(times):
        couple.world.run(lambda: couple.world.linked and state_of(couple) == state, 30)
        couple.world.disconnect()
    assert couple.world.run(lambda: couple.told(CodeReady) != [], PATIENCE)
    couple.call("answer", Verdict.SAME)
    couple.settle()
    assert couple.node.told("code") == [event.code for event in couple.told(CodeReady)]
    assert couple.told(PairingFailed) == []


def test_many_epochs_in_one_connection() -> None:
    """Three R0 per connection are enough: the hub takes the next connection for the fourth."""
    eager = Couple(w=2)
    eager.pair()
    for number in range(12):
        eager.say(str(number))
    eager.settle()
    assert eager.node.told("text") == [str(number) for number in range(12)]
    assert eager.told(ResumeFailed) == []
    assert eager.hub.connection.statistics.resumes > 3
