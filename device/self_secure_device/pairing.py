"""When this device asks for a key, and the negotiation that follows (protocol.md 5, rules 5 to 7 and 10)."""

from . import limits, tables
from .errors import DeviceError, StateError, StorageError
from .suites import find


def earliest(one, other):
    """Return the earlier of two times, of which each may be None."""
    return other if one is None else one if other is None else min(one, other)


class Pairing:
    """At most one running negotiation. ``host`` is the device: send_frame, emit, urandom, keyring, opened, link."""

    def __init__(self, host, parameters):
        self._host = host
        self._parameters = parameters
        self._wanted_until = None  # a local action asked for a new pairing
        self._request_at = None  # when the next REQ may go
        self._hold_until = 0  # an uncommitted key waits this long for its hub's first frame
        self._failures = 0
        self.negotiation = None

    @property
    def running(self):
        """Whether a negotiation waits for something."""
        return self.negotiation is not None and self.negotiation.running

    @property
    def interval(self):
        """The pace of the random packets in ms, as REQ announces it."""
        return self._parameters.interval

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or None."""
        first = earliest(self._wanted_until, self._request_at if self._may_request() else None)
        return earliest(first, self.negotiation.deadline if self.running else None)

    def _may_request(self):
        link = self._host.link
        wanted = self._wanted_until is not None or self._host.keyring.committed is None
        return link is not None and link.subscribed and wanted and not self.running

    # --- what happens ------------------------------------------------------------------------------------------

    def wanted(self, now):
        """Take the local action (a button) that starts a new pairing; a running one ends."""
        self._check_room()
        if self.running:
            self._end("cancelled", now)
        self._failures = 0
        self._wanted_until = now + limits.PAIR_WINDOW
        self._request_at = max(now, self._hold_until)
        self.poll(now)

    def _check_room(self):
        entries, suite = self._host.keyring.entries, find(self._parameters.suites[0])
        if entries and entries[0].suite.paper != suite.paper:
            raise DeviceError("the suite paper never mixes with another: reset this device first")
        if len(entries) >= suite.max_keys:
            raise DeviceError("too many pairings without an answer: resume or reset this device")

    def contacted(self, now):
        """The hub has subscribed: ask it, or go on where the last connection ended."""
        self._hold_until = now + (limits.KEY_HOLD_DELAY if self._host.keyring.uncommitted else 0)
        if self.running and now >= self.negotiation.deadline:
            self._expire(now)  # nobody has polled since: its REQ must not go out once more
        if not self.running:
            self._request_at = self._hold_until
        elif self.negotiation.state == tables.REQUESTED:
            self._host.send_frame(self.negotiation.request.frame)  # byte for byte: it may have been lost with the link
        else:
            self.negotiation.contacted(now)
        self.poll(now)

    def lost(self):
        """The connection is gone; the broadcast can go on."""
        if self.running:
            self.negotiation.left()

    def poll(self, now):
        """End what has timed out and send REQ when it is due."""
        if self._wanted_until is not None and now >= self._wanted_until:
            self._wanted_until = None
        if self.running and now >= self.negotiation.deadline:
            self._expire(now)
        if self._may_request() and self._request_at is not None and now >= self._request_at:
            self._request(now)

    def receive(self, frame, now):
        """Take a frame of phase 0; DropError when it changes nothing."""
        if not self.running:
            raise StateError("no negotiation")
        answer = self.negotiation.receive(frame, now)
        if not self.negotiation.running:
            self._failed(now)
        elif self._stored(now) and answer:
            self._host.send_frame(answer)

    def committed(self):
        """R's first valid frame under the new key has come: the negotiation is over."""
        if self.running:
            self.negotiation.end()
        self.negotiation = None
        self._wanted_until = None
        self._failures = 0

    def superseded(self, now):
        """A resume under an older key has dropped the one that waited for its answer."""
        if self.running and self.negotiation.state == tables.OPENED:
            self._end("refused", now)

    def abandon(self):
        """Forget everything: factory reset."""
        if self.running:
            self.negotiation.fail("refused")
        self.__init__(self._host, self._parameters)

    # --- steps -------------------------------------------------------------------------------------------------

    def _request(self, now):
        self._request_at = None
        try:
            self._check_room()
        except DeviceError as error:
            self._host.emit("error", str(error))
            return
        suite, identity = find(self._parameters.suites[0]), self._host.keyring.identity
        self.negotiation = suite.begin(identity, self._parameters, self._host.urandom, now)
        self._host.send_frame(self.negotiation.request.frame)

    def _expire(self, now):
        silent = self.negotiation.state == tables.BROADCASTING and self._host.link is not None
        self.negotiation.expire(now)
        self._failed(now)
        if silent:  # R is there and has forgotten: it waits for a new REQ
            self._request_at = now

    def _end(self, cause, now):
        self.negotiation.fail(cause)
        self._failed(now)

    def _failed(self, now):
        cause, self.negotiation = self.negotiation.failure, None
        wait = min(limits.T_W << min(self._failures, 8), limits.T_W_MAX)  # 8: already beyond the longest wait
        spread = int.from_bytes(self._host.urandom(2), "big") % (2 * limits.T_W_JITTER + 1) - limits.T_W_JITTER
        self._request_at = now + wait * (100 + spread) // 100
        self._failures += 1
        self._host.emit("pairing_failed", cause)

    def _stored(self, now):
        """Put the new key on disk when END has just verified: OPEN must not leave before."""
        root = self.negotiation.take_root()
        if root is None:
            return True
        try:
            self._host.opened(self.negotiation, root)
        except StorageError as error:
            self._end(str(error), now)
            return False
        return True
