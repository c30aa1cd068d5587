"""Stop and wait (protocol.md 6): the hub's chains against the device's."""

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import (
    AuthenticationError,
    MalformedError,
    RemoteError,
    UnexpectedError,
)
from custom_components.self_secure.protocol.events import (
    MessageType,
)
from custom_components.self_secure.protocol.keys import NO_DIGEST, RootKey, StoreKey
from custom_components.self_secure.protocol.packets import Frame, FrameType
from custom_components.self_secure.protocol.session import Outgoing, RoundTrip, Session
from custom_components.self_secure.protocol.suites import HYBRID
from custom_components.self_secure.protocol.tables import SenderState
from self_secure_device import frames, suites
from self_secure_device.session import Session as DeviceSession, encode_text

from .bench import spoil
from .frozen import freeze

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
