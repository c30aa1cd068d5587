"""Every packet: decode and encode asserted together, byte for byte; what is malformed is refused (protocol.md 4)."""

from typing import Any

from hypothesis import given, strategies as st
import pytest

from custom_components.self_secure.protocol import limits
from custom_components.self_secure.protocol.errors import MalformedError
from custom_components.self_secure.protocol.packets import (
    Acceptance,
    Challenge,
    Frame,
    FrameType,
    Offer,
    Request,
    ResumeEntry,
    Selection,
    peek_type,
)

from .bench import any_frame

NONCE = bytes(range(16))
OTHER = bytes(range(16, 32))
KEY = bytes(range(32, 64))
DIGEST = bytes(range(64, 96))

REQUEST = Request(bytes([0x11, 0x01]), NONCE, OTHER, 217, 2048, 30, 15, KEY)
ACCEPTANCE = Acceptance(0x11, NONCE, OTHER, KEY, 200, 64, 20, 2048)
CHALLENGE = Challenge(OTHER, NONCE)
ENTRIES = (ResumeEntry(4, b"abcd"), ResumeEntry(0, b"efgh"))
OFFER = Offer(NONCE, OTHER, ENTRIES, DIGEST, KEY)
SELECTION = Selection(4, 5, DIGEST, KEY)

EXAMPLES: list[tuple[Any, str, int]] = [
    (REQUEST, "0000004900000000" + "021101" + NONCE.hex() + OTHER.hex() + "d9" + "0800" + "001e" + "0f" + KEY.hex(), 0),
    (ACCEPTANCE, "0100004800000000" + "11" + NONCE.hex() + OTHER.hex() + KEY.hex() + "00c8" + "0040" + "14" + "0800", 0),
    (CHALLENGE, "2000002000000000" + OTHER.hex() + NONCE.hex(), 0),
    (
        OFFER,
        "2100007100000000" + NONCE.hex() + OTHER.hex() + "02" + "0000000461626364" + "0000000065666768" + DIGEST.hex() + KEY.hex(),
        2,
    ),
    (SELECTION, "2200004800000000" + "00000004" + "00000005" + DIGEST.hex() + KEY.hex(), 1),
]


@pytest.mark.parametrize(("packet", "text", "macs"), EXAMPLES, ids=lambda value: type(value).__name__)
def test_packet_and_bytes_are_one(packet: Any, text: str, macs: int) -> None:
    raw = bytes.fromhex(text)
    assert packet.encode().encode() == raw
    frame = Frame.decode(raw + bytes(16 * macs))
    assert type(packet).decode(frame) == packet
    assert frame.authenticated == raw
    assert frame.encode() == raw + bytes(16 * macs)


@given(st.sampled_from(sorted(FrameType)), st.binary(max_size=64))
def test_any_frame_that_decodes_encodes_to_the_same_bytes(kind: FrameType, tail: bytes) -> None:
    raw = any_frame(kind)
    assert Frame.decode(raw).encode() == raw
    assert Frame.decode(raw).type is kind
    with pytest.raises(MalformedError):
        Frame.decode(raw + b"\x00" + tail)


@pytest.mark.parametrize("kind", [FrameType.DATA, FrameType.DACK, FrameType.TAGS, FrameType.GROUP])
def test_numbered_frames_keep_seq_and_retran(kind: FrameType) -> None:
    raw = bytearray(any_frame(kind))
    raw[1], raw[4:8] = 3, b"\x01\x02\x03\x04"
    frame = Frame.decode(bytes(raw))
    assert (frame.retran, frame.seq) == (3, 0x01020304)
    assert frame.encode() == raw


UNNUMBERED = sorted(set(FrameType) - {FrameType.DATA, FrameType.DACK, FrameType.TAGS, FrameType.GROUP})


@pytest.mark.parametrize("at", [1, 7])
@pytest.mark.parametrize("kind", UNNUMBERED)
def test_seq_and_retran_are_zero_in_all_others(kind: FrameType, at: int) -> None:
    raw = bytearray(any_frame(kind))
    raw[at] = 1
    with pytest.raises(MalformedError, match="not zero"):
        Frame.decode(bytes(raw))


@pytest.mark.parametrize("number", sorted(set(range(256)) - set(FrameType)))
def test_unknown_types_are_refused(number: int) -> None:
    with pytest.raises(MalformedError, match="unknown type"):
        Frame.decode(bytes([number]) + bytes(7 + 16))


@pytest.mark.parametrize("raw", [b"", bytes(7), bytes(1025)])
def test_too_short_and_too_long(raw: bytes) -> None:
    with pytest.raises(MalformedError, match="length of the frame"):
        Frame.decode(raw)


