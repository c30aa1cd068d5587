"""The relay as responder: from RSP to OPEN, repeats, links that drop, and what is left at the end (protocol.md 5)."""

from typing import Any

import pytest

from self_secure_device import frames, keys
from self_secure_device.agreement import Agreement
from self_secure_device.errors import DropError, FrameError
from self_secure_device.relay import limits, tables
from self_secure_device.suites import Loss
from tests.device.talk import Talk

# --- the agreement


def test_the_pool_of_one_set_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes a hash of every packet: RSP and ACK are mostly about the same ones."""
    pooled: list[int] = []
    pool_key: Any = Loss.pool_key  # untyped, as the whole core

    def counted(suite: Any, transcript: bytes, sid: int, numbers: list[int], random: Any) -> Any:
        pooled.append(len(numbers))
        return pool_key(suite, transcript, sid, numbers, random)

    talk = Talk()
    talk.reach(tables.COLLECTING)
    talk.hear(range(limits.PACKETS))
    ack = talk.far.take(talk.responder.last)
    monkeypatch.setattr(Loss, "pool_key", counted)
    assert talk.give(ack) is not None
    assert pooled == []


def test_tags_are_told_page_by_page() -> None:
    talk = Talk()
    talk.request()
    talk.hear([1], bytes(20))  # forged, and the true one is lost
    talk.hear_until_enough(seq for seq in range(400) if seq % 8 < 4 and seq != 1)
    tags = talk.far.take(talk.responder.last)
    assert frames.decode(tags).kind == frames.TAGS
    answer = talk.give(tags)
    assert answer is not None
    ack = talk.far.take(answer)
    end = talk.give(ack)
    assert end is not None
    assert talk.give(talk.far.take(end)) is None
    assert talk.responder.root == talk.far.machine.take_root()


@pytest.mark.parametrize(("message", "seq"), [(b"x", 0), (b"", 1)])
def test_another_page_is_dropped(message: bytes, seq: int) -> None:
    talk = Talk()
    talk.reach(tables.RESPONDED)
    with pytest.raises(DropError):
        talk.give(frames.encode_head(frames.TAGS, message, seq=seq))


def test_a_page_is_told_once() -> None:
    talk = Talk()
    talk.reach(tables.RESPONDED)
    first = talk.give(frames.encode_head(frames.TAGS, b""))
    assert talk.give(frames.encode_head(frames.TAGS, b"")) == first  # a repeat
    assert talk.responder._pages == 1


@pytest.mark.parametrize("at", [-1, 12])
def test_an_ack_that_does_not_verify_is_dropped(at: int) -> None:
    talk = Talk()
    ack = bytearray(talk.far.take(talk.reach(tables.RESPONDED)))
    ack[at] ^= 1
    with pytest.raises(DropError):
        talk.give(bytes(ack))
    ack[at] ^= 1
    assert talk.give(bytes(ack)) is not None


@pytest.mark.parametrize(("count", "state"), [(64, tables.ENDED), (63, tables.FAILED)])
def test_a_set_that_is_too_small_is_refused(count: int, state: str) -> None:
    talk = Talk()
    response = talk.reach(tables.RESPONDED)
    machine = talk.far.machine
    while machine.next_random() is not None:
        pass
    agreement = Agreement(machine)
    machine.extend(frames.decode(response).head)
    agreement._members, agreement._choices = list(range(count)), []
    talk.give(agreement._acknowledge(0))
    assert talk.responder.state == state


def test_a_set_with_a_stranger_in_it_is_dropped() -> None:
    talk = Talk()
    response = talk.reach(tables.RESPONDED)
    machine = talk.far.machine
    agreement = Agreement(machine)
    machine.extend(frames.decode(response).head)
    agreement._members, agreement._choices = list(range(limits.PACKETS + 1)), []
    with pytest.raises(FrameError):
        talk.give(agreement._acknowledge(0))


@pytest.mark.parametrize("at", [8, -1])
def test_an_open_that_does_not_verify_is_dropped(at: int) -> None:
    talk = Talk()
    opened = bytearray(talk.far.take(talk.reach(tables.ENDED)))
    opened[at] ^= 1
    with pytest.raises(DropError):
        talk.give(bytes(opened))
    assert (talk.responder.state, talk.responder.root) == (tables.ENDED, None)


def test_an_open_of_another_length_is_dropped() -> None:
    talk = Talk()
    talk.reach(tables.ENDED)
    with pytest.raises(DropError):
        talk.give(frames.encode_head(frames.OPEN, bytes(17)) + bytes(16))


@pytest.mark.parametrize("state", [tables.COLLECTING, tables.RESPONDED, tables.ENDED])
def test_a_repeat_gets_the_stored_answer(state: str) -> None:
    talk = Talk()
    accept = talk.reach(state)
    assert talk.give(talk.far.request.frame) is not None
    assert talk.responder.state == state
    assert accept is not None


@pytest.mark.parametrize("kind", [frames.ACK, frames.OPEN, frames.END, frames.NAK])
def test_what_the_state_does_not_allow_is_dropped(kind: int) -> None:
    talk = Talk()
    talk.request()
    with pytest.raises(DropError):
        talk.give(frames.encode_head(kind, bytes(16)) + bytes(0 if kind == frames.NAK else 16))
    assert talk.responder.state == tables.COLLECTING


# --- the link and time


@pytest.mark.parametrize(("state", "milliseconds"), [(tables.RESPONDED, 10_000), (tables.ENDED, 10_000)])
def test_the_last_frame_is_said_again_on_a_new_link(state: str, milliseconds: int) -> None:
    talk = Talk()
    last = talk.reach(state)
    talk.responder.unlinked(talk.now)
    talk.wait(14_999)  # the waiting phase
    assert talk.responder.linked(talk.now) == last
    talk.wait(milliseconds - 1)
    assert talk.responder.state == state
    talk.wait(1)
    assert talk.responder.failure == "timeout"


def test_nobody_asks() -> None:
    talk = Talk()
    assert talk.responder.linked(0) is None
    talk.wait(limits.REQUEST_TIME - 1)
    assert talk.responder.failure is None
    talk.wait(1)
    assert talk.responder.failure == "timeout"


def test_a_link_that_is_lost_before_the_request_has_the_waiting_phase_too() -> None:
    talk = Talk()
    talk.responder.linked(0)
    talk.responder.unlinked(0)
    talk.wait(15_000)
    assert talk.responder.failure == "timeout"


def test_an_end_stays_the_end() -> None:
    talk = Talk()
    talk.give(talk.far.take(talk.reach(tables.ENDED)))
    talk.wait(10_000_000)
    assert talk.responder.state == tables.DONE


@pytest.mark.parametrize("state", [tables.DONE, tables.FAILED])
def test_every_secret_goes_at_the_end(state: str) -> None:
    talk = Talk()
    last = talk.reach(tables.ENDED)
    outcome: dict[str, Any] = {tables.DONE: lambda: talk.give(talk.far.take(last)), tables.FAILED: lambda: talk.responder.fail("timeout")}
    outcome[state]()
    assert talk.responder.state == state
    held = talk.responder
    assert (held._random, held._shared, held._prk, held._pool) == ({}, None, None, None)


def test_the_transcript_is_the_initiator_s() -> None:
    talk = Talk()
    accept = talk.request()
    th_1 = keys.transcript_add(keys.transcript_start(), talk.far.request.frame)
    assert talk.responder._transcript == keys.transcript_add(th_1, accept)
