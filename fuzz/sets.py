"""Hub and device read a coded set alike or both refuse it, with no other error, and what they read is written in one way only."""

from custom_components.self_secure.protocol import sets as hub
from custom_components.self_secure.protocol.errors import MalformedError
from self_secure_device import sets as device
from self_secure_device.errors import SetError

from .check import require

HEAD = 3  # encoder, count
type Read = tuple[list[int], int] | None


def _hub(data: bytes) -> Read:
    try:
        numbers, used = hub.decode_prefix(data)
    except MalformedError:
        return None
    return list(numbers), used


def _device(data: bytes) -> Read:
    try:
        numbers, used = device.decode(data)
    except SetError:
        return None
    return list(numbers), used


def run(data: bytes) -> None:
    """Read `data` as a coded set with something behind it."""
    read = _hub(data)
    require(read == _device(data), "hub and device differ")
    if read is not None:
        numbers, used = read
        written = hub.encode_bitmap(numbers) if data[0] else hub.encode_deltas(numbers)
        require(written == data[HEAD:used], "a second way to write this set")
        require(int.from_bytes(data[1:HEAD]) == len(numbers), "count")
