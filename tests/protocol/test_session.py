"""Stop and wait (protocol.md 6): the hub's chains against the device's, and the queue of a connection."""

import random

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import (
    AuthenticationError,
    LocalError,
    MalformedError,
    MessageTooLargeError,
    NotPairedError,
    QueueFullError,
    RemoteError,
    StoppedError,
    UnexpectedError,
)
from custom_components.self_secure.protocol.events import (
    FrameDropped,
    MessageDelayed,
    MessageDelivered,
    MessageReceived,
    MessageType,
    Persist,
)
from custom_components.self_secure.protocol.keys import NO_DIGEST, RootKey, StoreKey
from custom_components.self_secure.protocol.packets import Frame, FrameType
from custom_components.self_secure.protocol.session import Outgoing, RoundTrip, Session
from custom_components.self_secure.protocol.suites import HYBRID
from custom_components.self_secure.protocol.tables import SenderState
from self_secure_device import frames, suites
from self_secure_device.session import Session as DeviceSession, encode_text

from .bench import PAYLOAD, Bench, spoil
from .frozen import freeze
from .renewal import Renewing

ROOT, EPOCH, OMEGA = bytes(range(32)), 7, 5
RANDS = [bytes([number]) * 16 for number in range(256)]


@pytest.fixture
def hub() -> Session:
    return Session(HYBRID, RootKey(ROOT), EPOCH, OMEGA, 0.0)


@pytest.fixture
def device() -> DeviceSession:
    return DeviceSession(suites.HYBRID, EPOCH, ROOT)


def message(body: bytes = b"body") -> Outgoing:
    return Outgoing(1, MessageType.TEXT, body, 1)


def accept(device: DeviceSession, raw: bytes) -> bytes:
    accepted = device.receiver.open(frames.decode(raw), RANDS[99])
    device.receiver.commit(accepted)
    return bytes(accepted.dack)


def said(device: DeviceSession, body: bytes = b"body") -> bytes:
    device.sender.load(encode_text(MessageType.TEXT, device.next_number(), body))
    return bytes(device.sender.attempt(RANDS[50], 0))


# --- the chains


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, limits.BODY_MAX])
def test_messages_go_both_ways_and_the_chains_stay_equal(hub: Session, device: DeviceSession, size: int) -> None:
    for number in range(3):
        raw = hub.sending.begin(message(bytes(size)), RANDS[number], 0)
        hub.on_dack(Frame.decode(accept(device, raw)), 1.0)
        incoming, dack = hub.on_data(Frame.decode(said(device, bytes(size))), RANDS[60])
        device.sender.acknowledge(frames.decode(dack))
        assert incoming is not None
        assert (incoming.type, incoming.id, incoming.body) == (MessageType.TEXT, EPOCH << 32 | number + 1, bytes(size))
    assert hub.sending.chain.raw == device.receiver.chain
    assert hub.receiving.chain.raw == device.sender.chain
    assert hub.messages == 6


def test_the_dack_names_the_attempt_that_was_accepted(hub: Session, device: DeviceSession) -> None:
    """The first acknowledgement is late: the chain steps by attempt 0 although attempt 2 is on the air."""
    first = hub.sending.begin(message(), RANDS[0], 0)
    dack = accept(device, first)
    retries = [hub.sending.retry(RANDS[number], number) for number in (1, 2)]
    assert len({first, *retries}) == 3
    assert Frame.decode(dack).retran == 0
    hub.on_dack(Frame.decode(dack), 3.0)
    assert hub.sending.chain.raw == device.receiver.chain


def test_a_later_attempt_can_be_the_accepted_one(hub: Session, device: DeviceSession) -> None:
    hub.sending.begin(message(), RANDS[0], 0)
    second = hub.sending.retry(RANDS[1], 1) or b""
    hub.on_dack(Frame.decode(accept(device, second)), 2.0)
    assert hub.sending.chain.raw == device.receiver.chain


def test_every_attempt_has_a_key_of_its_own(hub: Session) -> None:
    """Even with the same Rand no two attempts have the same ciphertext."""
    first = hub.sending.begin(message(), RANDS[0], 0)
    retries = [hub.sending.retry(RANDS[0], 0) or b"" for _ in range(OMEGA)]
    assert len({raw[8:-16] for raw in [first, *retries]}) == OMEGA + 1
    assert [Frame.decode(raw).retran for raw in retries] == [1, 2, 3, 4, 5]


