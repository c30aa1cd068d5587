"""The two advertisements of a device: beacon and random packet (protocol.md 3).

Both are legacy advertisements of exactly 31 bytes. What a scanner hands on as manufacturer data has lost the company.
"""

from dataclasses import dataclass, field
from enum import IntEnum
import struct
from typing import Final, Self
from uuid import UUID

from ..protocol.errors import MalformedError
from ..protocol.limits import RANDOM_SIZE, U8_MAX, U16_MAX

COMPANY: Final = 0xFFFF  # for tests and private use, which is what a project without a company number has
SERVICE_UUID: Final = "7a6f0001-5e1f-4c0d-8d3a-5e1f5ec0de00"
ADVERTISEMENT_SIZE: Final = 31  # all that a legacy advertisement carries
SHORT_ID_SIZE: Final = 4  # first bytes of the device identity

_FLAGS: Final = b"\x02\x01\x06"  # LE general discoverable, no BR/EDR
_COMPANY_BYTES: Final = COMPANY.to_bytes(2, "little")
_UUID_FIELD: Final = b"\x11\x07" + UUID(SERVICE_UUID).bytes[::-1]  # complete list of 128-bit UUIDs
_BEACON_PREFIX: Final = _FLAGS + _UUID_FIELD + b"\x09\xff" + _COMPANY_BYTES
_RANDOM_PREFIX: Final = _FLAGS + b"\x1b\xff" + _COMPANY_BYTES
_VERSION: Final = 1  # high nibble of the first byte
_BEACON_SIZE: Final = 2 + SHORT_ID_SIZE
_RANDOM_TYPE: Final = 0x52
_RANDOM: Final = struct.Struct(f">BBH{RANDOM_SIZE}s")  # type, sid, Seq, R


class BeaconState(IntEnum):
    """What the device says about itself, unauthenticated."""

    READY = 0  # to pair
    PAIRED = 1
    HAS_DATA = 2
    LOST_MEMORY = 3  # a resume is needed


@dataclass(frozen=True, slots=True)
class Beacon:
    """The advertisement of a device that does not broadcast."""

    state: BeaconState
    relay: bool
    short_id: bytes

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the 6 bytes after the company; raises `MalformedError`."""
        if len(data) != _BEACON_SIZE or data[0] >> 4 != _VERSION or data[0] & 0x0F not in BeaconState:
            raise MalformedError("not a beacon of this version")
        return cls(BeaconState(data[0] & 0x0F), bool(data[1] & 1), bytes(data[2:]))

    def encode(self) -> bytes:
        """Return the 6 bytes after the company."""
        return bytes((_VERSION << 4 | self.state, self.relay)) + self.short_id

    @property
    def advertisement(self) -> bytes:
        """All 31 bytes."""
        return _BEACON_PREFIX + self.encode()


@dataclass(frozen=True, slots=True)
class RandomPacket:
    """One packet of the lossy broadcast; its value is never shown."""

    sid: int  # u8
    seq: int  # u16
    value: bytes = field(repr=False)  # R_i, 20 bytes

    def __post_init__(self) -> None:
        """Refuse what the layout cannot carry."""
        if not (0 <= self.sid <= U8_MAX and 0 <= self.seq <= U16_MAX and len(self.value) == RANDOM_SIZE):
            raise MalformedError("not a random packet")

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read the 24 bytes after the company; raises `MalformedError`."""
        if len(data) != _RANDOM.size or data[0] != _RANDOM_TYPE:
            raise MalformedError("not a random packet")
        return cls(*_RANDOM.unpack(data)[1:])

    def encode(self) -> bytes:
        """Return the 24 bytes after the company."""
        return _RANDOM.pack(_RANDOM_TYPE, self.sid, self.seq, self.value)

    @property
    def advertisement(self) -> bytes:
        """All 31 bytes."""
        return _RANDOM_PREFIX + self.encode()


def decode(data: bytes) -> Beacon | RandomPacket | None:
    """Return what manufacturer data of `COMPANY` is, or None if it is not ours; the number is shared by everybody."""
    try:
        return Beacon.decode(data) if len(data) == _BEACON_SIZE else RandomPacket.decode(data)
    except MalformedError:
        return None


def decode_advertisement(raw: bytes) -> Beacon | RandomPacket | None:
    """Return what a whole advertisement is, or None if it is not ours; some proxies append the scan response to it."""
    if raw.startswith(_RANDOM_PREFIX):
        return decode(raw[len(_RANDOM_PREFIX) : ADVERTISEMENT_SIZE])
    return decode(raw[len(_BEACON_PREFIX) : ADVERTISEMENT_SIZE]) if raw.startswith(_BEACON_PREFIX) else None
