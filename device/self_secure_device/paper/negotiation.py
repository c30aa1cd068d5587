"""The paper's Alice: REQ, ACC, broadcast, RSP, ACK, END over the table and ``machine.py`` (protocol.md 8).

There is no OPEN: the new key is on disk, uncommitted, when END has verified.
"""

from .. import frames, limits, sets, tables
from ..crypto import equal, hmac, sha256, u16
from ..errors import FrameError, TagError
from ..machine import Machine, Shared
from ..messages import IDENTITY_BYTES
from ..session import TO_INITIATOR, TO_RESPONDER
from . import chains, formulas, packets

MIN_IDENTITY_BYTES = 6  # a MAC address, which the paper's Bob and Alice check for
MIN_PACKETS = 20  # N_r, a constant of the suite
RANDOM_BYTES = 20  # R: what an advertisement has room for


def begin_paper(suite, identity, parameters, urandom, now):
    """Return a negotiation whose request is to be sent."""
    return PaperNegotiation(suite, PaperRequest(identity, parameters, urandom), urandom, now)


class PaperRequest(Shared):
    """REQ and the random messages behind it, which a seed in memory stands for until it is wiped."""

    def __init__(self, identity, parameters, urandom):
        super().__init__()
        self.parameters = parameters
        self.sid = sha256(identity)[0]
        self.transcript = b""  # this suite has none
        self.frame = packets.hashed(frames.REQ, identity, urandom(packets.RAND_BYTES + packets.SEED_BYTES))
        self._seed = urandom(32)

    def random(self, suite, seq):
        """m[i]: 20 bytes."""
        return hmac(self._seed, u16(seq))[:RANDOM_BYTES]

    def wipe(self):
        """Forget the random messages."""
        self._seed = None


class PaperNegotiation(Machine):
    """One REQ → ACC → broadcast → RSP → ACK → END with one responder; the root handed over is K_0."""

    paper = True

    def __init__(self, suite, request, urandom, now):
        super().__init__(request, now)
        self.suite = suite
        self._urandom = urandom

    def sibling(self, urandom, now):
        """Return a negotiation with another hub over the same request."""
        return PaperNegotiation(self.suite, self.request, urandom, now)

    def begin(self, root):
        """Return what is stored of K_0, and the session that starts from it."""
        first = [formulas.direction_key(root, TO_RESPONDER), formulas.direction_key(root, TO_INITIATOR)]
        return chains.first_store((0, 0), first), chains.PaperSession((0, 0), first)

    # --- handlers, named in tables.NEGOTIATION -----------------------------------------------------------------

    def _accepted(self, packet, now):
        identity = packet.message
        if not MIN_IDENTITY_BYTES <= len(identity) <= IDENTITY_BYTES:
            raise FrameError("ACC carries an address or an identity")
        self._admit(identity + bytes(IDENTITY_BYTES - len(identity)))  # R0 names R by 16 bytes
        self.accept = self.request.parameters
        self.state = tables.BROADCASTING
        self.deadline = self._cap = now + self._broadcast_cap()

    def _responded(self, packet, now):
        if not self.alone:
            raise TagError("RSP")  # its MAC names no hub: ACC has to come before it once more
        numbers = sets.decode_deltas(packet.message)
        if numbers and numbers[-1] >= self.request.parameters.n_max:
            raise FrameError("Seq out of bounds")
        if len(numbers) < MIN_PACKETS:
            return self.fail("too few packets")
        initial = formulas.initial_key(self.random(seq) for seq in numbers)
        derived = formulas.derived_key(initial)
        if not equal(formulas.response_tag(derived, packet.message), packet.mac):
            return self.fail("wrong MAC")
        return self._confirm(initial, derived, now)

    def _confirmed(self, packet, now):
        if packet.message or not equal(self.keys[1], packet.mac):
            raise TagError("END")
        self.root = self.keys[0]
        self.forget()
        self.state = tables.OPENED
        self.deadline = now + limits.OPEN_TIME

    # --- steps -------------------------------------------------------------------------------------------------

    def _confirm(self, initial, derived, now):
        """Return ACK; keep K_0 and the tail that END must have (10)."""
        rand, seed = self._urandom(packets.RAND_BYTES), self._urandom(packets.SEED_BYTES)
        self.keys = (initial, formulas.end_tag(derived, rand))
        self.state = tables.ACKNOWLEDGED
        self.deadline = now + 2 * limits.T_3 + self.request.parameters.wait * limits.SECOND
        return packets.encode(frames.ACK, packets.pad(frames.ACK, b"", rand, seed), formulas.acknowledge_tag(derived, rand))