def test_a_dack_fits_only_its_attempt(hub: Session, device: DeviceSession) -> None:
    dack = bytearray(accept(device, hub.sending.begin(message(), RANDS[0], 0)))
    hub.sending.retry(RANDS[1], 1)
    dack[1] = 1
    before = freeze(hub)
    with pytest.raises(AuthenticationError):
        hub.on_dack(Frame.decode(bytes(dack)), 2.0)
    assert freeze(hub) == before


@pytest.mark.parametrize(("at", "error"), [(1, UnexpectedError), (7, UnexpectedError), (8, AuthenticationError), (-1, AuthenticationError)])
def test_a_dack_with_a_flipped_bit_changes_nothing(hub: Session, device: DeviceSession, at: int, error: type[Exception]) -> None:
    dack = accept(device, hub.sending.begin(message(), RANDS[0], 0))
    before = freeze(hub)
    with pytest.raises(error):
        hub.on_dack(Frame.decode(spoil(dack, at)), 1.0)
    assert freeze(hub) == before


def test_a_dack_of_another_length_changes_nothing(hub: Session) -> None:
    hub.sending.begin(message(), RANDS[0], 0)
    with pytest.raises(MalformedError):
        hub.on_dack(Frame(FrameType.DACK, bytes(15), bytes(16)), 1.0)


def test_nothing_is_outstanding_nothing_is_acknowledged(hub: Session) -> None:
    with pytest.raises(UnexpectedError):
        hub.on_dack(Frame(FrameType.DACK, bytes(16), bytes(16)), 1.0)


@pytest.mark.parametrize("at", [1, 7, 8, 30, -1])
def test_data_with_a_flipped_bit_changes_nothing(hub: Session, device: DeviceSession, at: int) -> None:
    raw = said(device)
    before = freeze(hub)
    with pytest.raises((AuthenticationError, UnexpectedError)):
        hub.on_data(Frame.decode(spoil(raw, at)), RANDS[60])
    assert freeze(hub) == before


def test_a_duplicate_gets_the_stored_dack(hub: Session, device: DeviceSession) -> None:
    raw = said(device)
    _, dack = hub.on_data(Frame.decode(raw), RANDS[60])
    before = freeze(hub)
    assert hub.on_data(Frame.decode(raw), RANDS[61]) == (None, dack)
    retry = bytes(device.sender.attempt(RANDS[51], 0))  # its acknowledgement was lost
    assert hub.on_data(Frame.decode(retry), RANDS[62]) == (None, dack)
    assert freeze(hub) == before
    device.sender.acknowledge(frames.decode(dack))
    assert hub.receiving.chain.raw == device.sender.chain


def test_a_forged_duplicate_gets_nothing(hub: Session, device: DeviceSession) -> None:
    raw = said(device)
    hub.on_data(Frame.decode(raw), RANDS[60])
    before = freeze(hub)
    with pytest.raises(RemoteError):
        hub.on_data(Frame.decode(spoil(raw)), RANDS[61])
    assert freeze(hub) == before


def test_only_the_last_message_and_the_next_one_are_heard(hub: Session, device: DeviceSession) -> None:
    said_before = []
    for _ in range(2):
        said_before.append(said(device))
        _, dack = hub.on_data(Frame.decode(said_before[-1]), RANDS[60])
        device.sender.acknowledge(frames.decode(dack))
    with pytest.raises(UnexpectedError):
        hub.on_data(Frame.decode(said_before[0]), RANDS[61])
    ahead = bytearray(said(device))
    ahead[7] += 1
    with pytest.raises(UnexpectedError):
        hub.on_data(Frame.decode(bytes(ahead)), RANDS[61])


def test_another_epoch_does_not_verify(hub: Session) -> None:
    raw = said(DeviceSession(suites.HYBRID, EPOCH + 1, ROOT))
    with pytest.raises(AuthenticationError):
        hub.on_data(Frame.decode(raw), RANDS[60])


def test_data_without_type_and_id_is_malformed(hub: Session, device: DeviceSession) -> None:
    device.sender.load(b"12345678")
    with pytest.raises(MalformedError):
        hub.on_data(Frame.decode(bytes(device.sender.attempt(RANDS[50], 0))), RANDS[60])


