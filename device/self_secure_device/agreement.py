"""What follows RSP: both sides agree on the set, and prove the key to each other (protocol.md 5; the paper's formulas (6) to (10)).

Apart from ``negotiation``, so that a small heap has it only from RSP on.
"""

from array import array

from . import frames, keys, limits, messages, sets, tables
from .crypto import equal, tag
from .errors import StateError, TagError

TOO_FEW, WRONG_MAC = "too few packets", "wrong MAC"  # causes


class Agreement:
    """RSP → (TAGS) → ACK → END → OPEN of a ``machine``, whose state, deadline and transcript it moves on."""

    def __init__(self, machine):
        self._machine = machine
        self._pool_transcript = machine.transcript  # th_2
        self._tags = self._pool = b""  # what R has told of its packets; PL(S)
        self._listed = self._members = self._choices = self._pooled = []  # S as R sent it; S', ascending; true candidates; see _prk
        self._pages = 0
        self._pruned = False

    # --- packets -----------------------------------------------------------------------------------------------

    def responded(self, frame, now):
        """Take RSP; return ACK, or the request for TAGS."""
        machine = self._machine
        response = messages.Response(frame.message, machine.accept.n_max)
        before = machine.transcript
        machine.extend(frame.head)  # th_3
        self._choose(response)
        fault = self._fault(response, frame.mac)
        if fault is None:
            return self._acknowledge(now)
        if not machine.alone:
            machine.transcript = before
        if fault != WRONG_MAC or not machine.alone:
            return machine.reject(fault)
        self._listed = response.numbers
        self._pages = (len(response.numbers) + limits.TAGS_PER_PAGE - 1) // limits.TAGS_PER_PAGE
        return self._ask_tags(0, now)

    def _fault(self, response, mac):
        """Return what is wrong with RSP, or None."""
        machine = self._machine
        if len(response.conflicts) > response.conflict_cap:
            return "conflicts"
        if len(self._members) < machine.accept.minimum:
            return TOO_FEW
        key = machine.suite.confirmation(self._prk(response.numbers), b"rsp")
        return None if equal(tag(key, machine.transcript), mac) else WRONG_MAC

    def tagged(self, frame, now):
        """Take one page of TAGS; return the request for the next one, or ACK."""
        page = len(self._tags) // (2 * limits.TAGS_PER_PAGE)
        first = page * limits.TAGS_PER_PAGE
        expected = 2 * min(limits.TAGS_PER_PAGE, len(self._listed) - first)
        if frame.seq != page or frame.retran or len(frame.message) != expected:
            raise StateError("not the page asked for")
        self._machine.extend(frame.head)
        self._tags += frame.message
        if page + 1 < self._pages:
            return self._ask_tags(page + 1, now)
        return self._prune(now)

    def confirmed(self, frame, now):
        """Take END; return OPEN."""
        machine = self._machine
        if len(frame.message) != len(machine.secret):
            raise StateError("r_R has 16 bytes")
        transcript = keys.transcript_add(machine.transcript, frame.head)  # th_5
        if not equal(tag(machine.suite.confirmation(machine.keys, b"end"), transcript), frame.mac):
            if self._pruned:
                return machine.reject(WRONG_MAC)  # the second one, after RSP's
            raise TagError("END")
        if machine.suite.shows_code and not machine.relay:
            machine.code = keys.code(machine.secret, frame.message, machine.transcript)
        machine.transcript = transcript
        machine.state = tables.OPENED
        machine.deadline = now + limits.OPEN_TIME
        return self._open()

    # --- steps -------------------------------------------------------------------------------------------------

    def _true_tag(self, seq):
        """tag_i of a packet that was really broadcast; None for one that nobody can have received."""
        machine = self._machine
        return machine.request.tag(machine.suite, seq) if seq < machine.request.sent else None

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
        machine = self._machine
        if numbers is not self._pooled:  # S' is S where nothing was left out or added
            self._pooled = numbers
            self._pool = machine.suite.pool_key(self._pool_transcript, machine.request.sid, numbers, machine.random)
        return machine.suite.root_secret(machine.transcript, self._pool, machine.shared, machine.request.parameters.psk)

    def _ask_tags(self, page, now):
        machine = self._machine
        head = frames.encode_head(frames.TAGS, b"", seq=page)
        machine.extend(head)
        machine.state = tables.TAGGING
        machine.deadline = now + 2 * limits.T_2
        return head

    def _prune(self, now):
        machine = self._machine
        false = set()
        for index, seq in enumerate(self._listed):
            if self._true_tag(seq) != self._tags[2 * index : 2 * index + 2]:
                false.add(seq)
        if not false:
            return machine.fail(WRONG_MAC)
        self._pruned = True
        members = array("H")
        for seq in self._members:
            if seq not in false:
                members.append(seq)
        self._members = members
        return self._acknowledge(now) if len(members) >= machine.accept.minimum else machine.fail(TOO_FEW)

    def _acknowledge(self, now):
        machine = self._machine
        commitment = keys.commitment(machine.secret, machine.transcript)
        head = frames.encode_head(frames.ACK, messages.acknowledge(self._members, self._choices, commitment))
        machine.extend(head)  # th_4
        machine.keys = self._prk(self._members)
        machine.state = tables.ACKNOWLEDGED
        machine.deadline = now + 2 * limits.T_3 + machine.request.parameters.wait * limits.SECOND
        return head + tag(machine.suite.confirmation(machine.keys, b"ack"), machine.transcript)

    def _open(self):
        machine = self._machine
        head = frames.encode_head(frames.OPEN, machine.secret)
        machine.extend(head)  # th_6
        mac = tag(machine.suite.confirmation(machine.keys, b"open"), machine.transcript)
        machine.root = keys.root_key(machine.keys, machine.transcript)
        machine.forget()
        return head + mac
