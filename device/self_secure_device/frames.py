"""Frames over GATT and the fragments that carry them (protocol.md 3 and 4)."""

from .crypto import TAG_BYTES, u16, u32
from .errors import FrameError

REQ, ACC, RAND, RSP, ACK, END, OPEN, TAGS, NAK = 0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
DATA, DACK, GROUP = 0x10, 0x11, 0x12
R0, R1, R2, R3, RNAK = 0x20, 0x21, 0x22, 0x23, 0x24

HEADER_BYTES = 8
MAX_FRAME_BYTES = 1024  # protocol.md 3: byte 1,025 discards the frame
MAX_RETRAN = 255  # u8
LAST_FRAGMENT = 0x80
MAX_FRAGMENTS = 128  # seven bits of fragment number
ATT_OVERHEAD = 3  # bytes of each notification that are not ours
MIN_MTU = 23  # Bluetooth's smallest, and the size before an exchange

WITHOUT_MAC = (REQ, ACC, R0, TAGS, NAK, RNAK)
WITH_MAC = (RSP, ACK, END, OPEN, DATA, DACK, GROUP, R2, R3)
NUMBERED = (DATA, DACK, TAGS, GROUP)  # in all others Seq and Retran are 0
RESUME_HEAD_BYTES = 33  # n_I, n_R and count, the part of an R1 that tells how many MACs follow
RESUME_KEYS_BYTES = 64  # live_I and pk_I
RESUME_ENTRY_BYTES = 8


class Frame:
    """One decoded frame; ``head`` is the frame without its MAC(s), ``mac`` what follows."""

    paper = False  # whether it came behind the clear byte of suite ``paper``

    def __init__(self, head, mac=b""):
        self.kind = head[0]
        self.retran = head[1]
        self.seq = int.from_bytes(head[4:HEADER_BYTES], "big")
        self.head = head
        self.message = head[HEADER_BYTES:]
        self.mac = mac

    @property
    def header(self):
        """Phase, Retran, Len and Seq: what DATA's MAC starts with."""
        return self.head[:HEADER_BYTES]

    @property
    def raw(self):
        """The frame as it goes over the link."""
        return self.head + self.mac


def encode_head(kind, message, retran=0, seq=0):
    """Return the frame without its MAC: header and message."""
    return bytes([kind, retran]) + u16(len(message)) + u32(seq) + message


def _mac_bytes(kind, message):
    if kind in WITHOUT_MAC:
        return 0
    if kind in WITH_MAC:
        return TAG_BYTES
    if kind != R1:
        raise FrameError("unknown type")
    if len(message) < RESUME_HEAD_BYTES:
        raise FrameError("truncated R1")
    return TAG_BYTES * message[RESUME_HEAD_BYTES - 1]


def decode(raw):
    """Read one frame; FrameError unless type, Len and the reserved numbers are exactly right."""
    if not HEADER_BYTES <= len(raw) <= MAX_FRAME_BYTES:
        raise FrameError("wrong size")
    end = HEADER_BYTES + (raw[2] << 8 | raw[3])
    frame = Frame(raw[:end], raw[end:])
    if len(frame.head) != end or len(frame.mac) != _mac_bytes(frame.kind, frame.message):
        raise FrameError("wrong length")
    if frame.kind not in NUMBERED and (frame.seq or frame.retran):
        raise FrameError("Seq and Retran must be 0")
    return frame


def fragments(frame, size):
    """Cut a frame into fragments of at most ``size`` bytes, their first byte included."""
    chunk = max(size - 1, 1)
    count = (len(frame) + chunk - 1) // chunk
    if count > MAX_FRAGMENTS:
        raise FrameError("link too narrow for this frame")
    out = []
    for index in range(count):
        head = index | (LAST_FRAGMENT if index == count - 1 else 0)
        out.append(bytes([head]) + frame[index * chunk : (index + 1) * chunk])
    return out


class Assembler:
    """Puts fragments together, one frame at a time; discards by the rules of protocol.md 3."""

    def __init__(self):
        self._parts = None  # None: wait for a fragment 0
        self._size = 0
        self.discarded = 0

    def _discard(self):
        self._parts = None
        self.discarded += 1

    def feed(self, fragment):
        """Take one fragment; return the whole frame's bytes when it was the last, else None."""
        number = fragment[0] & ~LAST_FRAGMENT if fragment else None
        if number == 0:
            self._start()
        if self._parts is None or number != len(self._parts) or len(fragment) < 2:
            self._discard()
            return None
        self._parts.append(bytes(fragment[1:]))
        self._size += len(fragment) - 1
        if self._size > MAX_FRAME_BYTES:
            self._discard()
            return None
        return self._finish() if fragment[0] & LAST_FRAGMENT else None

    def _start(self):
        if self._parts:
            self.discarded += 1
        self._parts = []
        self._size = 0

    def _finish(self):
        frame = b"".join(self._parts)
        self._parts = None
        return frame
