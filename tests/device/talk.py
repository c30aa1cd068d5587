"""A relay's responder and the device that it talks to, without links."""

from collections.abc import Iterable
from itertools import takewhile
from typing import Any

from self_secure_device import frames
from self_secure_device.relay import limits, tables
from self_secure_device.relay.responder import Responder
from tests.device.bench import Port
from tests.device.relay_bench import FarDevice

OWN = b"R" * 16
ALL = (0x11, 0x01)


class Talk:
    """A responder and the device that it talks to."""

    def __init__(self, far: FarDevice | None = None, suites: tuple[int, ...] = ALL) -> None:
        self.far = far or FarDevice("a")
        self.now = 0
        self.responder: Any = Responder(OWN, Port().urandom, suites, lambda identity: identity == self.far.identity, 0)

    def give(self, raw: bytes) -> bytes | None:
        """Hand a frame over; return the answer."""
        answer: bytes | None = self.responder.receive(frames.decode(raw), self.now)
        return answer

    def request(self) -> bytes:
        """REQ; return ACC, which the device has taken."""
        accept = self.give(self.far.request.frame)
        assert accept is not None
        self.far.take(accept)
        return accept

    def hear(self, numbers: Iterable[int], value: bytes | None = None) -> None:
        """Let some random packets be heard, forged ones with another content."""
        for seq in numbers:
            self.responder.random(seq, self.far.packet(seq, value)[11:], self.now)

    def hear_until_enough(self, numbers: Iterable[int]) -> None:
        """Let packets be heard until the set is enough."""
        self.hear(takewhile(lambda _: self.responder.state == tables.COLLECTING, numbers))
        assert self.responder.state == tables.RESPONDED

    def reach(self, state: str) -> bytes:
        """Go on up to a state; return the last frame of the responder."""
        last = self.request()
        if state != tables.COLLECTING:
            self.hear(range(limits.PACKETS))
            last = self.responder.last
        if state == tables.ENDED:
            end = self.give(self.far.take(last))
            assert end is not None
            last = end
        assert self.responder.state == state
        return last

    def wait(self, milliseconds: int) -> None:
        """Let time pass."""
        self.now += milliseconds
        self.responder.poll(self.now)
