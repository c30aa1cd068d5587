"""The frames of protocol.md 4: one header layout, one frozen dataclass per Message, each with a decode/encode pair.

Frame = Phase u8 | Retran u8 | Len u16 | Seq u32 | Message (Len bytes) | HMAC   (the paper's Fig. 2)
"""

from dataclasses import dataclass, field
from enum import IntEnum
import struct
from typing import Final, Self

from . import limits
from .errors import MalformedError


class FrameType(IntEnum):
    """High nibble the phase, low nibble the type (the paper's Phase)."""

    REQ = 0x00
    ACC = 0x01
    RAND = 0x02
    RSP = 0x03
    ACK = 0x04
    END = 0x05
    OPEN = 0x06
    TAGS = 0x07
    NAK = 0x08
    DATA = 0x10
    DACK = 0x11
    GROUP = 0x12
    R0 = 0x20
    R1 = 0x21
    R2 = 0x22
    R3 = 0x23
    RNAK = 0x24


class NakReason(IntEnum):
    """Why the responder ends a negotiation."""

    TOO_FEW = 1
    CONFLICTS = 2
    SUITE = 3
    MAC = 4
    BUSY = 5
    CANCELLED = 6


_HEADER: Final = struct.Struct(">BBHI")
_PAPER: Final = 0x80  # bit of the clear byte
_WITHOUT_MAC: Final = frozenset({FrameType.REQ, FrameType.ACC, FrameType.TAGS, FrameType.NAK, FrameType.R0, FrameType.RNAK})
_NUMBERED: Final = frozenset({FrameType.DATA, FrameType.DACK, FrameType.TAGS, FrameType.GROUP})
_TYPES: Final = {kind.value: (kind, kind in _NUMBERED, 0 if kind in _WITHOUT_MAC else limits.MAC_SIZE) for kind in FrameType}
"""The type of a number, whether Seq and Retran may be other than 0, and the bytes of its MAC (R1 has one per entry)."""
_R1_FIXED: Final = 2 * limits.NONCE_SIZE + 1 + 2 * limits.DIGEST_SIZE
_ENTRY: Final = struct.Struct(f">I{limits.KID_SIZE}s")


@dataclass(slots=True)  # not frozen, which takes three times as long: made of every frame, and never changed
class Frame:
    """One frame; `mac` is empty, 16 bytes, or 16 bytes per epoch entry in R1."""

    type: FrameType
    message: bytes
    mac: bytes = b""
    seq: int = 0
    retran: int = 0

    @property
    def header(self) -> bytes:
        """The 8 bytes Phase, Retran, Len, Seq."""
        return _HEADER.pack(self.type, self.retran, len(self.message), self.seq)

    @property
    def authenticated(self) -> bytes:
        """The frame without its MAC(s): what a MAC or the transcript covers."""
        return self.header + self.message

    def encode(self) -> bytes:
        """Return the bytes of the whole frame."""
        return self.header + self.message + self.mac

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode a whole frame; MalformedError on an unknown type or a wrong length."""
        if not limits.HEADER_SIZE <= len(data) <= limits.FRAME_MAX:
            raise MalformedError("length of the frame")
        number, retran, length, seq = _HEADER.unpack_from(data)
        kind, numbered, mac_size = _type_of(number)
        if (seq or retran) and not numbered:
            raise MalformedError("Seq and Retran are not zero")
        end = limits.HEADER_SIZE + length
        message, mac = data[limits.HEADER_SIZE : end], data[end:]
        if kind is FrameType.R1:
            mac_size *= _entries_of(message)
        if len(message) != length or len(mac) != mac_size:
            raise MalformedError("Len does not fit")
        return cls(kind, message, mac, seq, retran)


@dataclass(frozen=True, slots=True)
class PaperPacket:
    """A packet of suite `paper`: one clear byte, the Phase with bit 7 set, then the packet (protocol.md 8)."""

    type: FrameType
    body: bytes

    def encode(self) -> bytes:
        """Return the bytes of the whole packet."""
        return bytes([_PAPER | self.type]) + self.body

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Decode a whole packet; MalformedError on an unknown type or a wrong length."""
        if not 1 < len(data) <= limits.FRAME_MAX:
            raise MalformedError("length of the packet")
        return cls(_type_of(data[0] & ~_PAPER)[0], data[1:])


type Packet = Frame | PaperPacket


def decode_packet(data: bytes) -> Packet:
    """Decode a whole frame of any suite; MalformedError."""
    return PaperPacket.decode(data) if data and data[0] & _PAPER else Frame.decode(data)


def _type_of(number: int) -> tuple[FrameType, bool, int]:
    """Return a row of `_TYPES`; MalformedError if there is none."""
    try:
        return _TYPES[number]
    except KeyError:
        raise MalformedError(f"unknown type {number:#04x}") from None


def peek_type(data: bytes) -> int:
    """Return the type of a frame, -1 if there is none: for counters only."""
    return data[0] & ~_PAPER if data else -1


def _entries_of(message: bytes) -> int:
    """Return the number of entries, and so of MACs, that an R1 says it has."""
    return message[2 * limits.NONCE_SIZE] if len(message) > 2 * limits.NONCE_SIZE else 0


def _exactly(frame: Frame, size: int) -> bytes:
    if len(frame.message) != size:
        raise MalformedError(f"{frame.type.name} has {len(frame.message)} bytes, not {size}")
    return frame.message


