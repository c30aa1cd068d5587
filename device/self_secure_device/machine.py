"""What every suite's negotiation has: states, timers, the broadcast, and answers that are given once (protocol.md 5)."""

from . import frames, limits, tables
from .crypto import sha256
from .errors import StateError, TagError

NAK_CAUSES = {1: "too few packets", 2: "conflicts", 3: "suite below the floor", 4: "wrong MAC", 5: "busy", 6: "refused"}
TIMEOUT_CAUSES = {
    tables.REQUESTED: "timeout",
    tables.BROADCASTING: "no RSP",
    tables.TAGGING: "no TAGS",
    tables.ACKNOWLEDGED: "no END",
    tables.OPENED: "unconfirmed",
}


class Shared:
    """What all negotiations over one REQ share: the broadcast, and who has answered."""

    def __init__(self):
        self.only = None  # the relay that alone may answer, or None for anybody
        self.users = 0  # negotiations that need the secrets
        self.answered = []  # identities of the hubs that a negotiation runs with
        self.sent = 0  # random packets on the air so far, the next Seq

    def admits(self, identity):
        """Return whether there is room for a key of this hub; who holds the keys puts its own in place."""
        return True


class Machine:
    """One negotiation of the initiator with one responder; what the packets carry is the suites' own.

    ``failure`` names the cause once the state is ENDED; ``code`` (six digits, or None where the suite shows none) and the
    root are there from OPENED on, the root until the caller takes it with ``take_root``.
    """

    paper = False
    relay = False  # whether R only carries: no code of its is shown

    def __init__(self, request, now):
        request.users += 1
        self._holds = True  # the request's secrets
        self._alone = True  # no other negotiation can be meant by the frame at hand
        self.request = request
        self.state = tables.REQUESTED
        self.suite = None
        self.identity = None  # id_R
        self.failure = None
        self.code = None
        self.deadline = now + limits.T_H
        self._root = None
        self._accept = None  # bounds: n_max, minimum
        self._keys = None  # of what follows ACK
        self._cap = self.deadline  # of the broadcast
        self._answers = {}

    # --- input -------------------------------------------------------------------------------------------------

    def receive(self, frame, now, alone=True):
        """Take one frame; return the frame to send, or None. DropError when it changes nothing.

        Unless ``alone``, it may be meant for another negotiation: then one that does not fit ends nothing.
        """
        if frame.paper != self.paper and frame.kind != frames.NAK:
            raise StateError("another suite's frame")
        seen = sha256(frame.raw)
        if seen in self._answers:
            return self._answers[seen]
        name = tables.handler(tables.NEGOTIATION, self.state, frame.kind)
        self._alone = alone
        answer = getattr(self, "_" + name)(frame, now)
        if frame.kind != frames.NAK:
            self._answers[seen] = answer
        return answer

    def expects(self, frame):
        """Return whether such a frame, or a repeat of one, could be meant for this negotiation."""
        return (self.state, frame.kind) in tables.NEGOTIATION or sha256(frame.raw) in self._answers

    def expire(self, now):
        """End with the cause of the present state when its cap has passed."""
        if self.state != tables.ENDED and now >= self.deadline:
            self.fail(TIMEOUT_CAUSES[self.state])

    def contacted(self, now):
        """R connected again: if it has forgotten this negotiation, its silence must not cost the whole broadcast."""
        if self.state == tables.BROADCASTING:
            self.deadline = min(self.deadline, now + 2 * limits.T_2)

    def left(self):
        """R hung up: the broadcast has its own cap again."""
        if self.state == tables.BROADCASTING:
            self.deadline = self._cap

    def fail(self, cause):
        """End for ``cause`` and forget every secret."""
        self.failure = cause
        self.state = tables.ENDED
        if self.identity in self.request.answered:
            self.request.answered.remove(self.identity)  # it may answer again
        self._forget()
        self._root = None
        self._answers = {}

    def end(self):
        """End well: R's first valid frame under the new key has come."""
        self.fail(None)

    # --- output ------------------------------------------------------------------------------------------------

    @property
    def joinable(self):
        """Whether another hub may still answer this request: its secrets are there, and half of the packets are still to come."""
        return self._holds and 2 * self.request.sent <= self.request.parameters.n_max

    @property
    def leaves_link(self):
        """Whether its hub has nothing to say on the link for now."""
        return self.state in (tables.BROADCASTING, tables.OPENED)

    @property
    def running(self):
        """Whether this negotiation still waits for something."""
        return self.state != tables.ENDED

    def take_root(self):
        """Hand RK_0 over, once."""
        root, self._root = self._root, None
        return root

    def next_random(self):
        """Return (sid, Seq, R) of the next random packet, or None when there is nothing to broadcast."""
        if self.state != tables.BROADCASTING or self.request.sent >= self._accept.n_max:
            return None
        seq = self.request.sent
        self.request.sent = seq + 1
        return self.request.sid, seq, self._random(seq)

    @property
    def broadcasting(self):
        """Whether ``next_random`` has a packet."""
        return self.state == tables.BROADCASTING and self.request.sent < self._accept.n_max

    # --- for the suites ----------------------------------------------------------------------------------------

    def _admit(self, identity):
        """Take the hub that has answered; StateError when it did so before, or there is no room for its key."""
        if identity in self.request.answered or not self.request.admits(identity):
            raise StateError("another ACC of this hub, or no room for its key")
        self.request.answered.append(identity)
        self.identity = identity

    def _reject(self, cause):
        """A frame that does not fit: it may be meant for another negotiation (TagError), else this one fails."""
        if not self._alone:
            raise TagError(cause)
        return self.fail(cause)

    def _refused(self, frame, now):
        if len(frame.message) != 1 or frame.message[0] not in NAK_CAUSES or not self._alone:
            raise StateError("unknown reason, or nobody knows whose")
        self.fail(NAK_CAUSES[frame.message[0]])

    def _broadcast_cap(self):
        t_1 = limits.t_1(self._accept.n_max, self.request.parameters.interval)
        return 2 * t_1 + 2 * limits.T_2

    def _random(self, seq):
        return self.request.random(self.suite, seq)

    def _forget(self):
        """Forget every secret; those of the request when no other negotiation needs them."""
        if self._holds:
            self._holds = False
            self.request.users -= 1
            if not self.request.users:
                self.request.wipe()
        self._keys = None
