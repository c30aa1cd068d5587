"""Persist, then send: nothing derived from a state leaves before that state is durable (protocol.md 7)."""

from collections.abc import Callable
import json
import random

import pytest

from custom_components.self_secure.protocol.connection import Connection
from custom_components.self_secure.protocol.errors import StoppedError
from custom_components.self_secure.protocol.events import (
    EpochStarted,
    Event,
    FrameDropped,
    LinkUnneeded,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    Persist,
    StoreFailed,
    Transmit,
    Verdict,
)
from custom_components.self_secure.protocol.outbox import Outbox
from custom_components.self_secure.protocol.packets import FrameType

from .bench import LOSS, PAYLOAD, Bench
from .renewal import Renewing

PERSIST = Persist({})
SENT = Transmit(b"\x80x")


def kinds(events: list[Event]) -> list[type]:
    return [type(event) for event in events]


# --- the outbox alone


def test_a_persist_is_the_last_until_it_is_written() -> None:
    outbox = Outbox()
    outbox.put(LinkUnneeded(), PERSIST, SENT)
    assert outbox.drain() == [LinkUnneeded(), PERSIST]
    assert outbox.drain() == []
    outbox.put(LinkUnneeded())
    assert outbox.drain() == []
    outbox.written()
    assert outbox.drain() == [SENT, LinkUnneeded()]


def test_two_writes_in_a_row() -> None:
    outbox = Outbox()
    outbox.put(PERSIST, PERSIST, SENT)
    assert outbox.drain() == [PERSIST]
    outbox.written()
    assert outbox.drain() == [PERSIST]
    outbox.written()
    assert outbox.drain() == [SENT]


def test_after_a_failed_write_nothing_leaves() -> None:
    outbox = Outbox()
    outbox.put(PERSIST, SENT)
    outbox.drain()
    assert outbox.discard() == [SENT]
    assert outbox.drain() == []


# --- the order of each write


def connection_of(bench: Bench) -> Connection:
    connection: Connection = bench.hub.connection
    return connection


def written_first(connection: Connection) -> tuple[list[Event], str, list[Event]]:
    """Return what may be done before the write, what is written, and what the write releases."""
    before = connection.events()
    assert isinstance(before[-1], Persist)
    text = json.dumps(before[-1].snapshot)
    assert connection.events() == []
    connection.persisted(0)
    return before[:-1], text, connection.events()


def frame_types(events: list[Event]) -> list[int]:
    return [event.fragment[1] for event in events if isinstance(event, Transmit)]


def test_the_answer_is_on_disk_before_verified_leaves() -> None:
    bench = Bench()
    bench.reach(5)
    connection = connection_of(bench)
    connection.answer(Verdict.SAME, 0)
    before, text, after = written_first(connection)
    assert before == []
    assert '"body": "01"' in text
    assert kinds(after) == [EpochStarted, PairingCompleted, Transmit]


def test_without_a_code_too() -> None:
    bench = Bench(suites=(LOSS,), floor=LOSS)
    opened = bench.device.take(bench.reach(4)[-1])
    connection = connection_of(bench)
    connection.receive(b"\x80" + opened, 0)
    before, _, after = written_first(connection)
    assert before == []
    assert kinds(after) == [EpochStarted, PairingCompleted, Transmit]


def test_the_id_is_on_disk_before_the_first_sending() -> None:
    talking = Renewing.paired(random.Random(1))
    connection = connection_of(talking.bench)
    connection.send(MessageType.TEXT, b"x", 0)
    before, text, after = written_first(connection)
    assert before == []
    assert '"id": 2' in text
    assert frame_types(after) == [FrameType.DATA]


def test_a_message_that_has_to_wait_is_on_disk_too() -> None:
    talking = Renewing.paired(random.Random(1))
    talking.bench.call("link_closed")
    connection = connection_of(talking.bench)
    connection.send(MessageType.TEXT, b"x", 0)
    _, text, after = written_first(connection)
    assert '"id": null' in text
    assert after == []


def test_a_retransmission_writes_nothing() -> None:
    talking = Renewing.paired(random.Random(1))
    talking.bench.call("send", MessageType.TEXT, b"x")
    connection = connection_of(talking.bench)
    connection.timer(5.0)
    assert frame_types(connection.events()) == [FrameType.DATA]


def test_the_mark_is_on_disk_before_the_command_and_its_acknowledgement() -> None:
    talking = Renewing.paired(random.Random(1))
    connection = connection_of(talking.bench)
    connection.receive(b"\x80" + talking.data(MessageType.EVENT, b"x"), 0)
    before, text, after = written_first(connection)
    assert before == []
    assert '"mark": 1' in text
    assert kinds(after) == [MessageReceived, Transmit]
    assert frame_types(after) == [FrameType.DACK]


