"""Hub and device put the same frames together from any fragments, none longer than 1,024 bytes, and fragments of theirs always arrive."""

from custom_components.self_secure.protocol.framing import Reassembler, fragment
from custom_components.self_secure.protocol.limits import FRAME_MAX
from self_secure_device.frames import Assembler, fragments

from .check import pieces, require

PAYLOADS = (20, 60, 244)


def run(data: bytes) -> None:
    """Feed pieces of `data` as fragments, then cut all of it into fragments."""
    ours, theirs = Reassembler(), Assembler()
    for piece in pieces(data):
        frame = ours.feed(piece)
        require(frame == theirs.feed(piece), "hub and device differ")
        require(frame is None or 0 < len(frame) <= FRAME_MAX, "a frame of no allowed size")
    _round_trip(data[:FRAME_MAX], PAYLOADS[len(data) % len(PAYLOADS)], ours, theirs)


def _round_trip(frame: bytes, payload: int, ours: Reassembler, theirs: Assembler) -> None:
    if not frame:
        return
    cut = fragment(frame, payload)
    require(cut == fragments(frame, payload), "hub and device cut differently")
    require([ours.feed(piece) for piece in cut][-1] == frame, "the hub does not put it together again")
    require([theirs.feed(piece) for piece in cut][-1] == frame, "the device does not put it together again")
