"""The chains of suite `paper` (protocol.md 8): what verifies and is refused all the same; and W-round keys that nobody has in common."""

from collections.abc import Callable
import struct

import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import (
    AuthenticationError,
    ChainJumpedError,
    LocalError,
    MalformedError,
    RemoteError,
    UnexpectedError,
)
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.keys import ChainKey, StoreKey
from custom_components.self_secure.protocol.packets import Frame, FrameType, Packet, PaperPacket
from custom_components.self_secure.protocol.paper_resume import Life, Round, RoundsOffer, find_common_rounds, inner, next_round
from custom_components.self_secure.protocol.resume import HeldKey
from custom_components.self_secure.protocol.session import TO_INITIATOR, Outgoing, ReceivingChain, Session
from custom_components.self_secure.protocol.suites import PAPER, paper
from custom_components.self_secure.protocol.suites.paper_suite import InitialKey, wrap
from custom_components.self_secure.protocol.tables import SenderState

from .frozen import freeze

ROOT, OMEGA = bytes(range(32)), 5
DATA_ENTROPY, DACK_ENTROPY = bytes(range(100, 164)), bytes(range(48))
CONTEXT = struct.pack(">BII", TO_INITIATOR, 0, 0)
KEY = ChainKey(bytes(range(32)))
TEXT = bytes(9) + b"text"


@pytest.fixture
def hub() -> Session:
    """A hub whose first message is outstanding."""
    session = Session(PAPER, InitialKey(ROOT), 0, OMEGA, 0.0)
    session.sending.begin(Outgoing(1, MessageType.TEXT, b"body", 1), DATA_ENTROPY, 0)
    return session


def dack(hub: Session, seq: int) -> Packet:
    """Return the acknowledgement of the outstanding message, with a number of its own."""
    packet, padded, _ = wrap(FrameType.DACK, seq, hub.sending._attempts[0].tag, DACK_ENTROPY)
    return PaperPacket(packet.type, paper.with_hash(padded))


def test_the_acknowledgement_names_the_next_number(hub: Session) -> None:
    assert hub.on_dack(dack(hub, 1), 1.0).body == b"body"
    assert hub.sending.state is SenderState.IDLE


def test_an_acknowledgement_that_would_jump_freezes_the_chain(hub: Session) -> None:
    before = hub.sending.chain
    with pytest.raises(ChainJumpedError):
        hub.on_dack(dack(hub, 2), 1.0)
    assert (hub.sending.state, hub.sending.deadline) == (SenderState.FROZEN, None)
    assert hub.sending.chain is before


def test_a_frozen_chain_still_hears_the_true_acknowledgement(hub: Session) -> None:
    true, jumping = dack(hub, 1), dack(hub, 2)
    with pytest.raises(ChainJumpedError):
        hub.on_dack(jumping, 1.0)
    assert hub.on_dack(true, 2.0).body == b"body"
    assert hub.sending.state is SenderState.FROZEN


OTHER_TAG = wrap(FrameType.DACK, 1, bytes(32), DACK_ENTROPY)[1]


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (lambda hub: dack(hub, 0), UnexpectedError),
        (lambda _: PaperPacket(FrameType.DACK, paper.with_hash(OTHER_TAG)), AuthenticationError),
        (lambda _: PaperPacket(FrameType.DACK, OTHER_TAG + bytes(32)), AuthenticationError),
        (lambda _: PaperPacket(FrameType.DACK, bytes(65)), MalformedError),
        (lambda _: Frame(FrameType.DACK, bytes(32)), UnexpectedError),
    ],
    ids=["for the message before", "of nothing that was sent", "wrong hash", "no whole blocks", "of another suite"],
)
def test_another_acknowledgement_changes_nothing(hub: Session, packet: Callable[[Session], Packet], error: type[RemoteError]) -> None:
    given, before = packet(hub), freeze(hub)
    with pytest.raises(error):
        hub.on_dack(given, 1.0)
    assert freeze(hub) == before