def test_a_reading_needs_no_write() -> None:
    talking = Renewing.paired(random.Random(1))
    connection = connection_of(talking.bench)
    connection.receive(b"\x80" + talking.data(MessageType.READINGS, b"x"), 0)
    assert kinds(connection.events()) == [MessageReceived, Transmit]


def test_commit_and_mark_are_one_write_before_the_acknowledgement() -> None:
    bench = Bench()
    bench.pair()
    talking = Renewing(bench)
    talking.accept(bench.frames[-1])
    connection = connection_of(bench)
    connection.receive(b"\x80" + talking.data(MessageType.TEXT, b"first"), 0)
    before, text, after = written_first(connection)
    assert before == []
    assert '"committed": true, "mark": 1' in text
    assert frame_types(after) == [FrameType.DACK]


def test_both_keys_are_on_disk_before_r2_and_the_new_one_alone_before_the_new_chains() -> None:
    renewing = Renewing.after_restart(random.Random(1))
    connection = connection_of(renewing.bench)
    connection.send(MessageType.TEXT, b"x", 0)
    written_first(connection)
    connection.receive(b"\x80" + renewing.answer(renewing.hello), 0)
    before, text, after = written_first(connection)
    assert before == []
    assert ('"0": ' in text, '"1": ' in text) == (True, True)
    assert frame_types(after) == [FrameType.R2]
    renewal = renewing.renew(b"".join(event.fragment[1:] for event in after if isinstance(event, Transmit)))
    connection.receive(b"\x80" + renewal.frame, 0)
    before, text, after = written_first(connection)
    assert before == []
    assert ('"0": ' in text, '"1": ' in text) == (False, True)
    assert kinds(after) == [EpochStarted, Persist]  # the id of the next message
    connection.persisted(0)
    assert frame_types(connection.events()) == [FrameType.DATA]


# --- other inputs while a write is under way


def test_what_comes_in_between_waits_behind_the_write() -> None:
    talking = Renewing.paired(random.Random(1))
    connection = connection_of(talking.bench)
    connection.send(MessageType.TEXT, b"x", 0)
    assert kinds(connection.events()) == [Persist]
    connection.receive(b"\x80" + talking.data(MessageType.READINGS, b"reading"), 0)
    connection.receive(b"\x80\x99" + bytes(7), 0)
    assert connection.events() == []
    connection.persisted(0)
    assert kinds(connection.events()) == [Transmit, MessageReceived, Transmit, FrameDropped]


def test_an_earlier_write_does_not_stand_for_the_key() -> None:
    """The user answers while another write is under way; then the key's own write fails."""
    store = Bench()
    store.pair()
    bench = Bench(store=store.store, seed=2)
    bench.reach(5)
    connection = connection_of(bench)
    connection.send(MessageType.TEXT, b"x", 0)
    connection.events()
    connection.answer(Verdict.SAME, 0)
    connection.persisted(0)
    assert kinds(connection.events()) == [Persist]
    connection.persist_failed(0)
    assert kinds(connection.events()) == [PairingFailed, StoreFailed]


def test_a_slow_write_does_not_count_as_a_lost_message() -> None:
    talking = Renewing.paired(random.Random(1))
    connection = connection_of(talking.bench)
    connection.send(MessageType.TEXT, b"x", 10.0)
    connection.events()
    connection.persisted(15.0)
    assert frame_types(connection.events()) == [FrameType.DATA]
    assert (connection.next_deadline or 0) > 15.0


# --- failed writes


def fail_answer(bench: Bench) -> None:
    bench.reach(5)
    connection_of(bench).answer(Verdict.SAME, 0)


def fail_send(bench: Bench) -> None:
    bench.pair()
    Renewing(bench).acknowledge()
    connection_of(bench).send(MessageType.TEXT, b"x", 0)


def fail_command(bench: Bench) -> None:
    bench.pair()
    talking = Renewing(bench)
    talking.acknowledge()
    connection_of(bench).receive(b"\x80" + talking.data(MessageType.EVENT, b"x"), 0)


@pytest.mark.parametrize("step", [fail_answer, fail_send, fail_command])
def test_a_failed_write_stops_the_connection_for_good(step: Callable[[Bench], None]) -> None:
    bench = Bench()
    step(bench)
    connection = connection_of(bench)
    assert kinds(connection.events()) == [Persist]
    connection.persist_failed(0)
    assert kinds(connection.events())[-1] is StoreFailed
    for _ in range(2):
        connection.link_closed(0)
        connection.link_opened(PAYLOAD, 0)
        connection.timer(1e6)
        connection.receive(b"\x80" + bytes(30), 0)
        connection.beacon_seen(3, 0)
        connection.random_packet("here", 0, 0, bytes(20), 0)
    assert connection.events() == []
    assert connection.next_deadline is None
    assert not connection.wants_link
    with pytest.raises(StoppedError):
        connection.send(MessageType.TEXT, b"", 0)