def test_the_longest_frame_is_read() -> None:
    message = bytes(limits.FRAME_MAX - limits.HEADER_SIZE - limits.MAC_SIZE)
    assert Frame.decode(Frame(FrameType.DATA, message, bytes(16)).encode()).message == message


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("kind", sorted(FrameType))
def test_len_has_to_fit(kind: FrameType, change: int) -> None:
    raw = bytearray(any_frame(kind))
    raw[3] += change
    with pytest.raises(MalformedError, match="Len does not fit"):
        Frame.decode(bytes(raw))


@pytest.mark.parametrize("kind", sorted(FrameType))
def test_a_frame_cut_short_is_refused(kind: FrameType) -> None:
    with pytest.raises(MalformedError):
        Frame.decode(any_frame(kind)[:-1])


def test_r1_without_its_count_has_no_macs() -> None:
    frame = Frame.decode(Frame(FrameType.R1, bytes(32)).encode())
    with pytest.raises(MalformedError, match="number of R1 entries"):
        Offer.decode(frame)


def changed(packet: Any, **fields: Any) -> Frame:
    values = {name: getattr(packet, name) for name in packet.__dataclass_fields__ if not name.startswith("_")}
    frame: Frame = type(packet)(**{**values, **fields}).encode()
    return frame


BOUNDS: list[tuple[Any, dict[str, Any]]] = [
    (REQUEST, {"suites": b"\x11"}),
    (REQUEST, {"suites": bytes(range(1, 9))}),
    (REQUEST, {"n_max": 16}),
    (REQUEST, {"n_max": 2048}),
    (REQUEST, {"interval_ms": 20}),
    (REQUEST, {"interval_ms": 1000}),
    (ACCEPTANCE, {"minimum": 16, "n_max": 16}),
    (ACCEPTANCE, {"minimum": 2048, "n_max": 2048}),
    (ACCEPTANCE, {"assumed_loss": 1}),
    (ACCEPTANCE, {"assumed_loss": 90}),
]
PAST: list[tuple[Any, dict[str, Any]]] = [
    (REQUEST, {"suites": b""}),
    (REQUEST, {"suites": bytes(range(1, 10))}),
    (REQUEST, {"suites": b"\x11\x00"}),
    (REQUEST, {"n_max": 15}),
    (REQUEST, {"n_max": 2049}),
    (REQUEST, {"interval_ms": 19}),
    (REQUEST, {"interval_ms": 1001}),
    (ACCEPTANCE, {"minimum": 15}),
    (ACCEPTANCE, {"minimum": 100, "n_max": 99}),
    (ACCEPTANCE, {"n_max": 2049}),
    (ACCEPTANCE, {"assumed_loss": 0}),
    (ACCEPTANCE, {"assumed_loss": 91}),
]


@pytest.mark.parametrize(("packet", "fields"), BOUNDS)
def test_at_the_bound(packet: Any, fields: dict[str, Any]) -> None:
    frame = changed(packet, **fields)
    assert type(packet).decode(frame).encode() == frame


@pytest.mark.parametrize(("packet", "fields"), PAST)
def test_one_past_the_bound(packet: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(MalformedError):
        type(packet).decode(changed(packet, **fields))


@pytest.mark.parametrize("packet", [REQUEST, ACCEPTANCE, CHALLENGE, SELECTION], ids=lambda packet: type(packet).__name__)
@pytest.mark.parametrize("cut", [-1, 1])
def test_messages_of_another_length(packet: Any, cut: int) -> None:
    frame = packet.encode()
    message = (frame.message + b"\x00")[: len(frame.message) + cut]
    with pytest.raises(MalformedError):
        type(packet).decode(Frame(frame.type, message, frame.mac))


@pytest.mark.parametrize(("count", "fits"), [(0, False), (1, True), (4, True), (5, False)])
def test_r1_has_one_to_four_entries(count: int, fits: bool) -> None:
    frame = Offer(NONCE, OTHER, (ENTRIES[0],) * count, DIGEST, KEY).encode()
    decoded = [_offer(Frame(frame.type, frame.message, bytes(16 * count)))]
    assert [offer is not None for offer in decoded] == [fits]


def _offer(frame: Frame) -> Offer | None:
    try:
        return Offer.decode(frame)
    except MalformedError:
        return None


@pytest.mark.parametrize("cut", [-1, 1])
def test_r1_of_another_length(cut: int) -> None:
    frame = OFFER.encode()
    message = (frame.message + b"\x00")[: len(frame.message) + cut]
    with pytest.raises(MalformedError):
        Offer.decode(Frame(frame.type, message, bytes(32)))


def test_peek_type() -> None:
    assert [peek_type(b""), peek_type(b"\x10rest")] == [-1, 0x10]


def test_repr_of_what_is_kept_shows_no_secret() -> None:
    assert "live" not in repr(OFFER)
    assert "live" not in repr(SELECTION)
