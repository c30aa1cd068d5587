"""Fragments of frames on the link (protocol.md 3): 1 byte (bit 7 last, bits 0-6 number) then a chunk."""

from typing import Final

from . import limits

_LAST: Final = 0x80
_NUMBER: Final = 0x7F


def fragment(frame: bytes, payload: int) -> list[bytes]:
    """Cut `frame` into fragments of at most `payload` bytes (MTU - 3).

    ValueError if the frame is longer than 1,024 bytes or needs more than 128 fragments.
    """
    chunk = payload - 1
    count = -(-len(frame) // chunk) if chunk > 0 else 0
    if not 1 <= count <= limits.FRAGMENTS_MAX or len(frame) > limits.FRAME_MAX:
        raise ValueError("the frame does not fit the link")
    pieces = (frame[number * chunk : (number + 1) * chunk] for number in range(count))
    return [bytes([number | (_LAST if number == count - 1 else 0)]) + piece for number, piece in enumerate(pieces)]


class Reassembler:
    """Puts fragments together, one frame at a time; `discarded` counts what did not fit."""

    __slots__ = ("_buffer", "_next", "discarded")

    def __init__(self) -> None:
        """Start with nothing: the first fragment must be number 0."""
        self._buffer = bytearray()
        self._next: int | None = None
        self.discarded = 0

    def reset(self) -> None:
        """Forget an unfinished frame (disconnecting does)."""
        self._buffer.clear()
        self._next = None

    def feed(self, data: bytes) -> bytes | None:
        """Take one fragment; return a finished frame or None."""
        number = data[0] & _NUMBER if data else -1
        if number == 0 and len(data) > 1:
            self._start()
        elif self._next is None or number != self._next or len(data) < 2:  # number byte and chunk
            self._discard()
            return None
        self._buffer += data[1:]
        if len(self._buffer) > limits.FRAME_MAX:
            self._discard()
            return None
        self._next = number + 1
        return self._finish() if data[0] & _LAST else None

    def _start(self) -> None:
        self.discarded += self._next is not None
        self._buffer.clear()

    def _discard(self) -> None:
        self.discarded += 1
        self.reset()

    def _finish(self) -> bytes:
        frame = bytes(self._buffer)
        self.reset()
        return frame
