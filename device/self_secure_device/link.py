"""One connection: fragments in, fragments out (protocol.md 3). Disconnecting discards both ways."""

from . import frames
from .limits import MAX_BODY

MAX_OUTGOING = 64  # frames; more means that the radio has stopped taking any


class Link:
    """The core's half of a connection; the glue moves its fragments."""

    max_body = MAX_BODY  # of a message over it

    def __init__(self, mtu=frames.MIN_MTU):
        self.mtu = mtu
        self.subscribed = False
        self.used_at = 0  # when something went over it
        self.hellos = 0  # R0 so far
        self.negotiation = None  # the one that a frame over this link belonged to
        self.assembler = frames.Assembler()
        self._frames = []
        self._fragments = []

    def send(self, raw):
        """Queue one whole frame; when the radio takes none, the newest is dropped as a full radio would."""
        if len(self._frames) < MAX_OUTGOING:
            self._frames.append(raw)

    @property
    def waiting(self):
        """Whether a fragment waits for the radio."""
        return bool(self._fragments or self._frames)

    def next_fragment(self):
        """Return the next fragment for a notification, or None. Cut late: the MTU may have grown meanwhile."""
        if not self._fragments and self._frames:
            self._fragments = frames.fragments(self._frames.pop(0), self.mtu - frames.ATT_OVERHEAD)
        return self._fragments.pop(0) if self._fragments else None
