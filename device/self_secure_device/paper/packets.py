"""The packets of suite ``paper``: one clear byte, P_m (P_c in DATA), and the tail (protocol.md 8, formula (1)).

R0 to R3, NAK and RNAK are the frames of protocol.md 4 behind the same clear byte.
"""

from .. import frames
from ..crypto import AES_BLOCK, equal, sha256, u16, u32
from ..errors import FrameError, TagError
from . import formulas

CLEAR_BIT = 0x80  # the clear byte is the Phase with this bit set
RAND_BYTES = 16
DATA_RAND_BYTES = 32
SEED_BYTES = 32  # a of OAEP
HASH_BYTES = 32
RESPONSE_TAG_BYTES = 16  # HMAC-MD5
MIN_PADDED_BYTES = 64  # Y, and X of a packet without message
MAX_BODY = 895  # fills P_c of a packet of 1,024 bytes

WRAPPED = (frames.R0, frames.R2, frames.NAK, frames.RNAK)
HASHED = (frames.ACC, frames.DACK)
TAGGED = (frames.RSP, frames.END, frames.DATA)
NUMBERED = (frames.DATA, frames.DACK)  # in all others Seq and Retran are 0


class Packet:
    """One received packet; ``padded`` is P_m, or P_c of a DATA, whose fields are read only after its HMAC verified."""

    paper = True

    def __init__(self, kind, raw, padded, mac):
        self.kind = kind
        self.raw = raw
        self.padded = padded
        self.mac = mac
        self.retran = self.seq = 0
        self.rand = self.message = b""

    def read(self, padded):
        """Take the fields out of P_m (4); FrameError unless it is P_p of this kind in its one allowed padding."""
        plain = formulas.unpad(padded)
        start = frames.HEADER_BYTES + (DATA_RAND_BYTES if self.kind == frames.DATA else RAND_BYTES)
        end = start + (plain[2] << 8 | plain[3])
        if plain[0] != self.kind or len(plain) != formulas.padded_length(end) or any(plain[end:]):
            raise FrameError("P_p")
        self.retran, self.seq = plain[1], int.from_bytes(plain[4 : frames.HEADER_BYTES], "big")
        self.rand, self.message = plain[frames.HEADER_BYTES : start], plain[start:end]
        if self.kind not in NUMBERED and (self.seq or self.retran):
            raise FrameError("Seq and Retran must be 0")


def decode(raw):
    """Read one packet, or one frame behind the clear byte; FrameError, or TagError for a wrong Hash (5)."""
    kind = raw[0] & ~CLEAR_BIT
    if kind in WRAPPED:
        return _unwrap(kind, raw)
    if kind not in HASHED and kind not in TAGGED:
        raise FrameError("unknown type")
    end = len(raw) - (RESPONSE_TAG_BYTES if kind == frames.RSP else HASH_BYTES)
    if end - 1 < MIN_PADDED_BYTES or (end - 1) % AES_BLOCK:
        raise FrameError("wrong length")
    packet = Packet(kind, raw, raw[1:end], raw[end:])
    if kind in HASHED and not equal(sha256(packet.padded), packet.mac):
        raise TagError("Hash")
    if kind != frames.DATA:
        packet.read(packet.padded)
    return packet


def _unwrap(kind, raw):
    frame = frames.decode(raw[1:])
    if frame.kind != kind:
        raise FrameError("the clear byte does not match")
    frame.paper = True
    return frame


def wrap(raw):
    """Return a whole frame of protocol.md 4 behind its clear byte."""
    return bytes([raw[0] | CLEAR_BIT]) + raw


def pad(kind, message, rand, seed, retran=0, seq=0):
    """Return P_m of one packet, formulas (1) and (2)."""
    return formulas.pad(bytes([kind, retran]) + u16(len(message)) + u32(seq) + rand + message, seed)


def encode(kind, padded, tail):
    """Return the whole packet; ``padded`` is P_c in DATA."""
    return bytes([kind | CLEAR_BIT]) + padded + tail


def hashed(kind, message, entropy, retran=0, seq=0):
    """Return a whole packet with Hash (3); ``entropy`` is Rand and a, 48 fresh bytes."""
    padded = pad(kind, message, entropy[:RAND_BYTES], entropy[RAND_BYTES:], retran, seq)
    return encode(kind, padded, sha256(padded))
