"""Hub and device read the OAEP packets of suite paper alike or both refuse them, with no other error."""

import contextlib
from typing import Any

from custom_components.self_secure.protocol.errors import RemoteError
from custom_components.self_secure.protocol.packets import FrameType, decode_packet
from custom_components.self_secure.protocol.suites import paper
from custom_components.self_secure.protocol.suites.paper_suite import unwrap_hashed
from self_secure_device.errors import DropError
from self_secure_device.paper import packets

from .check import require

CLEAR = 0x80
SEED = bytes(32)
HASHED = (FrameType.ACC, FrameType.DACK)  # what both sides read without a key
type Fields = tuple[int, int, bytes, bytes] | None


def _hub(raw: bytes) -> Fields:
    try:
        return unwrap_hashed(decode_packet(raw))
    except RemoteError:
        return None


def _device(raw: bytes) -> Fields:
    try:
        packet: Any = packets.decode(raw)
    except DropError:
        return None
    return packet.retran, packet.seq, packet.rand, packet.message


def run(data: bytes) -> None:
    """Read P_p, or anything else in its place, behind the right OAEP and Hash; and `data` as it is."""
    kind = HASHED[data[0] % len(HASHED)] if data else HASHED[0]
    for packet in (paper.pad(data[1:], SEED), data[1:]):
        raw = bytes([CLEAR | kind]) + paper.with_hash(packet)
        ours, theirs = _hub(raw), _device(raw)
        if kind is FrameType.ACC and ours is not None and (ours[0] or ours[1]):
            ours = None  # the hub, which gets no ACC, leaves that Seq and Retran are 0 to its reader
        require(ours == theirs, "hub and device differ")
    if data:  # no link hands on a frame of no bytes
        _survives(data)


def _survives(data: bytes) -> None:
    for read, error in ((decode_packet, RemoteError), (packets.decode, DropError)):
        with contextlib.suppress(error):
            read(data)
