"""When this device asks for a key (protocol.md 5, rules 5 to 7 and 10); the negotiations themselves are a ``round``."""

from . import limits
from .errors import DeviceError, StateError
from .keyring import carried
from .suites import find

NO_ROOM = "too many pairings: let their hub answer one, or forget it, or reset this device"


def earliest(one, other):
    """Return the earlier of two times, of which each may be None."""
    return other if one is None else one if other is None else min(one, other)


class Pairing:
    """The wish for a key, and the negotiations that come of it. ``host`` is the device: emit, urandom, keyring, opened."""

    def __init__(self, host, parameters):
        self.host = host
        self._parameters = parameters
        self._link = None  # the one that a REQ may go over
        self._wanted_until = None  # a local action asked for a new pairing
        self.only = None  # it was a hub that asked, for a relay's key: the identity of who alone may answer
        self._hold_until = 0  # an uncommitted key waits this long for its hub's first frame
        self._failures = 0
        self.request_at = None  # when the next REQ may go
        self.round = None  # what runs

    @property
    def running(self):
        """Whether a negotiation waits for something."""
        return self.round is not None

    @property
    def negotiations(self):
        """Those that wait for something, the oldest first."""
        return self.round.negotiations if self.running else []

    @property
    def negotiation(self):
        """The negotiation that has been running for the longest time, or None."""
        return self.round.negotiations[0] if self.running else None

    @property
    def on_air(self):
        """The negotiation that has random packets to broadcast, for all that share its request, or None."""
        return self.round.on_air if self.running else None

    @property
    def interval(self):
        """The pace of the random packets in ms, as REQ announces it."""
        return self._parameters.interval

    @property
    def deadline(self):
        """When ``poll`` wants to be called, or None."""
        first = earliest(self._wanted_until, self.request_at if self._may_request() else None)
        return earliest(first, self.round.deadline) if self.running else first

    def _may_request(self):
        wanted = self._wanted_until is not None or self.host.keyring.committed() is None
        if self.only and self._link is not self.host.link:  # a relay is never at the end of a path
            return False
        return self._link is not None and wanted and len(self.negotiations) < limits.MAX_NEGOTIATIONS

    # --- what happens ------------------------------------------------------------------------------------------

    def wanted(self, now):
        """Take the local action (a button) that starts a new pairing; running ones end."""
        self._check_room()
        if self.running:
            self.round.cancel(now)
        self._failures = 0
        self._wanted_until, self.only = now + limits.PAIR_WINDOW, None
        self.request_at = max(now, self._hold_until)
        self.poll(now)

    def invite(self, relay, now):
        """A hub of ours names a relay that may carry for it: at the next contacts we ask for a key, and take only that one's.

        The last one named counts; a person's wish, and what runs already, go first.
        """
        if not ((self._wanted_until and not self.only) or self.running or self._parameters.paper):
            self._wanted_until, self.only = now + limits.PAIR_WINDOW, relay

    def _check_room(self):
        entries, suite = self.host.keyring.entries, find(self._parameters.suites[0])
        if entries and entries[0].suite.paper != suite.paper:
            raise DeviceError("the suite paper never mixes with another: reset this device first")
        for identity in self.host.keyring.hubs:
            if not self.admits(identity):  # it might be the one that answers
                raise DeviceError(NO_ROOM)

    def admits(self, identity):
        """Return whether there is room for a key of this hub."""
        return self.host.keyring.admits(identity, [machine.identity for machine in self.negotiations])

    def contacted(self, link, now):
        """Somebody has subscribed: ask for a key, or go on where the last connection ended."""
        self._link = link
        self._hold_until = now + self._hold()
        self.request_at = self._hold_until
        if self.running:
            self.round.poll(now)  # nobody has polled since: an expired REQ must not go out once more
        if self.running:
            self.request_at = max(self._hold_until, now + limits.JOIN_DELAY)
            self.round.contacted(link, now)
        self.poll(now)

    def _hold(self):
        """How long a REQ waits for who has connected: VERIFIED or R0 may be on its way, or it is a relay, which wants none."""
        if self.host.keyring.uncommitted:
            return limits.KEY_HOLD_DELAY
        return limits.JOIN_DELAY if self.only or carried(self.host.keyring.entries) else 0

    def met(self, peer, link, proven):
        """A peer has shown who it is: no REQ is for a relay, for a hub that a negotiation runs with, or for a hub when it named a relay."""
        if proven and peer.identity == self.only and not self.running:
            self._wanted_until = self.only = None  # it has a key already
        if link is self._link and (peer.relay or self.only or (self.running and self.round.find(peer.identity))):
            self.request_at = None

    def lost(self, link):
        """A link is gone; the broadcast can go on."""
        if link is self._link:
            self._link = None
        if self.running:
            self.round.left()

    def poll(self, now):
        """End what has timed out and send REQ when it is due."""
        if self._wanted_until is not None and now >= self._wanted_until:
            self._wanted_until = self.only = None
        if self.running:
            self.round.poll(now)
        if self._may_request() and self.request_at is not None and now >= self.request_at:
            self._request(now)

    def receive(self, frame, link, now):
        """Take a frame of phase 0; DropError when it changes nothing."""
        if not self.running:
            raise StateError("no negotiation")
        self.round.receive(frame, link, now)

    def settle(self, now):
        """Store the key that the last frame may have led to."""
        if self.running:
            self.round.settle(now)

    def committed(self, identity):
        """A hub's first valid frame under the new key has come: the negotiation with it is over."""
        if self.running:
            self.round.end(identity)
        if not self.running:
            self._wanted_until = self.only = None
        self._failures = 0

    def superseded(self, identity, now):
        """A resume under an older key has dropped the one that waited for its hub's answer."""
        if self.running:
            self.round.supersede(identity, now)

    def abandon(self):
        """Forget everything: factory reset."""
        for machine in self.negotiations:
            machine.fail("refused")
        link = self._link
        self.__init__(self.host, self._parameters)
        self._link = link

    # --- steps -------------------------------------------------------------------------------------------------

    def _request(self, now):
        self.request_at = None
        try:
            self._check_room()
        except DeviceError as error:
            self.host.emit("error", str(error), None)
            return
        if not self.running:
            from .round import Round  # noqa: PLC0415  # a small heap pays for it while it is needed

            self.round = Round(self, self._parameters)
        self.round.ask(self._link, now)

    def failed(self, machine, now):
        """A negotiation has failed; if it was the last one, ask again after T_W."""
        if not self.running:
            wait = min(limits.T_W << min(self._failures, 8), limits.T_W_MAX)  # 8: already beyond the longest wait
            spread = int.from_bytes(self.host.urandom(2), "big") % (2 * limits.T_W_JITTER + 1) - limits.T_W_JITTER
            self.request_at = now + wait * (100 + spread) // 100
            self._failures += 1
        self.host.emit("pairing_failed", machine.failure, machine.identity)

    def forgotten_by(self, now):
        """A hub was silent on this connection about a broadcast that is over: it waits for a new REQ."""
        if self._link is not None and not self.running:
            self.request_at = now
