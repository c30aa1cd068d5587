"""Bodies of messages: BTHome v2 objects of a wanted length, with values that move."""

from typing import Final

_SMALLEST: Final = 16
_TEXT_HEAD: Final = 2


def objects(size: int, number: int = 0) -> bytes:
    """Return battery, temperature, humidity, pressure, illuminance (16 bytes) and, if `size` is more, a text."""
    moving = (2000 + number % 500).to_bytes(2, "little")
    pressure, light = (100_000 + number % 99).to_bytes(3, "little"), (5000 + number % 99).to_bytes(3, "little")
    head = b"\x01" + bytes([number % 100]) + b"\x02" + moving + b"\x03" + moving + b"\x04" + pressure + b"\x05" + light
    rest = size - _SMALLEST
    if rest == 0:
        return head
    text = b"".join(bytes([0x53, min(255, left) - _TEXT_HEAD]).ljust(min(255, left), b"x") for left in range(rest, 0, -255))
    return head + text
