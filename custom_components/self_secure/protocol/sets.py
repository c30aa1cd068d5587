"""Coded sets of sequence numbers (protocol.md 5, the paper's Cpr_s) and the secrecy of a set (protocol.md 5 rule 3)."""

from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
import math
import struct
from typing import Final

from . import limits
from .errors import MalformedError

_HEAD: Final = struct.Struct(">BH")
_DELTAS: Final = 0
_BITMAP: Final = 1
_BITS: Final = tuple(tuple(bit for bit in range(8) if byte & (0x80 >> bit)) for byte in range(256))  # set in each byte of a bitmap
CODED_NUMBER_MAX: Final = 3  # bytes: zigzag of at most 65,535 fits 18 bits


def encode(numbers: Sequence[int]) -> bytes:
    """Encode ascending numbers 0-65,535: encoder u8, count u16, then the shorter payload (encoder 0 on a tie)."""
    bitmap = encode_bitmap(numbers)
    deltas = encode_deltas(numbers) if len(numbers) <= len(bitmap) else None  # a number takes a byte at least
    if deltas is not None and len(deltas) <= len(bitmap):
        return _HEAD.pack(_DELTAS, len(numbers)) + deltas
    return _HEAD.pack(_BITMAP, len(numbers)) + bitmap


def encode_deltas(numbers: Sequence[int]) -> bytes:
    """Encoder 0: zigzag LEB128 of the differences (the paper's formula (9) uses this payload alone)."""
    out = bytearray()
    previous = 0
    for number in numbers:
        value = (number - previous) << 1
        previous = number
        while value > 0x7F:  # seven bits per byte of LEB128
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)
    return bytes(out)


def encode_bitmap(numbers: Sequence[int]) -> bytes:
    """Encoder 1: number i is bit 7 - (i mod 8) of byte i // 8, no trailing zero byte."""
    out = bytearray(numbers[-1] // 8 + 1 if numbers else 0)
    for number in numbers:
        out[number >> 3] |= 0x80 >> (number & 7)
    return bytes(out)


def decode(data: bytes) -> tuple[int, ...]:
    """Decode a coded set that fills `data`; MalformedError otherwise."""
    numbers, used = decode_prefix(data)
    if used != len(data):
        raise MalformedError("bytes left over behind the set")
    return numbers


def decode_prefix(data: bytes) -> tuple[tuple[int, ...], int]:
    """Decode the coded set at the start of `data`; return it and the bytes used."""
    if len(data) < _HEAD.size:
        raise MalformedError("no coded set")
    encoder, count = _HEAD.unpack_from(data)
    if encoder not in (_DELTAS, _BITMAP):
        raise MalformedError("unknown encoder")
    read = _read_deltas if encoder == _DELTAS else _read_bitmap
    return read(data, _HEAD.size, count)


def _read_deltas(data: bytes, offset: int, count: int) -> tuple[tuple[int, ...], int]:
    numbers: list[int] = []
    for _ in range(count):
        value, offset = _read_leb128(data, offset)
        number = (numbers[-1] if numbers else 0) + (value >> 1)
        if value & 1 or (numbers and number == numbers[-1]) or number > limits.U16_MAX:
            raise MalformedError("the numbers of the set do not rise")
        numbers.append(number)
    return tuple(numbers), offset


def _read_leb128(data: bytes, offset: int) -> tuple[int, int]:
    value = 0
    for position, byte in enumerate(data[offset : offset + CODED_NUMBER_MAX]):
        value |= (byte & 0x7F) << (7 * position)
        if not byte & 0x80:
            if byte == 0 and position:
                raise MalformedError("overlong number")
            return value, offset + position + 1
    raise MalformedError("unfinished number")


def _read_bitmap(data: bytes, offset: int, count: int) -> tuple[tuple[int, ...], int]:
    numbers: list[int] = []
    start = offset
    while len(numbers) < count:
        if offset >= len(data):
            raise MalformedError("the count of the set does not match")
        base = (offset - start) * 8
        numbers += [base + bit for bit in _BITS[data[offset]]]
        offset += 1
    if len(numbers) != count or (numbers and numbers[-1] > limits.U16_MAX):
        raise MalformedError("the count of the set does not match")
    return tuple(numbers), offset


class RunningSet:
    """An ascending set that knows its gaps, so that a packet costs the same however many came before."""

    __slots__ = ("_gaps", "numbers")

    def __init__(self) -> None:
        """Start empty."""
        self.numbers: list[int] = []
        self._gaps = 0  # places where numbers are missing between two members

    def __len__(self) -> int:
        return len(self.numbers)

    def add(self, number: int) -> None:
        """Take in a number that is not in it."""
        if self.numbers and number > self.numbers[-1]:  # as nearly all: packets come in their order
            self._gaps += number - self.numbers[-1] > 1
            self.numbers.append(number)
            return
        place = bisect_left(self.numbers, number)
        self._gaps += self._around(place, place, number)
        self.numbers.insert(place, number)

    def remove(self, number: int) -> None:
        """Leave out a number that is in it."""
        place = bisect_left(self.numbers, number)
        self._gaps -= self._around(place, place + 1, number)
        del self.numbers[place]

    def _around(self, before: int, after: int, number: int) -> int:
        """Return how many gaps more there are with `number` than without it, between its two neighbours."""
        left = self.numbers[before - 1] if before else None
        right = self.numbers[after] if after < len(self.numbers) else None
        whole = left is not None and right is not None and right - left > 1
        return (left is not None and number - left > 1) + (right is not None and right - number > 1) - whole

    @property
    def burst_factor(self) -> float:
        """As the function of that name."""
        return _burst_factor(self.numbers, self._gaps)

    def secrecy_bits(self, assumed_loss: int) -> float:
        """As the function of that name."""
        return _bits(len(self.numbers), self.burst_factor, assumed_loss)


def loss_of(numbers: Sequence[int]) -> float:
    """Share of the span (first to last number) that is missing, 0..1."""
    span = numbers[-1] - numbers[0] + 1 if numbers else 0
    return 1 - len(numbers) / span if span else 0.0


def burst_factor(numbers: Sequence[int]) -> float:
    """f = mean loss burst x capture rate, at least 1 (1 for independent losses)."""
    return _burst_factor(numbers, sum(1 for before, after in pairwise(numbers) if after - before > 1))


def secrecy_bits(numbers: Sequence[int], assumed_loss: int) -> float:
    """|S| / f x -log2(1 - assumed loss); `assumed_loss` in percent, `numbers` ascending."""
    return _bits(len(numbers), burst_factor(numbers), assumed_loss)


def _burst_factor(numbers: Sequence[int], gaps: int) -> float:
    if not gaps:
        return 1.0
    span = numbers[-1] - numbers[0] + 1
    return max(1.0, (span - len(numbers)) / gaps * len(numbers) / span)


def _bits(size: int, factor: float, assumed_loss: int) -> float:
    return size / factor * -math.log2(1 - assumed_loss / 100)
