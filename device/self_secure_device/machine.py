"""What every suite's negotiation has: states, timers, the broadcast, and answers that are given once (protocol.md 5)."""

from . import limits, tables
from .errors import StateError, TagError
from .waiting import Waiting

NAK_CAUSES = {1: "too few packets", 2: "conflicts", 3: "suite below the floor", 4: "wrong MAC", 5: "busy", 6: "refused"}


class Shared:
    """What all negotiations over one REQ share: the broadcast, and who has answered."""

    def __init__(self):
        self.only = None  # the relay that alone may answer, or None for anybody
        self.users = 0  # negotiations that need the secrets
        self.answered = []  # identities of the hubs that a negotiation runs with
        self.sent = 0  # random packets on the air so far, the next Seq

    def admits(self, identity, relay):
        """Return whether there is room for a key of this hub or relay; who holds the keys puts its own in place."""
        return True


class Machine(Waiting):
    """One negotiation of the initiator with one responder; what the packets carry is the suites' own.

    The root is there from OPENED on, until the caller takes it with ``take_root``.
    """

    def __init__(self, request, now):
        super().__init__(request.answered, tables.REQUESTED, now + limits.T_H)
        request.users += 1
        self._holds = True  # the request's secrets
        self.alone = True  # no other negotiation can be meant by the frame at hand
        self.request = request
        self.root = None
        self.accept = None  # bounds: n_max, minimum
        self.keys = None  # of what follows ACK
        self._cap = self.deadline  # of the broadcast

    # --- what the round tells ----------------------------------------------------------------------------------

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
        super().fail(cause)
        self.forget()
        self.root = None

    def rest(self):
        """Return what waits on for the hub's user once the key is there; everything else is not needed any more."""
        rest = Waiting(self.answered, self.state, self.deadline)
        rest.paper, rest.relay, rest.suite, rest.identity, rest.code = self.paper, self.relay, self.suite, self.identity, self.code
        rest.answers = self.answers
        return rest

    # --- output ------------------------------------------------------------------------------------------------

    @property
    def joinable(self):
        """Whether another hub may still answer this request: its secrets are there, and half of the packets are still to come."""
        return self._holds and 2 * self.request.sent <= self.request.parameters.n_max

    def take_root(self):
        """Hand RK_0 over, once."""
        root, self.root = self.root, None
        return root

    def next_random(self):
        """Return (sid, Seq, R) of the next random packet, or None when there is nothing to broadcast."""
        if self.state != tables.BROADCASTING or self.request.sent >= self.accept.n_max:
            return None
        seq = self.request.sent
        self.request.sent = seq + 1
        return self.request.sid, seq, self.random(seq)

    @property
    def broadcasting(self):
        """Whether ``next_random`` has a packet."""
        return self.state == tables.BROADCASTING and self.request.sent < self.accept.n_max

    # --- for the suites ----------------------------------------------------------------------------------------

    def _admit(self, identity, relay=False):
        """Take the hub that has answered; StateError when it did so before, or there is no room for its key."""
        if identity in self.answered or not self.request.admits(identity, relay):
            raise StateError("another ACC of this hub, or no room for its key")
        self.answered.append(identity)
        self.identity = identity

    def reject(self, cause):
        """A frame that does not fit: it may be meant for another negotiation (TagError), else this one fails."""
        if not self.alone:
            raise TagError(cause)
        return self.fail(cause)

    def _refused(self, frame, now):
        if len(frame.message) != 1 or frame.message[0] not in NAK_CAUSES or not self.alone:
            raise StateError("unknown reason, or nobody knows whose")
        self.fail(NAK_CAUSES[frame.message[0]])

    def _broadcast_cap(self):
        t_1 = limits.t_1(self.accept.n_max, self.request.parameters.interval)
        return 2 * t_1 + 2 * limits.T_2

    def random(self, seq):
        """R_i: 20 bytes."""
        return self.request.random(self.suite, seq)

    def forget(self):
        """Forget every secret; those of the request when no other negotiation needs them."""
        if self._holds:
            self._holds = False
            self.request.users -= 1
            if not self.request.users:
                self.request.wipe()
        self.keys = None
