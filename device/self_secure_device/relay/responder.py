"""The responder's side of one negotiation (protocol.md 5), as a relay leads it: with one scanner and nobody to compare a code.

Frames and random packets go in with the time, answers come out. ``root`` is there once the state is DONE.
"""

from .. import frames, keys, sets, tables as device_tables
from ..crypto import equal, number, sha256, tag, u16
from ..errors import FrameError, StateError, TagError
from ..limits import (
    CONFLICT_PERCENT,
    DEFAULT_WAIT,
    MAX_CONFLICTS,
    MAX_PACKETS,
    MIN_CONFLICT_CAP,
    MIN_PACKETS,
    SECOND,
    T_2,
    T_3,
    TAGS_PER_PAGE,
    t_1,
)
from ..messages import CARRIES, COMMITMENT_BYTES
from ..suites import HYBRID_ID, LOSS_ID, SUITES
from ..x25519 import NO_KEY
from . import limits, tables

TOO_FEW, CONFLICTS, SUITE, MAC = 1, 2, 3, 4  # reasons of NAK
REQ_TAIL_BYTES = 70  # behind the suites


class Request:
    """m1; FrameError when a field is outside its bounds."""

    def __init__(self, message):
        count = message[0] if message else 0
        if not 1 <= count <= limits.MAX_SUITES or len(message) != 1 + count + REQ_TAIL_BYTES:
            raise FrameError("REQ")
        self.suites, tail = message[1 : 1 + count], message[1 + count :]
        self.identity, self.nonce, self.sid = tail[:16], tail[16:32], tail[32]
        self.n_max, self.interval, self.wait = number(tail[33:35]), number(tail[35:37]), tail[37]
        self.public = tail[38:]
        self._check()

    def _check(self):
        if 0 in self.suites or not MIN_PACKETS <= self.n_max <= MAX_PACKETS:
            raise FrameError("suites or N_max out of bounds")
        if not limits.MIN_INTERVAL <= self.interval <= limits.MAX_INTERVAL:
            raise FrameError("interval out of bounds")
        known = set(self.suites) <= set(SUITES)  # one that we do not know may have a key, too
        if HYBRID_ID in self.suites if self.public == NO_KEY else known and HYBRID_ID not in self.suites:
            raise FrameError("pk_I does not fit the suites")


