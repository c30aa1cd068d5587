"""The link as a way for whole frames: cut into fragments and put together again (protocol.md 3)."""

from collections.abc import Callable
from dataclasses import dataclass

from . import framing
from .events import LinkUnneeded, Transmit
from .outbox import Outbox


class Wire:
    """One link at a time; without one, frames go nowhere."""

    def __init__(self, outbox: Outbox) -> None:
        """Write to `outbox`; there is no link yet."""
        self._outbox = outbox
        self._reassembler = framing.Reassembler()
        self._payload: int | None = None  # MTU - 3 of an open link
        self.unanswered = False  # a REQ came over this link while nobody wanted it: the device will not say it again here

    @property
    def is_open(self) -> bool:
        """Tell whether there is a link."""
        return self._payload is not None

    @property
    def discarded(self) -> int:
        """Number of times that fragments did not fit."""
        return self._reassembler.discarded

    def open(self, payload: int) -> None:
        """Begin a link whose fragments have at most `payload` bytes."""
        self._payload, self.unanswered = payload, False
        self._reassembler.reset()

    def close(self) -> None:
        """End the link; half a frame is gone."""
        self._payload = None
        self._reassembler.reset()

    def feed(self, fragment: bytes) -> bytes | None:
        """Take one fragment; return a finished frame or None."""
        return self._reassembler.feed(fragment)

    def transmit(self, frame: bytes) -> None:
        """Send one frame."""
        if self._payload is not None:
            self._outbox.put(*(Transmit(piece) for piece in framing.fragment(frame, self._payload)))

    def let_go(self) -> None:
        """Say that the link is not needed any more."""
        if self._payload is not None:
            self._outbox.put(LinkUnneeded())


@dataclass(frozen=True, slots=True)
class Means:
    """What every part of one connection works with."""

    entropy: Callable[[int], bytes]
    outbox: Outbox
    wire: Wire
