"""The queue of a connection: order, bounds, acknowledgements, and its end (protocol.md 6)."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import (
    LocalError,
    MessageTooLargeError,
    NotPairedError,
    QueueFullError,
    StoppedError,
)
from custom_components.self_secure.protocol.events import (
    FrameDropped,
    MessageAbandoned,
    MessageDelayed,
    MessageDelivered,
    MessageReceived,
    MessageType,
    Persist,
)
from custom_components.self_secure.protocol.packets import Frame, FrameType

from .bench import PAYLOAD, Bench
from .frozen import freeze
from .renewal import Renewing

# --- the queue of a connection


def test_send_needs_a_key() -> None:
    with pytest.raises(NotPairedError):
        Bench().hub.connection.send(MessageType.TEXT, b"", 0)


@pytest.mark.parametrize("kind", [0, MessageType.VERIFIED, 0x0B, 256, -1])
def test_send_takes_known_types(talking: Renewing, kind: int) -> None:
    with pytest.raises(LocalError):
        talking.bench.hub.connection.send(kind, b"", 0)


def test_the_longest_body_and_one_more(talking: Renewing) -> None:
    connection = talking.bench.hub.connection
    with pytest.raises(MessageTooLargeError):
        connection.send(MessageType.BYTES, bytes(limits.BODY_MAX + 1), 0)
    talking.bench.call("send", MessageType.BYTES, bytes(limits.BODY_MAX))
    talking.acknowledge()
    assert len(talking.bench.frames[-1]) == limits.FRAME_MAX
    assert len(talking.bench.told(MessageDelivered)) == 1


def test_64_messages_wait_and_one_more_does_not(talking: Renewing) -> None:
    talking.bench.call("link_closed")
    for _ in range(limits.QUEUE_MAX):
        talking.bench.call("send", MessageType.TEXT, b"x")
    assert talking.bench.hub.connection.queued == limits.QUEUE_MAX
    with pytest.raises(QueueFullError):
        talking.bench.hub.connection.send(MessageType.TEXT, b"x", 0)


def test_first_in_first_out_and_one_at_a_time(talking: Renewing) -> None:
    bench = talking.bench
    before = len(bench.frames)
    for body in (b"1", b"2", b"3"):
        bench.call("send", MessageType.TEXT, body)
    for count in (1, 2, 3):
        assert len(bench.frames) - before == count
        talking.acknowledge()
    assert [(event.handle, event.attempts) for event in bench.told(MessageDelivered)] == [(1, 1), (2, 1), (3, 1)]
    assert [event.id for event in bench.told(MessageDelivered)] == [2, 3, 4]  # VERIFIED was 1
    assert bench.hub.connection.queued == 0


def test_a_greeting_that_was_lost_is_no_message_that_waits(talking: Renewing) -> None:
    """It has nothing to say: whoever reads the diagnostics is not told that something waits."""
    bench = talking.bench
    bench.call("link_closed")
    bench.call("beacon_seen", 2)
    bench.call("link_opened", 244)
    before = len(bench.frames)
    bench.wait(limits.GREETING_DELAY)
    assert [raw[0] for raw in bench.frames[before:]] == [FrameType.DATA]
    bench.call("link_closed")
    assert bench.hub.connection.queued == 0
    bench.call("send", MessageType.TEXT, b"1")
    assert bench.hub.connection.queued == 1


def test_delivery_tells_attempts_and_seconds(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"1")
    bench.wait(3.0)
    bench.now += 0.5
    talking.acknowledge()
    (delivered,) = bench.told(MessageDelivered)
    assert (delivered.attempts, delivered.seconds) == (2, 3.5)


def test_an_unanswered_message_goes_out_omega_times_and_is_told(talking: Renewing) -> None:
    bench = talking.bench
    before = len(bench.frames)
    bench.call("send", MessageType.TEXT, b"1")
    for _ in range(6):
        bench.wait(limits.RTO_MAX)
    sent = [raw for raw in bench.frames[before:] if raw[0] == FrameType.DATA]
    assert [Frame.decode(raw).retran for raw in sent] == [0, 1, 2, 3, 4, 5]
    assert bench.told(MessageDelayed) == [MessageDelayed(1, 6)]
    assert bench.frames[-1][0] == FrameType.R0  # a frozen chain is resumed
    assert bench.hub.connection.queued == 1


def test_attempt_numbers_go_on_over_reconnects(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"1")
    attempts = [Frame.decode(talking.reconnect()).retran for _ in range(5)]
    assert attempts == [1, 2, 3, 4, 5]
    assert talking.reconnect()[0] == FrameType.R0


def test_a_dropped_connection_continues_the_chain(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"1")
    retry = talking.reconnect()
    assert retry[0] == FrameType.DATA
    talking.deliver(talking.accept(retry))
    assert len(bench.told(MessageDelivered)) == 1
    assert bench.told(MessageDelivered)[0].attempts == 2


def test_a_message_of_the_device_is_delivered_once(talking: Renewing) -> None:
    bench = talking.bench
    raw = talking.data(MessageType.TEXT, b"on")
    dack = bench.exchange(raw)
    assert bench.exchange(raw) == dack
    assert bench.exchange(talking.again()) == dack
    assert [(event.type, event.body) for event in bench.told(MessageReceived)] == [(MessageType.TEXT, b"on")]
    talking.settle(dack)
    assert bench.hub.connection.statistics.duplicates == 2
    assert bench.hub.connection.statistics.received == 1


def test_what_is_not_above_the_mark_is_acknowledged_and_dropped(talking: Renewing) -> None:
    bench = talking.bench
    for number, body in ((5, b"five"), (5, b"again"), (4, b"four"), (6, b"six")):
        talking.settle(bench.exchange(talking.data(MessageType.EVENT, body, number)))
    assert [event.body for event in bench.told(MessageReceived)] == [b"five", b"six"]


@pytest.mark.parametrize("kind", [MessageType.VERIFIED, MessageType.GROUP_SYNC, 0x0B, 0xFF])
def test_what_the_hub_does_not_know_is_acknowledged_and_ignored(talking: Renewing, kind: int) -> None:
    talking.settle(talking.bench.exchange(talking.data(kind, b"?")))
    assert talking.bench.told(MessageReceived) == []


VOLATILE = [MessageType.RELAY, MessageType.ROUTE, MessageType.GROUP_KEY]


@pytest.mark.parametrize("kind", [MessageType.RELAY, MessageType.ROUTE])
def test_what_a_relay_carries_is_delivered_once_and_not_written(talking: Renewing, kind: int) -> None:
    bench = talking.bench
    writes = bench.store.writes
    raw = talking.data(kind, b"\x00\x01carried")
    dack = bench.exchange(raw)
    assert bench.exchange(raw) == dack
    assert [(event.type, event.body) for event in bench.told(MessageReceived)] == [(kind, b"\x00\x01carried")]
    assert bench.store.writes == writes


@pytest.mark.parametrize("kind", VOLATILE)
def test_what_is_volatile_is_sent_and_never_on_disk(talking: Renewing, kind: int) -> None:
    bench = talking.bench
    writes, sent = bench.store.writes, len(bench.frames)
    bench.call("send", kind, b"\x00\x01once")
    assert bench.frames[sent][0] == FrameType.DATA
    assert bench.hub.connection.wants_link
    talking.acknowledge()
    assert (len(bench.told(MessageDelivered)), bench.store.writes) == (1, writes)


@pytest.mark.parametrize("kind", VOLATILE)
def test_a_restart_loses_what_is_volatile_and_nothing_else(talking: Renewing, kind: int) -> None:
    bench = talking.bench
    bench.call("link_closed")
    bench.call("send", kind, b"\x00\x01once")
    bench.call("send", MessageType.TEXT, b"kept")
    assert bench.store.snapshot is not None
    assert [row["type"] for row in bench.store.snapshot["queue"]] == [MessageType.TEXT]
    talking.restart()
    assert talking.bench.hub.connection.queued == 1


def test_what_was_not_sent_of_a_path_ends_with_the_connection(talking: Renewing) -> None:
    bench = talking.bench
    kinds = (MessageType.ROUTE, MessageType.RELAY, MessageType.TEXT, MessageType.RELAY, MessageType.GROUP_KEY)
    for kind in kinds:
        bench.call("send", kind, b"\x00\x01")
    bench.call("link_closed")
    assert [event.handle for event in bench.told(MessageAbandoned)] == [2, 4]  # ROUTE is outstanding: its slot keeps it
    assert bench.hub.connection.queued == 3
    retry = talking.reconnect()
    talking.deliver(talking.accept(retry))
    talking.acknowledge()
    talking.acknowledge()
    assert [event.handle for event in bench.told(MessageDelivered)] == [1, 3, 5]


def test_a_link_is_wanted_while_something_waits(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("link_closed")
    assert not bench.hub.connection.wants_link
    bench.call("send", MessageType.TEXT, b"1")
    assert bench.hub.connection.wants_link
    bench.call("link_opened", PAYLOAD)
    talking.acknowledge()
    assert not bench.hub.connection.wants_link


def test_without_a_link_no_answer_is_timed(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("send", MessageType.TEXT, b"1")
    bench.call("link_closed")
    assert bench.hub.connection.next_deadline == limits.EPOCH_SECONDS


@pytest.mark.parametrize(("state", "wanted"), [(0, False), (1, False), (2, True), (3, True)])
def test_a_beacon_can_only_cause_a_contact(talking: Renewing, state: int, wanted: bool) -> None:
    bench = talking.bench
    bench.call("beacon_seen", state)
    bench.call("link_closed")
    assert not bench.hub.connection.wants_link  # a beacon during a connection says nothing
    bench.call("beacon_seen", state)
    assert bench.hub.connection.wants_link is wanted
    before = len(bench.frames)
    bench.call("link_opened", PAYLOAD)
    assert [raw[0] for raw in bench.frames[before:]] == [FrameType.R0] * (state == 3)


def test_a_beacon_of_a_stranger_means_nothing() -> None:
    bench = Bench()
    bench.call("beacon_seen", 3)
    assert not bench.hub.connection.wants_link


def test_garbage_is_counted_and_changes_nothing(talking: Renewing) -> None:
    bench = talking.bench
    before = freeze(bench.hub.connection)
    for raw in (b"\xff" * 40, b"", b"\x10", bytes(8), b"\x99" * 900):
        bench.call("receive", b"\x80" + raw)
    assert freeze(bench.hub.connection._messaging) == freeze(bench.hub.connection._messaging)
    assert len(bench.told(FrameDropped)) == 4
    assert bench.hub.connection.statistics.dropped == 5
    bench.hub.connection._wire._reassembler.discarded = 0
    assert freeze(bench.hub.connection) == before


# --- stopping


def test_after_stop_nothing_is_sent_and_nothing_changes(talking: Renewing) -> None:
    bench = talking.bench
    bench.call("stop")
    before, sent, writes = freeze(bench.hub.connection), len(bench.frames), bench.store.writes
    bench.receive(talking.data(MessageType.EVENT, b"x"))
    bench.wait(1e6)
    bench.call("link_closed")
    bench.call("link_opened", PAYLOAD)
    assert (len(bench.frames), bench.store.writes) == (sent, writes)
    assert bench.hub.connection.next_deadline is None
    assert not bench.hub.connection.wants_link
    bench.hub.connection._wire.open(PAYLOAD)
    assert freeze(bench.hub.connection) == before


@pytest.mark.parametrize(("name", "arguments"), [("send", (2, b"")), ("rotate", ()), ("open_pairing", ())])
def test_after_stop_nothing_is_taken(talking: Renewing, name: str, arguments: tuple[object, ...]) -> None:
    talking.bench.call("stop")
    with pytest.raises(StoppedError):
        getattr(talking.bench.hub.connection, name)(*arguments, 0)


def test_stop_writes_what_is_true(talking: Renewing) -> None:
    """Nothing is lost, and nothing that was delivered stays on the disk."""
    connection = talking.bench.hub.connection
    connection._messaging.memory.changed()  # type: ignore[union-attr]  # it is paired
    connection.stop(0)
    assert [type(event) for event in connection.events()] == [Persist]
    connection.stop(0)
    connection.persisted(0)
    assert connection.events() == []
