"""Hub and device read a frame alike or both refuse it, with no other error, and the frame and its Message write the same bytes again."""

from typing import Any

from custom_components.self_secure.protocol.errors import MalformedError
from custom_components.self_secure.protocol.packets import Acceptance, Challenge, Frame, FrameType, Offer, Request, Selection
from self_secure_device import frames, messages
from self_secure_device.errors import FrameError

from .check import require

MESSAGES: dict[FrameType, Any] = {
    FrameType.REQ: Request,
    FrameType.ACC: Acceptance,
    FrameType.R0: Challenge,
    FrameType.R1: Offer,
    FrameType.R2: Selection,
}
DEVICE_MESSAGES: dict[FrameType, Any] = {FrameType.ACC: messages.Accept, FrameType.R0: messages.Hello, FrameType.R2: messages.NewEpoch}
SHORTEST_R1 = 33  # up to the count of its entries; the hub refuses a shorter one with its Message


def _hub(data: bytes) -> Frame | None:
    try:
        return Frame.decode(data)
    except MalformedError:
        return None


def _device(data: bytes) -> Any:
    try:
        return frames.decode(data)
    except FrameError:
        return None


def run(data: bytes) -> None:
    """Read `data` as a whole frame and its Message."""
    ours, theirs = _hub(data), _device(data)
    if ours is None:
        require(theirs is None, "only the device reads this frame")
        return
    require(ours.encode() == data, "frame is not written as it was read")
    _compare(ours, theirs)
    _message(ours)


def _compare(ours: Frame, theirs: Any) -> None:
    if ours.type is FrameType.RAND or (ours.type is FrameType.R1 and len(ours.message) < SHORTEST_R1):
        require(theirs is None, "a type that has no place on a link")
        return
    require(theirs is not None, "only the hub reads this frame")
    fields = (theirs.kind, theirs.retran, theirs.seq, theirs.message, theirs.mac)
    require(fields == (ours.type, ours.retran, ours.seq, ours.message, ours.mac), "fields differ")


def _message(frame: Frame) -> None:
    kind = MESSAGES.get(frame.type)
    try:
        read = kind.decode(frame) if kind else None
    except MalformedError:
        read = None
    if read is not None:
        require(read.encode().message == frame.message, "Message is not written as it was read")
    if frame.type in DEVICE_MESSAGES:
        require(_readable(frame) == (read is not None), "only one side reads this Message")


def _readable(frame: Frame) -> bool:
    try:
        DEVICE_MESSAGES[frame.type](frame.message)
    except FrameError:
        return False
    return True
