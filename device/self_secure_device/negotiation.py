"""The initiator's side of one key negotiation (protocol.md 5; the paper's Alice, formulas (6) to (10)).

Frames go in with the time; the answer to send comes back. The caller must have the new key on disk, flagged
uncommitted, before it lets OPEN leave: OPEN is the answer that comes back together with ``root``.
"""

from array import array

from . import frames, keys, limits, messages, sets, tables
from .crypto import equal, sha256, tag
from .errors import StateError, TagError
from .request import Request, Secrets
from .session import Session
from .suites import SUITES

NAK_CAUSES = {1: "too few packets", 2: "conflicts", 3: "suite below the floor", 4: "wrong MAC", 5: "busy", 6: "refused"}
TIMEOUT_CAUSES = {
    tables.REQUESTED: "timeout",
    tables.BROADCASTING: "no RSP",
    tables.TAGGING: "no TAGS",
    tables.ACKNOWLEDGED: "no END",
    tables.OPENED: "unconfirmed",
}


def begin(identity, parameters, urandom, now):
    """Return a negotiation whose request is to be sent."""
    return Negotiation(Request(identity, parameters, Secrets.draw(urandom)), urandom(16), now)


class Negotiation:
    """One REQ → ACC → broadcast → RSP → ACK → END → OPEN with one responder.

    ``failure`` names the cause once the state is ENDED; ``root`` (RK_0) and ``code`` (six digits, or None where the
    suite shows none) are there from OPENED on, until the caller takes them with ``take_root``.
    """

    paper = False

    def __init__(self, request, secret, now):
        self.request = request
        self.state = tables.REQUESTED
        self.suite = None
        self.identity = None  # id_R
        self.failure = None
        self.code = None
        self.deadline = now + limits.T_H
        self._secret = secret  # r_I, 16 bytes
        self._root = None
        self._accept = None
        self._shared = b""
        self._pool_transcript = None  # th_2
        self._transcript = request.transcript
        self._keys = None  # PRK once m4 is out
        self._cap = self.deadline  # of the broadcast
        self._listed = []  # S as R sent it
        self._members = []  # S', ascending
        self._choices = []
        self._tags = b""
        self._pages = 0
        self._pruned = False
        self._answers = {}

    # --- input -------------------------------------------------------------------------------------------------

    def receive(self, frame, now):
        """Take one frame; return the frame to send, or None. DropError when it changes nothing."""
        if frame.paper != self.paper and frame.kind != frames.NAK:
            raise StateError("another suite's frame")
        seen = sha256(frame.raw)
        if seen in self._answers:
            return self._answers[seen]
        name = tables.handler(tables.NEGOTIATION, self.state, frame.kind)
        answer = getattr(self, "_" + name)(frame, now)
        if frame.kind != frames.NAK:
            self._answers[seen] = answer
        return answer

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
        self._forget()
        self._root = None
        self._answers = {}

    def end(self):
        """End well: R's first valid frame under the new key has come."""
        self.fail(None)

    # --- output ------------------------------------------------------------------------------------------------

    @property
    def running(self):
        """Whether this negotiation still waits for something."""
        return self.state != tables.ENDED

    def take_root(self):
        """Hand RK_0 over, once."""
        root, self._root = self._root, None
        return root

    def begin(self, root):
        """Return what is stored of the new pairing's root, and the session that starts from it."""
        return keys.store_key(root), Session(self.suite, 0, root)

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

    # --- handlers, named in tables.NEGOTIATION -----------------------------------------------------------------

    def _accepted(self, frame, now):
        accept = messages.Accept(frame.message)
        offered = self.request.parameters
        if accept.suite_id not in offered.suites or accept.n_max > offered.n_max:
            raise StateError("not what REQ offered")
        suite = SUITES[accept.suite_id]
        if not accept.key_fits(suite.uses_x25519):
            raise StateError("public key does not fit the suite")
        self._shared = self.request.exchange(suite, accept.public)
        self.suite, self.identity, self._accept = suite, accept.identity, accept
        self._extend(frame)
        self._pool_transcript = self._transcript
        self.state = tables.BROADCASTING
        self.deadline = self._cap = now + self._broadcast_cap()

    def _refused(self, frame, now):
        if len(frame.message) != 1 or frame.message[0] not in NAK_CAUSES:
            raise StateError("unknown reason")
        self.fail(NAK_CAUSES[frame.message[0]])

    def _responded(self, frame, now):
        response = messages.Response(frame.message, self._accept.n_max)
        self._extend(frame)  # th_3
        self._choose(response)
        if len(response.conflicts) > response.conflict_cap:
            return self.fail("conflicts")
        if not self._enough():
            return None
        key = self.suite.confirmation(self._prk(response.numbers), b"rsp")
        if equal(tag(key, self._transcript), frame.mac):
            return self._acknowledge(now)
        self._listed = response.numbers
        self._pages = (len(response.numbers) + limits.TAGS_PER_PAGE - 1) // limits.TAGS_PER_PAGE
        return self._ask_tags(0, now)

    def _tagged(self, frame, now):
        page = len(self._tags) // (2 * limits.TAGS_PER_PAGE)
        first = page * limits.TAGS_PER_PAGE
        expected = 2 * min(limits.TAGS_PER_PAGE, len(self._listed) - first)
        if frame.seq != page or frame.retran or len(frame.message) != expected:
            raise StateError("not the page asked for")
        self._extend(frame)
        self._tags += frame.message
        if page + 1 < self._pages:
            return self._ask_tags(page + 1, now)
        return self._prune(now)

    def _confirmed(self, frame, now):
        if len(frame.message) != len(self._secret):
            raise StateError("r_R has 16 bytes")
        transcript = keys.transcript_add(self._transcript, frame.head)  # th_5
        if not equal(tag(self.suite.confirmation(self._keys, b"end"), transcript), frame.mac):
            return self._wrong_end()
        if self.suite.shows_code:
            self.code = keys.code(self._secret, frame.message, self._transcript)
        self._transcript = transcript
        self.state = tables.OPENED
        self.deadline = now + limits.OPEN_TIME
        return self._open()

    # --- steps -------------------------------------------------------------------------------------------------

    def _broadcast_cap(self):
        t_1 = limits.t_1(self._accept.n_max, self.request.parameters.interval)
        return 2 * t_1 + 2 * limits.T_2

    def _extend(self, frame):
        self._transcript = keys.transcript_add(self._transcript, frame.head)

    def _true_tag(self, seq):
        """tag_i of a packet that was really broadcast; None for one that nobody can have received."""
        return self.request.tag(self.suite, seq) if seq < self.request.sent else None

    def _random(self, seq):
        return self.request.random(self.suite, seq)

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

    def _enough(self):
        if len(self._members) >= self._accept.minimum:
            return True
        self.fail("too few packets")
        return False

    def _prk(self, numbers):
        pool = self.suite.pool_key(self._pool_transcript, self.request.sid, numbers, self._random)
        return self.suite.root_secret(self._transcript, pool, self._shared, self.request.parameters.psk)

    def _ask_tags(self, page, now):
        head = frames.encode_head(frames.TAGS, b"", seq=page)
        self._transcript = keys.transcript_add(self._transcript, head)
        self.state = tables.TAGGING
        self.deadline = now + 2 * limits.T_2
        return head

    def _prune(self, now):
        false = set()
        for index, seq in enumerate(self._listed):
            if self._true_tag(seq) != self._tags[2 * index : 2 * index + 2]:
                false.add(seq)
        if not false:
            return self.fail("wrong MAC")
        self._pruned = True
        members = array("H")
        for seq in self._members:
            if seq not in false:
                members.append(seq)
        self._members = members
        return self._acknowledge(now) if self._enough() else None

    def _acknowledge(self, now):
        commitment = keys.commitment(self._secret, self._transcript)
        head = frames.encode_head(frames.ACK, messages.acknowledge(self._members, self._choices, commitment))
        self._transcript = keys.transcript_add(self._transcript, head)  # th_4
        self._keys = self._prk(self._members)
        self.state = tables.ACKNOWLEDGED
        self.deadline = now + 2 * limits.T_3 + self.request.parameters.wait * limits.SECOND
        return head + tag(self.suite.confirmation(self._keys, b"ack"), self._transcript)

    def _wrong_end(self):
        if not self._pruned:
            raise TagError("END")
        return self.fail("wrong MAC")  # the second one, after RSP's

    def _open(self):
        head = frames.encode_head(frames.OPEN, self._secret)
        self._transcript = keys.transcript_add(self._transcript, head)  # th_6
        mac = tag(self.suite.confirmation(self._keys, b"open"), self._transcript)
        self._root = keys.root_key(self._keys, self._transcript)
        self._forget()
        return head + mac

    def _forget(self):
        self.request.wipe()
        self._secret = self._keys = None
        self._shared = b""