class Responder:
    """One negotiation with one device. ``admits(identity)`` tells whether it is one that a key is wanted with."""

    def __init__(self, identity, urandom, suites, admits, now):
        self.state = tables.WAITING
        self.failure = None
        self.identity = None  # id_I
        self.suite = None
        self.root = None
        self.last = None  # the frame to say again on a new connection
        self.wants_link = True
        self.deadline = now + limits.PATH_TIME
        self._own = identity  # id_R
        self._urandom = urandom
        self._suites = suites
        self._admits = admits
        self._answers = {}
        self._random = {}  # Seq → R
        self._conflicting = set()
        self._pooled = self._pool = None  # a set, and PL of it
        self._pages = 0

    # --- the link and time

    def linked(self, now):
        """Return what is to be said first on a new connection, or None."""
        if self.state == tables.WAITING:
            self.deadline = now + limits.REQUEST_TIME
        elif self.state == tables.COLLECTING:
            self.wants_link = False  # ACC goes out once more, then it may broadcast
        else:
            self.deadline = now + 2 * T_2
        return self.last

    def unlinked(self, now):
        """The connection is gone; without one the device has the waiting phase to come back."""
        if self.state != tables.COLLECTING:
            self.deadline = now + max(self._wait(), DEFAULT_WAIT) * SECOND

    def _wait(self):
        return self._request.wait if self.state != tables.WAITING else 0

    def poll(self, now):
        """Act on a deadline that has come."""
        if now < self.deadline or self.state in (tables.DONE, tables.FAILED):
            return
        if self.state != tables.COLLECTING:
            self.fail("timeout")
        elif self._random:
            self._finish(now)
        elif now >= self._silent_until:
            self.fail("too few packets")
        else:
            self.wants_link = True
            self.deadline = min(now + limits.SILENCE_TIME, self._silent_until)

    def fail(self, cause):
        """End for ``cause`` and forget every secret."""
        self.failure = cause
        self.state = tables.FAILED
        self.wants_link = False
        self._forget()

    def _forget(self):
        self._random = {}
        self._secret = self._shared = self._prk = self._pool = self._pooled = None

    def refusal(self, reason, cause):
        """End and return the NAK that tells why."""
        self.fail(cause)
        return frames.encode_head(frames.NAK, bytes([reason]))

    # --- frames

    def receive(self, frame, now):
        """Take one frame; return the answer or None. DropError when it changes nothing."""
        seen = sha256(frame.raw)
        if seen in self._answers:
            return self._answers[seen]
        name = device_tables.handler(tables.NEGOTIATION, self.state, frame.kind)
        answer = getattr(self, "_" + name)(frame, now)
        if self.state != tables.FAILED:
            self._answers[seen] = self.last = answer
        return answer

    def _extend(self, head):
        self._transcript = keys.transcript_add(self._transcript, head)

    def _requested(self, frame, now):
        request = Request(frame.message)
        if not self._admits(request.identity):
            raise StateError("another device, or no room for its key")
        self.identity, self._request = request.identity, request
        for suite_id in request.suites:
            if suite_id in self._suites:
                return self._accept(frame, SUITES[suite_id], now)
        return self.refusal(SUITE, "suite below the floor")

    def _accept(self, frame, suite, now):
        request = self._request
        weak = suite.suite_id == LOSS_ID
        self.minimum, self._target = (limits.LOSS_PACKETS, limits.LOSS_TARGET_BITS) if weak else (limits.PACKETS, limits.TARGET_BITS)
        if request.n_max < self.minimum:
            return self.refusal(TOO_FEW, "too few packets")
        secret = self._urandom(32)
        shared = suite.exchange(secret, request.public)
        self.suite, self._shared = suite, shared
        bounds = u16(self.minimum) + u16(self._target) + bytes([limits.ASSUMED_LOSS]) + u16(request.n_max)
        message = bytes([suite.suite_id]) + self._own + self._urandom(16) + suite.public_key(secret) + bounds + CARRIES
        head = frames.encode_head(frames.ACC, message)
        self._transcript = keys.transcript_add(keys.transcript_add(keys.transcript_start(), frame.head), head)
        self._pool_transcript = self._transcript
        self.state, self.wants_link = tables.COLLECTING, False
        self._cap = now + 2 * t_1(request.n_max, request.interval)
        self._silent_until = min(self._cap, now + limits.SILENCE_MAX)
        self.deadline = min(self._silent_until, now + limits.SILENCE_TIME)
        return head

    # --- the broadcast

    @property
    def sid(self):
        """The broadcast to listen for, or None."""
        return self._request.sid if self.state == tables.COLLECTING else None

    def random(self, seq, value, now):
        """Take one random packet of our broadcast; DropError when it changes nothing."""
        name = device_tables.handler(tables.NEGOTIATION, self.state, frames.RAND)
        getattr(self, "_" + name)(seq, value, now)

    def _heard(self, seq, value, now):
        """Two contents of one Seq are left out."""
        if seq >= self._request.n_max:
            raise StateError("beyond N_max")
        self.wants_link = False
        left = t_1(self._request.n_max - seq, self._request.interval)
        self.deadline = min(self._cap, now + left)  # anew with each: one forged Seq must not end it
        if seq in self._conflicting or self._random.get(seq) == value:
            return
        if seq in self._random:
            del self._random[seq]
            self._conflicting.add(seq)
        else:
            self._random[seq] = value
        self._judge(now)

    def _judge(self, now):
        if len(self._conflicting) > MAX_CONFLICTS:
            self.fail("conflicts")
        elif len(self._random) >= self.minimum and self._conflicts_fit() and self._secrecy(sorted(self._random)) >= self._target:
            self._respond(now)

    def _conflicts_fit(self):
        share = len(self._random) * CONFLICT_PERCENT // 100
        return len(self._conflicting) <= max(MIN_CONFLICT_CAP, min(MAX_CONFLICTS, share))

    def _secrecy(self, members):
        """Bits of a set at the assumed loss (protocol.md 5 rule 3)."""
        missing, runs = members[-1] - members[0] + 1 - len(members), 0
        for index in range(1, len(members)):
            runs += members[index] - members[index - 1] > 1
        rate = len(members) / (members[-1] - members[0] + 1)
        factor = max(1, missing / runs * rate) if runs else 1
        return len(members) / factor * limits.BITS_PER_PACKET

    def _finish(self, now):
        """The broadcast is over: ``hybrid`` goes on with what there is, ``loss`` does not."""
        if len(self._random) < self.minimum or not self.suite.uses_x25519:
            self.fail("too few packets")
        elif not self._conflicts_fit():
            self.fail("conflicts")
        else:
            self._respond(now)

    # --- the agreement

    def _root_secret(self, numbers):
        if numbers != self._pooled:  # ACK's set is mostly RSP's
            self._pooled = numbers
            self._pool = self.suite.pool_key(self._pool_transcript, self._request.sid, numbers, lambda seq: self._random[seq])
        return self.suite.root_secret(self._transcript, self._pool, self._shared, b"")

    def _respond(self, now):
        self._members = sorted(self._random)
        self._reached = self._secrecy(self._members) >= self._target
        head = frames.encode_head(frames.RSP, sets.encode(self._members) + b"\x00")
        self._extend(head)
        self.last = head + tag(self.suite.confirmation(self._root_secret(self._members), b"rsp"), self._transcript)
        self.state, self.wants_link = tables.RESPONDED, True
        self.deadline = now + limits.ADOPTION_TIME // 2

    def _tagged(self, frame, now):
        page = self._members[TAGS_PER_PAGE * frame.seq : TAGS_PER_PAGE * (frame.seq + 1)]
        if frame.message or frame.retran or frame.seq != self._pages or not page:
            raise StateError("not the next page")
        tags = b"".join([self.suite.random_tag(self._request.nonce, seq, self._random[seq]) for seq in page])
        head = frames.encode_head(frames.TAGS, tags, seq=frame.seq)
        self._extend(frame.head)
        self._extend(head)
        self._pages += 1
        self.deadline = now + 2 * T_2
        return head

    def _acknowledged(self, frame, now):
        agreed, end = sets.decode(frame.message, 0, self._request.n_max)
        committed = frame.message[end:]
        if len(committed) != COMMITMENT_BYTES or not set(agreed) <= set(self._members):
            raise FrameError("ACK")
        before, self._transcript = self._transcript, keys.transcript_add(self._transcript, frame.head)
        agreed = list(agreed)
        prk = self._root_secret(agreed)
        if not equal(tag(self.suite.confirmation(prk, b"ack"), self._transcript), frame.mac):
            self._transcript = before
            raise TagError("ACK")
        if len(agreed) < self.minimum or (self._reached and self._secrecy(agreed) < self._target):
            return self.refusal(TOO_FEW, "too few packets")
        self._commitment, self._at_commitment, self._prk = committed, before, prk
        head = frames.encode_head(frames.END, self._urandom(16))
        self._extend(head)
        self.state, self.deadline = tables.ENDED, now + 2 * T_3
        return head + tag(self.suite.confirmation(prk, b"end"), self._transcript)

    def _opened(self, frame, now):
        if len(frame.message) != 16 or not equal(keys.commitment(frame.message, self._at_commitment), self._commitment):
            raise TagError("commitment")
        transcript = keys.transcript_add(self._transcript, frame.head)
        if not equal(tag(self.suite.confirmation(self._prk, b"open"), transcript), frame.mac):
            raise TagError("OPEN")
        self.root = keys.root_key(self._prk, transcript)
        self.state, self.wants_link = tables.DONE, False
        self._forget()
