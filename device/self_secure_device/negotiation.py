"""The initiator's side of one key negotiation (protocol.md 5; the paper's Alice, formulas (6) to (10)).

Frames go in with the time; the answer to send comes back. The caller must have the new key on disk, flagged
uncommitted, before it lets OPEN leave: OPEN is the answer that comes back together with ``root``.
"""

from array import array

from . import frames, keys, limits, messages, sets, tables
from .crypto import equal, tag
from .errors import StateError, TagError
from .machine import Machine
from .request import Request, Secrets
from .session import Session
from .suites import SUITES

TOO_FEW, WRONG_MAC = "too few packets", "wrong MAC"  # causes


def begin(identity, parameters, urandom, now):
    """Return a negotiation whose request is to be sent."""
    return Negotiation(Request(identity, parameters, Secrets.draw(urandom)), urandom(16), now)


class Negotiation(Machine):
    """One REQ → ACC → broadcast → RSP → ACK → END → OPEN with one responder of suite ``hybrid`` or ``loss``."""

    def __init__(self, request, secret, now):
        super().__init__(request, now)
        self._secret = secret  # r_I, 16 bytes
        self._shared = self._tags = b""  # DH; what R has told of its packets
        self._pool_transcript = None  # th_2
        self._transcript = request.transcript
        self._listed = self._members = self._choices = self._pooled = []  # S as R sent it; S', ascending; true candidates; see _prk
        self._pages = 0
        self._pruned = False

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
        self._admit(accept.identity)
        self.suite, self._shared, self._accept, self.relay = suite, shared, accept, accept.relay
        self._extend(frame.head)
        self._pool_transcript = self._transcript
        self.state = tables.BROADCASTING
        self.deadline = self._cap = now + self._broadcast_cap()

    def _responded(self, frame, now):
        response = messages.Response(frame.message, self._accept.n_max)
        before = self._transcript
        self._extend(frame.head)  # th_3
        self._choose(response)
        fault = self._fault(response, frame.mac)
        if fault is None:
            return self._acknowledge(now)
        if not self._alone:
            self._transcript = before
        if fault != WRONG_MAC or not self._alone:
            return self._reject(fault)
        self._listed = response.numbers
        self._pages = (len(response.numbers) + limits.TAGS_PER_PAGE - 1) // limits.TAGS_PER_PAGE
        return self._ask_tags(0, now)

    def _fault(self, response, mac):
        """Return what is wrong with RSP, or None."""
        if len(response.conflicts) > response.conflict_cap:
            return "conflicts"
        if len(self._members) < self._accept.minimum:
            return TOO_FEW
        key = self.suite.confirmation(self._prk(response.numbers), b"rsp")
        return None if equal(tag(key, self._transcript), mac) else WRONG_MAC

    def _tagged(self, frame, now):
        page = len(self._tags) // (2 * limits.TAGS_PER_PAGE)
        first = page * limits.TAGS_PER_PAGE
        expected = 2 * min(limits.TAGS_PER_PAGE, len(self._listed) - first)
        if frame.seq != page or frame.retran or len(frame.message) != expected:
            raise StateError("not the page asked for")
        self._extend(frame.head)
        self._tags += frame.message
        if page + 1 < self._pages:
            return self._ask_tags(page + 1, now)
        return self._prune(now)

    def _confirmed(self, frame, now):
        if len(frame.message) != len(self._secret):
            raise StateError("r_R has 16 bytes")
        transcript = keys.transcript_add(self._transcript, frame.head)  # th_5
        if not equal(tag(self.suite.confirmation(self._keys, b"end"), transcript), frame.mac):
            if self._pruned:
                return self._reject(WRONG_MAC)  # the second one, after RSP's
            raise TagError("END")
        if self.suite.shows_code and not self.relay:
            self.code = keys.code(self._secret, frame.message, self._transcript)
        self._transcript = transcript
        self.state = tables.OPENED
        self.deadline = now + limits.OPEN_TIME
        return self._open()

    # --- steps -------------------------------------------------------------------------------------------------

    def _extend(self, head):
        self._transcript = keys.transcript_add(self._transcript, head)

    def _true_tag(self, seq):
        """tag_i of a packet that was really broadcast; None for one that nobody can have received."""
        return self.request.tag(self.suite, seq) if seq < self.request.sent else None

    def _choose(self, response):
        """Resolve the reported conflicts: S' and the index of each true candidate."""
        added, self._choices = [], []
        for seq, tags in response.conflicts:
            true = self._true_tag(seq)
            choice = tags.index(true) if true in tags else limits.LEFT_OUT
            self._choices.append(choice)
            if choice != limits.LEFT_OUT:
                added.append(seq)
        self._members = sets.merge(response.numbers, added) if added else response.numbers

    def _prk(self, numbers):
        if numbers is not self._pooled:  # S' is S where nothing was left out or added
            self._pooled = numbers
            self._pool = self.suite.pool_key(self._pool_transcript, self.request.sid, numbers, self._random)
        return self.suite.root_secret(self._transcript, self._pool, self._shared, self.request.parameters.psk)

    def _ask_tags(self, page, now):
        head = frames.encode_head(frames.TAGS, b"", seq=page)
        self._extend(head)
        self.state = tables.TAGGING
        self.deadline = now + 2 * limits.T_2
        return head

    def _prune(self, now):
        false = set()
        for index, seq in enumerate(self._listed):
            if self._true_tag(seq) != self._tags[2 * index : 2 * index + 2]:
                false.add(seq)
        if not false:
            return self.fail(WRONG_MAC)
        self._pruned = True
        members = array("H")
        for seq in self._members:
            if seq not in false:
                members.append(seq)
        self._members = members
        return self._acknowledge(now) if len(members) >= self._accept.minimum else self.fail(TOO_FEW)

    def _acknowledge(self, now):
        commitment = keys.commitment(self._secret, self._transcript)
        head = frames.encode_head(frames.ACK, messages.acknowledge(self._members, self._choices, commitment))
        self._extend(head)  # th_4
        self._keys = self._prk(self._members)
        self.state = tables.ACKNOWLEDGED
        self.deadline = now + 2 * limits.T_3 + self.request.parameters.wait * limits.SECOND
        return head + tag(self.suite.confirmation(self._keys, b"ack"), self._transcript)

    def _open(self):
        head = frames.encode_head(frames.OPEN, self._secret)
        self._extend(head)  # th_6
        mac = tag(self.suite.confirmation(self._keys, b"open"), self._transcript)
        self._root = keys.root_key(self._keys, self._transcript)
        self._forget()
        return head + mac

    def _forget(self):
        super()._forget()
        self._secret = None
        self._shared = self._tags = self._pool = b""
        self._listed = self._members = self._choices = []
