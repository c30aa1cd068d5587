"""A negotiation as a ``round`` knows it, and all that is left of one when its hub's user compares (protocol.md 5)."""

from . import frames, tables
from .crypto import sha256
from .errors import StateError

TIMEOUT_CAUSES = {
    tables.REQUESTED: "timeout",
    tables.BROADCASTING: "no RSP",
    tables.TAGGING: "no TAGS",
    tables.ACKNOWLEDGED: "no END",
    tables.OPENED: "unconfirmed",
}


class Waiting:
    """One negotiation that waits: for a frame, or, once its key is there, only for its hub's first use of it.

    ``failure`` names the cause once the state is ENDED; ``code`` (six digits, or None where the suite shows none) is there from
    OPENED on. ``answered`` are the identities of the hubs that a negotiation over the same REQ runs with.
    """

    paper = False
    relay = False  # whether R only carries: no code of its is shown
    unsaved = None  # what has to be on disk before the last answer may leave

    def __init__(self, answered, state, deadline):
        self.answered = answered
        self.state = state
        self.suite = None
        self.identity = None  # id_R
        self.failure = None
        self.code = None
        self.deadline = deadline
        self.answers = {}  # by the hash of the frame that each answers

    # --- input -------------------------------------------------------------------------------------------------

    def receive(self, frame, now, alone=True):
        """Take one frame; return the frame to send, or None. DropError when it changes nothing.

        Unless ``alone``, it may be meant for another negotiation: then one that does not fit ends nothing.
        """
        if frame.paper != self.paper and frame.kind != frames.NAK:
            raise StateError("another suite's frame")
        seen = sha256(frame.raw)
        if seen in self.answers:
            return self.answers[seen]
        name = tables.handler(tables.NEGOTIATION, self.state, frame.kind)
        self.alone = alone
        answer = getattr(self, "_" + name)(frame, now)
        if frame.kind != frames.NAK:
            self.answers[seen] = answer
        return answer

    def expects(self, frame):
        """Return whether such a frame, or a repeat of one, could be meant for this negotiation."""
        return (self.state, frame.kind) in tables.NEGOTIATION or sha256(frame.raw) in self.answers

    def expire(self, now):
        """End with the cause of the present state when its cap has passed."""
        if self.state != tables.ENDED and now >= self.deadline:
            self.fail(TIMEOUT_CAUSES[self.state])

    def contacted(self, now):
        """R connected again."""

    def left(self):
        """R hung up."""

    def fail(self, cause):
        """End for ``cause``, None when all is well, and forget every secret."""
        self.failure = cause
        self.state = tables.ENDED
        if self.identity in self.answered:
            self.answered.remove(self.identity)  # it may answer again
        self.answers = {}

    # --- output ------------------------------------------------------------------------------------------------

    @property
    def joinable(self):
        """Whether another hub may still answer this request."""
        return False

    @property
    def broadcasting(self):
        """Whether there is a random packet to broadcast."""
        return False

    @property
    def leaves_link(self):
        """Whether its hub has nothing to say on the link for now."""
        return self.state in (tables.BROADCASTING, tables.OPENED)

    @property
    def running(self):
        """Whether this negotiation still waits for something."""
        return self.state != tables.ENDED


class Unsaved:
    """A key that END has just verified: what is stored of it, its session, and what goes out over which link when that is done."""

    def __init__(self, store, session, link, answer):
        self.store = store
        self.session = session
        self.link = link
        self.answer = answer
