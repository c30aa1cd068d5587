"""Each frame once, and the last one again after each dropped link (protocol.md 3, and 5 rule 10)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import (
    CodeReady,
    PairingFailed,
)
from custom_components.self_secure.protocol.packets import FrameType
from custom_components.self_secure.protocol.tables import NegotiationState
from self_secure_device import frames, keys
from self_secure_device.crypto import tag
from self_secure_device.errors import DropError

from .bench import PAYLOAD, Bench, spoil
from .frozen import freeze
from .steps import complete, crowded, dropped

KINDS = [FrameType.REQ, FrameType.ACC, FrameType.RSP, FrameType.ACK, FrameType.END, FrameType.OPEN]

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
    key = machine.suite.confirmation(machine.keys, b"open")
    transcript = keys.transcript_add(machine.transcript, frames.decode(end).head)
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