@dataclass(frozen=True, slots=True)
class Request:
    """REQ, m1: the initiator asks for a key."""

    suites: bytes  # ids, best first
    id_i: bytes
    n_i: bytes
    sid: int
    n_max: int
    interval_ms: int
    wait_s: int
    pk_i: bytes

    _TAIL = struct.Struct(">16s16sBHHB32s")

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode; MalformedError outside the ranges of protocol.md 4."""
        count = frame.message[0] if frame.message else 0
        if not 1 <= count <= limits.SUITES_MAX:
            raise MalformedError("number of suites")
        _exactly(frame, 1 + count + cls._TAIL.size)
        request = cls(frame.message[1 : 1 + count], *cls._TAIL.unpack_from(frame.message, 1 + count))
        if 0 in request.suites:
            raise MalformedError("suite 0x00 is never offered")
        if not limits.PACKETS_FLOOR <= request.n_max <= limits.N_MAX_LIMIT:
            raise MalformedError("N_max")
        if not limits.INTERVAL_MIN_MS <= request.interval_ms <= limits.INTERVAL_MAX_MS:
            raise MalformedError("interval")
        return request

    def encode(self) -> Frame:
        """Return the frame."""
        tail = self._TAIL.pack(self.id_i, self.n_i, self.sid, self.n_max, self.interval_ms, self.wait_s, self.pk_i)
        return Frame(FrameType.REQ, bytes([len(self.suites)]) + self.suites + tail)


@dataclass(frozen=True, slots=True)
class Acceptance:
    """ACC, m2: the responder chooses the suite and the bounds."""

    suite: int
    id_r: bytes
    n_r: bytes
    pk_r: bytes
    minimum: int  # N_r
    target_bits: int
    assumed_loss: int  # percent
    n_max: int

    _LAYOUT = struct.Struct(">B16s16s32sHHBH")

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode; MalformedError outside the ranges of protocol.md 4."""
        acceptance = cls(*cls._LAYOUT.unpack(_exactly(frame, cls._LAYOUT.size)))
        if not limits.PACKETS_FLOOR <= acceptance.minimum <= acceptance.n_max <= limits.N_MAX_LIMIT:
            raise MalformedError("N_r or N_max")
        if not limits.ASSUMED_LOSS_MIN <= acceptance.assumed_loss <= limits.ASSUMED_LOSS_MAX:
            raise MalformedError("assumed loss")
        return acceptance

    def encode(self) -> Frame:
        """Return the frame."""
        fields = (self.suite, self.id_r, self.n_r, self.pk_r, self.minimum, self.target_bits, self.assumed_loss, self.n_max)
        return Frame(FrameType.ACC, self._LAYOUT.pack(*fields))


@dataclass(frozen=True, slots=True)
class ResumeEntry:
    """One epoch that the initiator holds."""

    epoch: int
    kid: bytes


@dataclass(frozen=True, slots=True)
class Challenge:
    """R0: the responder's nonce and identity."""

    n_r: bytes
    id_r: bytes

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode; MalformedError on another length."""
        message = _exactly(frame, limits.NONCE_SIZE + limits.IDENTITY_SIZE)
        return cls(message[: limits.NONCE_SIZE], message[limits.NONCE_SIZE :])

    def encode(self) -> Frame:
        """Return the frame."""
        return Frame(FrameType.R0, self.n_r + self.id_r)


@dataclass(frozen=True, slots=True)
class Offer:
    """R1: the epochs that the initiator holds, newest pairing first, then the higher epoch."""

    n_i: bytes
    n_r: bytes
    entries: tuple[ResumeEntry, ...]
    live_i: bytes = field(repr=False)
    pk_i: bytes

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode; MalformedError unless there are 1-4 entries and nothing is left over."""
        size = limits.NONCE_SIZE
        count = len(frame.mac) // limits.MAC_SIZE
        if not 1 <= count <= limits.RESUME_ENTRIES_MAX:
            raise MalformedError("number of R1 entries")
        message = _exactly(frame, _R1_FIXED + count * _ENTRY.size)
        end = 2 * size + 1 + count * _ENTRY.size
        entries = tuple(ResumeEntry(*fields) for fields in _ENTRY.iter_unpack(message[2 * size + 1 : end]))
        return cls(
            message[:size], message[size : 2 * size], entries, message[end : end + limits.DIGEST_SIZE], message[-limits.PUBLIC_KEY_SIZE :]
        )

    def encode(self) -> Frame:
        """Return the frame, its MACs still missing."""
        entries = b"".join(_ENTRY.pack(entry.epoch, entry.kid) for entry in self.entries)
        return Frame(FrameType.R1, self.n_i + self.n_r + bytes([len(self.entries)]) + entries + self.live_i + self.pk_i)


@dataclass(frozen=True, slots=True)
class Selection:
    """R2: the common epoch e* and the new one e'."""

    common: int  # e*
    epoch: int  # e'
    live_r: bytes = field(repr=False)
    pk_r: bytes

    _LAYOUT = struct.Struct(">II32s32s")

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode; MalformedError on another length."""
        return cls(*cls._LAYOUT.unpack(_exactly(frame, cls._LAYOUT.size)))

    def encode(self) -> Frame:
        """Return the frame, its MAC still missing."""
        return Frame(FrameType.R2, self._LAYOUT.pack(self.common, self.epoch, self.live_r, self.pk_r))