@pytest.mark.parametrize(
    ("seq", "text"), [(1, TEXT), (0, bytes(limits.TEXT_MIN - 1))], ids=["number of another message", "text without type and id"]
)
def test_data_that_verifies_and_says_nonsense_changes_nothing(seq: int, text: bytes) -> None:
    receiving = ReceivingChain(PAPER, KEY, TO_INITIATOR, 0)
    sealed = PAPER.seal(KEY, struct.pack(">BII", TO_INITIATOR, 0, seq), 0, DATA_ENTROPY, text)
    before = freeze(receiving)
    with pytest.raises(MalformedError):
        receiving.receive(PaperPacket(FrameType.DATA, sealed.frame[1:]), DACK_ENTROPY)
    assert freeze(receiving) == before


def test_the_same_data_with_its_number_is_heard() -> None:
    sealed = PAPER.seal(KEY, CONTEXT, 0, DATA_ENTROPY, TEXT)
    heard, _ = ReceivingChain(PAPER, KEY, TO_INITIATOR, 0).receive(PaperPacket(FrameType.DATA, sealed.frame[1:]), DACK_ENTROPY)
    assert heard is not None
    assert heard.body == b"text"


@pytest.mark.parametrize("key", [InitialKey(ROOT), Life((KEY, KEY))], ids=["K_0", "of a new life"])
def test_no_key_is_stored_for_both_directions(key: InitialKey | Life) -> None:
    with pytest.raises(LocalError, match="W-round keys"):
        key.store()


# --- resume


def offer(*rounds: tuple[int, int]) -> tuple[RoundsOffer, Frame]:
    """Return R1 of a device that holds these (d, j), and its frame with their tags."""
    held = [HeldKey(1, number, PAPER.id, StoreKey(bytes([direction, number] * 16)), direction) for direction, number in rounds]
    named = tuple(Round(key.direction, key.epoch, key.key.kid) for key in held)
    frame = Frame(FrameType.R1, bytes(32))
    tags = b"".join(key.key.offer_tag(frame.authenticated) for key in held)
    return RoundsOffer(bytes(16), bytes(16), named), Frame(FrameType.R1, bytes(32), mac=tags)


def holds(*rounds: tuple[int, int]) -> list[HeldKey]:
    return [HeldKey(1, number, PAPER.id, StoreKey(bytes([direction, number] * 16)), direction) for direction, number in rounds]


def test_the_highest_common_round_of_each_direction_counts() -> None:
    common = find_common_rounds(*offer((0, 1), (0, 2), (1, 1)), holds((0, 2), (0, 1), (1, 1), (1, 2)))
    assert common is not None
    assert [(key.direction, key.epoch) for key in common] == [(0, 2), (1, 1)]


def test_one_direction_alone_is_no_common_round() -> None:
    assert find_common_rounds(*offer((0, 1), (0, 2)), holds((0, 1), (0, 2), (1, 1))) is None


@pytest.mark.parametrize(("number", "expected"), [(0, 1), (limits.U32_MAX - 1, limits.U32_MAX)])
def test_the_next_round_follows_the_highest_that_is_listed(number: int, expected: int) -> None:
    assert next_round(0, RoundsOffer(bytes(16), bytes(16), (Round(0, number, b""), Round(1, 7, b"")))) == expected


def test_after_the_last_number_there_is_no_round() -> None:
    with pytest.raises(MalformedError, match="no round left"):
        next_round(1, RoundsOffer(bytes(16), bytes(16), (Round(1, limits.U32_MAX, b""),)))


@pytest.mark.parametrize(
    ("packet", "error"),
    [
        (Frame(FrameType.R1, b""), UnexpectedError),
        (PaperPacket(FrameType.R1, Frame(FrameType.R3, b"").encode()), MalformedError),
    ],
    ids=["of another suite", "clear byte of another packet"],
)
def test_what_is_no_packet_of_this_resume(packet: Packet, error: type[RemoteError]) -> None:
    with pytest.raises(error):
        inner(packet)
