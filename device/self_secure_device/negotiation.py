"""The initiator's side of one key negotiation (protocol.md 5; the paper's Alice, formulas (6) to (10)).

Frames go in with the time; the answer to send comes back. The caller must have the new key on disk, flagged
uncommitted, before it lets OPEN leave: OPEN is the answer that comes back together with ``root``.
"""

from . import keys, messages, tables
from .errors import StateError
from .machine import Machine
from .request import Request, Secrets
from .session import Session
from .suites import SUITES


def begin(identity, parameters, urandom, now):
    """Return a negotiation whose request is to be sent."""
    return Negotiation(Request(identity, parameters, Secrets.draw(urandom)), urandom(16), now)


class Negotiation(Machine):
    """One REQ → ACC → broadcast → RSP → ACK → END → OPEN with one responder of suite ``hybrid`` or ``loss``."""

    def __init__(self, request, secret, now):
        super().__init__(request, now)
        self.secret = secret  # r_I, 16 bytes
        self.shared = b""  # DH
        self.transcript = request.transcript
        self._agreement = None  # from RSP on

    def sibling(self, urandom, now):
        """Return a negotiation with another hub over the same request."""
        return Negotiation(self.request, urandom(16), now)

    def begin(self, root):
        """Return what is stored of the new pairing's root, and the session that starts from it."""
        return keys.store_key(root), Session(self.suite, 0, root)

    # --- handlers, named in tables.NEGOTIATION -----------------------------------------------------------------

    def _accepted(self, frame, now):
        accept = messages.Accept(frame.message)
        offered = self.request.parameters
        if accept.suite_id not in offered.suites or accept.n_max > offered.n_max:
            raise StateError("not what REQ offered")
        if self.request.only is not None and not (accept.relay and accept.identity == self.request.only):
            raise StateError("not the relay that was named")
        suite = SUITES[accept.suite_id]
        if not accept.key_fits(suite.uses_x25519):
            raise StateError("public key does not fit the suite")
        shared = self.request.exchange(suite, accept.public)
        self._admit(accept.identity, accept.relay)
        self.suite, self.shared, self.accept, self.relay = suite, shared, accept, accept.relay
        self.extend(frame.head)  # th_2
        self.state = tables.BROADCASTING
        self.deadline = self._cap = now + self._broadcast_cap()

    def _responded(self, frame, now):
        if self._agreement is None:
            from .agreement import Agreement  # noqa: PLC0415  # a small heap pays for it while it is needed

            self._agreement = Agreement(self)
        return self._agreement.responded(frame, now)

    def _tagged(self, frame, now):
        return self._agreement.tagged(frame, now)

    def _confirmed(self, frame, now):
        return self._agreement.confirmed(frame, now)

    # --- steps -------------------------------------------------------------------------------------------------

    def extend(self, head):
        """Take one more frame, without its MAC, into the transcript."""
        self.transcript = keys.transcript_add(self.transcript, head)

    def forget(self):
        """Forget every secret."""
        super().forget()
        self.secret = None
        self.shared = b""
        self._agreement = None
