"""The coded set of packet numbers (protocol.md 5): encoder 0 differences, encoder 1 bitmap.

``encode`` takes rising numbers below 65,536. ``decode`` raises SetError on everything that is not the one way to
write such a set with that encoder.
"""

from array import array  # two bytes a number: a list of a whole broadcast would fill half of a small heap

from .crypto import u16
from .errors import SetError

DELTAS = 0
BITMAP = 1
MAX_NUMBER = 65535
MAX_LEB_BYTES = 3  # the largest zigzag number, 131,070, needs three groups of seven bits


def _leb128(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def encode_deltas(numbers):
    """Return the payload of encoder 0: zigzag LEB128 of the differences, the first one from 0."""
    out = bytearray()
    before = 0
    for value in numbers:
        out.extend(_leb128(2 * (value - before)))
        before = value
    return bytes(out)


def encode_bitmap(numbers):
    """Return the payload of encoder 1: number i is bit 7-(i mod 8) of byte i // 8."""
    out = bytearray(numbers[-1] // 8 + 1 if numbers else 0)
    for value in numbers:
        out[value // 8] |= 0x80 >> value % 8
    return bytes(out)


def encode(numbers):
    """Return encoder u8, count u16 and the shorter payload, encoder 0 on a tie."""
    deltas, bitmap = encode_deltas(numbers), encode_bitmap(numbers)
    if len(bitmap) < len(deltas):
        return bytes([BITMAP]) + u16(len(numbers)) + bitmap
    return bytes([DELTAS]) + u16(len(numbers)) + deltas


def _read_leb128(data, at):
    value = 0
    for index in range(MAX_LEB_BYTES):
        if at + index >= len(data):
            raise SetError("truncated number")
        byte = data[at + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise SetError("overlong number")
            return value, at + index + 1
    raise SetError("overlong number")


def _decode_deltas(data, at, count, limit):
    numbers = array("H")
    value = 0
    for index in range(count):
        zigzag, at = _read_leb128(data, at)
        if zigzag & 1 or (index and not zigzag):
            raise SetError("numbers must rise")
        value += zigzag >> 1
        if value >= limit:
            raise SetError("number too large")
        numbers.append(value)
    return numbers, at


def _decode_bitmap(data, at, count, limit):
    numbers = array("H")
    base = 0
    while len(numbers) < count:
        if at >= len(data):
            raise SetError("bitmap ends too early")
        if base >= limit:
            raise SetError("number too large")
        for bit in range(8):
            if data[at] & 0x80 >> bit:
                numbers.append(base + bit)
        base += 8
        at += 1
    if len(numbers) > count:
        raise SetError("more members than the count")
    return numbers, at


def decode(data, at=0, limit=MAX_NUMBER + 1):
    """Read one coded set at ``at``; return its numbers (a rising array) and the offset behind it.

    ``limit`` keeps a hostile bitmap from filling the memory: a number of it or above, beyond the last byte's bits, is refused.
    """
    if len(data) < at + 3:
        raise SetError("truncated set")
    encoder, count = data[at], data[at + 1] << 8 | data[at + 2]
    if encoder == DELTAS:
        return _decode_deltas(data, at + 3, count, limit)
    if encoder == BITMAP:
        return _decode_bitmap(data, at + 3, count, limit)
    raise SetError("unknown encoder")


def decode_deltas(data, limit=MAX_NUMBER + 1):
    """Read a payload of encoder 0 that fills ``data`` and says no count (suite ``paper``); return its numbers."""
    count = sum(byte < 0x80 for byte in data)  # the last byte of each number
    numbers, end = _decode_deltas(data, 0, count, limit)
    if end != len(data):
        raise SetError("bytes left over")
    return numbers


def decode_whole(data):
    """Read a coded set that must fill ``data``; return its numbers as a list."""
    numbers, end = decode(data)
    if end != len(data):
        raise SetError("bytes left over")
    return list(numbers)


def merge(numbers, others):
    """Return two rising sequences without a common number as one."""
    merged, at = array("H"), 0
    for value in numbers:
        while at < len(others) and others[at] < value:
            merged.append(others[at])
            at += 1
        merged.append(value)
    merged.extend(array("H", others[at:]))
    return merged
