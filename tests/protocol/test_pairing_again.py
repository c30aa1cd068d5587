"""What becomes of messages and links when a device pairs again (protocol.md 5 rule 7)."""

import random
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import (
    CodeReady,
    LinkUnneeded,
    MessageAbandoned,
    MessageDelivered,
    PairingFailed,
    ResumeFailed,
    Verdict,
)
from custom_components.self_secure.protocol.packets import FrameType

from .bench import Bench
from .couple import PATIENCE, Couple
from .renewal import Renewing


@pytest.fixture
def couple() -> Couple:
    return Couple()


@pytest.fixture
def paired(couple: Couple) -> Couple:
    couple.pair()
    return couple


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
