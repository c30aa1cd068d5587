"""The paths that a relay keeps: which number of its asker leads to which ward, and what waits on it (protocol.md 10).

A relay sees types and lengths of inner frames, and the sid of a REQ. It reads nothing else of them.
"""

from .. import frames
from ..crypto import u16
from ..errors import FrameError
from ..frames import HEADER_BYTES
from ..path import MAX_INNER, RELAY_HEAD_BYTES
from . import limits

TO_WARD = frames.WITHOUT_MAC + frames.WITH_MAC + (frames.R1,)  # every known type, but no ``paper``
FROM_WARD = TO_WARD + (frames.RAND,)  # a relay behind this one makes these
SID_AT = HEADER_BYTES + 1 + 32  # of a REQ with no suites: behind count, identity and nonce
RANDOM_BYTES = 23  # sid, Seq, R


def ttl_and_inner(body, kinds):
    """Return what is left of the ttl, and the inner frame; FrameError unless both may be passed on, and it is of these types."""
    inner = body[RELAY_HEAD_BYTES:]
    if not HEADER_BYTES <= len(inner) <= MAX_INNER or inner[0] not in kinds:
        raise FrameError("RELAY")
    if body[RELAY_HEAD_BYTES - 1] <= 1:
        raise FrameError("ttl")
    return body[RELAY_HEAD_BYTES - 1] - 1, inner


class Bucket:
    """A limit of frames per second that lets a burst pass."""

    def __init__(self, now):
        self._level = limits.BURST * 1000
        self._at = now

    def take(self, now):
        """Return whether one more frame may pass."""
        self._level = min(limits.BURST * 1000, self._level + limits.RATE * (now - self._at))
        self._at = now
        if self._level < 1000:
            return False
        self._level -= 1000
        return True


class Route:
    """One path: from who asked for it, by its number, to a hop, by ours."""

    def __init__(self, peer, head, identity, lower, now):
        self.peer = peer  # of the device: a hub, or a relay
        self.head = head  # the number, as that side writes it
        self.identity = identity  # of the far side; of an unknown one its first 4 bytes and zeros
        self.lower = u16(lower)
        self.hop = None
        self.open = False  # the far side has confirmed it, on the present link
        self.opened = False  # it has done so before
        self.adopting = False  # a key has to be made first, since it was last open
        self.crowded = False  # more was to be carried than may be
        self.down = []  # what waits for it: ttl and inner frame
        self.listening = False  # for the far side's broadcast, which it cannot send while we are connected
        self.deadline = now + limits.PATH_TIME  # for opening it
        self.from_hub, self.from_ward = Bucket(now), Bucket(now)
        self.batch_at = None  # when the first random packet of the batch came
        self._batch = b""
        self._sid = None
        self._last = None

    # --- the far side's broadcast ------------------------------------------------------------------------------

    def requested(self, inner):
        """A REQ of the far side goes by: its sid names the broadcast that will follow."""
        at = SID_AT + inner[HEADER_BYTES]
        self._sid = inner[at] if at < len(inner) else None

    def random(self, packet, now):
        """Take one random packet (sid, Seq, R); return whether the batch is full."""
        if not self.listening or packet[0] != self._sid or packet == self._last:
            return False
        if not self._batch:
            self.batch_at = now
        self._last = packet
        self._batch += packet
        return len(self._batch) >= RANDOM_BYTES * limits.BATCH_PACKETS

    def take_batch(self):
        """Return the inner frame of the batch, or None; the batch is empty then."""
        batch, self._batch, self.batch_at = self._batch, b"", None
        return frames.encode_head(frames.RAND, batch) if batch else None