def test_a_message_of_the_hub_is_not_one_of_the_device(hub: Session) -> None:
    """Directions have chains of their own: nothing can be reflected."""
    raw = hub.sending.begin(message(), RANDS[0], 0)
    with pytest.raises(AuthenticationError):
        hub.on_data(Frame.decode(raw), RANDS[60])


# --- attempts and time


def test_after_omega_the_chain_is_frozen(hub: Session) -> None:
    hub.sending.begin(message(), RANDS[0], 0)
    assert [hub.sending.retry(RANDS[1], 1) is None for _ in range(OMEGA + 1)] == [False] * OMEGA + [True]
    assert (hub.sending.state, hub.sending.deadline) == (SenderState.FROZEN, None)


def test_a_late_dack_delivers_on_a_frozen_chain(hub: Session, device: DeviceSession) -> None:
    out = message()
    raw = hub.sending.begin(out, RANDS[0], 0)
    for _ in range(OMEGA + 1):
        hub.sending.retry(RANDS[1], 1)
    assert hub.on_dack(Frame.decode(accept(device, raw)), 9.0) is out
    assert hub.sending.state is SenderState.FROZEN


def test_round_trip_is_rfc_6298() -> None:
    trip = RoundTrip()
    assert trip.timeout == limits.RTO_FIRST
    trip.sample(1.0)
    assert trip.timeout == pytest.approx(1 + 4 * 0.5)
    trip.sample(2.0)
    assert trip.timeout == pytest.approx(1.125 + 4 * (0.5 + (1 - 0.5) / 4))


@pytest.mark.parametrize(("sample", "timeout"), [(0.001, limits.RTO_MIN), (100.0, limits.RTO_MAX)])
def test_rto_is_bounded(sample: float, timeout: float) -> None:
    trip = RoundTrip()
    for _ in range(50):
        trip.sample(sample)
    assert trip.timeout == timeout


def test_an_acknowledgement_that_waited_for_the_next_link_does_not_spoil_the_round_trip(hub: Session, device: DeviceSession) -> None:
    hub.on_dack(Frame.decode(accept(device, hub.sending.begin(message(), RANDS[0], 0))), 7200.0)
    for _ in range(60):
        hub.on_dack(Frame.decode(accept(device, hub.sending.begin(message(), RANDS[0], 0))), 0.01)
    assert hub.sending.round_trip.timeout < limits.RTO_FIRST


# --- what resume gets of it


def test_live_digests_are_zero_while_a_message_of_ours_is_unacknowledged(hub: Session, device: DeviceSession) -> None:
    assert hub.live()[0] != NO_DIGEST
    raw = hub.sending.begin(message(), RANDS[0], 0)
    assert hub.live() == (NO_DIGEST, b"")
    for _ in range(OMEGA + 1):
        hub.sending.retry(RANDS[1], 1)
    assert hub.live() == (NO_DIGEST, b"")
    hub.on_dack(Frame.decode(accept(device, raw)), 1.0)
    assert hub.live()[0] != NO_DIGEST


def test_live_steps_with_each_direction(hub: Session, device: DeviceSession) -> None:
    seen = [hub.live()]
    hub.on_dack(Frame.decode(accept(device, hub.sending.begin(message(), RANDS[0], 0))), 1.0)
    seen.append(hub.live())
    hub.on_data(Frame.decode(said(device)), RANDS[60])
    seen.append(hub.live())
    assert len(set(seen)) == 3


def test_repr_shows_neither_body_nor_key(hub: Session, device: DeviceSession) -> None:
    out = message(b"secret")
    hub.sending.begin(out, RANDS[0], 0)
    incoming, _ = hub.on_data(Frame.decode(said(device, b"secret")), RANDS[60])
    shown = repr(out) + repr(incoming) + repr(hub.sending._attempts) + repr(hub.receiving._previous)
    assert "secret" not in shown
    assert repr(RANDS[0]) not in shown
    assert repr(StoreKey(ROOT)) == "<StoreKey>"


# --- the queue of a connection


@pytest.fixture
def talking() -> Renewing:
    return Renewing.paired(random.Random(5))


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
