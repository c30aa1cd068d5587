"""The initiator's side of a resume in suite ``paper``: R0 to R3 over the W-round keys (protocol.md 7 and 8)."""

from .. import frames, keys, limits
from ..crypto import equal, number, sha256, tag, u32, xor
from ..errors import FrameError, StateError, TagError
from ..resume import Resume
from ..session import TO_INITIATOR, TO_RESPONDER
from . import chains, formulas, packets

R2_BYTES = 8
DIRECTIONS = (TO_RESPONDER, TO_INITIATOR)


class PaperRenewal:
    """What an accepted R2 leads to: the pairing it was based on, the new life, and R3."""

    possible_clone = False  # nothing in this suite could tell

    def __init__(self, entry, bases, first, transcript):
        self.entry = entry
        self.epoch = bases[TO_RESPONDER]
        self.store = chains.first_store(bases, first)
        self.session = chains.PaperSession(bases, first)
        mac = tag(_finish_key(first), b"R3", transcript)
        self.frame = packets.wrap(frames.encode_head(frames.R3, b"") + mac)


def _finish_key(first):
    """Return the key of R2's and R3's MACs, out of the new life's K_0 of both directions."""
    return keys.expand(xor(*first), b"SSC0 fin")


class PaperResume(Resume):
    """One running resume with one hub."""

    def _offer(self, hello):
        """Return R1: per pairing, newest first, the stored keys of direction 0 and of 1, higher j first."""
        held = [[(d, j, key) for d in DIRECTIONS for j, key in chains.rounds(entry.store, d)] for entry in self._entries]
        listed = [row for rows in held for row in rows]
        body = b"".join(bytes([d]) + u32(j) + keys.key_id(key) for d, j, key in listed)
        message = self._nonce + hello.nonce + bytes([len(listed)]) + body + 2 * keys.NO_LIVE
        self._head = frames.encode_head(frames.R1, message)
        macs = [tag(keys.resume_key(key), b"R1", self._head) for _, _, key in listed]
        self._other = hello.nonce
        self._highest = [max(j for other, j, _ in listed if other == d) for d in DIRECTIONS]
        return packets.wrap(self._head + b"".join(macs))

    def renew(self, frame):
        """Verify R2 and return the Renewal; nothing is changed here. DropError when it does not verify."""
        if len(frame.message) != R2_BYTES:
            raise FrameError("R2 has 8 bytes")
        taken = [number(frame.message[:4]), number(frame.message[4:])]
        bases = [1 + highest for highest in self._highest]
        if max(bases) > limits.MAX_EPOCH:
            raise StateError("no j left")
        transcript = sha256(b"SSC0 resume", self._head, frame.message)
        for entry in self._entries:
            first = self._first(entry, taken)
            if first and equal(tag(_finish_key(first), b"R2", transcript), frame.mac):
                return PaperRenewal(entry, bases, first, transcript)
        raise TagError("R2")

    def _first(self, entry, taken):
        """Return K_0 of both directions of the new life from this pairing, None when it does not hold what was taken."""
        stored = [dict(chains.rounds(entry.store, d)).get(taken[d]) for d in DIRECTIONS]
        if None in stored:
            return None
        return [formulas.resumed_key(stored[d], d, self._nonce, self._other) for d in DIRECTIONS]
