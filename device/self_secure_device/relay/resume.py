"""The responder's side of one resume (protocol.md 7), as a relay leads it: R0 and R2 out, R1 and R3 in.

Its memory dies with the connection. The caller has {SK_e*, SK_e'} on disk before R2 leaves.
"""

from .. import frames, keys
from ..crypto import equal, number, tag, u32
from ..errors import FrameError, StateError, TagError
from ..frames import RESUME_ENTRY_BYTES, RESUME_HEAD_BYTES, RESUME_KEYS_BYTES
from ..limits import MAX_EPOCH, MAX_KEYS

NONCE_BYTES = 16


class Offer:
    """R1: nonces, (epoch, key id) newest first, live digest, public key; FrameError when it is malformed."""

    def __init__(self, frame):
        message = frame.message
        count = message[RESUME_HEAD_BYTES - 1]
        end = RESUME_HEAD_BYTES + RESUME_ENTRY_BYTES * count
        if not 1 <= count <= MAX_KEYS or len(message) != end + RESUME_KEYS_BYTES:
            raise FrameError("R1")
        self.nonce, self.hello = message[:NONCE_BYTES], message[NONCE_BYTES : 2 * NONCE_BYTES]
        self.entries = []
        for at in range(RESUME_HEAD_BYTES, end, RESUME_ENTRY_BYTES):
            self.entries.append((number(message[at : at + 4]), message[at + 4 : at + 8]))
        self.live, self.public = message[end : end + 32], message[end + 32 :]


class Answer:
    """What a verified R1 leads to: R2, and the next epoch's root."""

    def __init__(self, base, epoch, root, transcript, head):
        self.base = base
        self.epoch = epoch
        self.root = root
        self.transcript = transcript
        self.possible_clone = False
        self.frame = head + tag(keys.finish_key(root), b"R2", transcript)


class Challenge:
    """One running resume with one ward."""

    def __init__(self, identity, nonce):
        self._nonce = nonce
        self.hello = frames.encode_head(frames.R0, nonce + identity)  # R0
        self.answer = None
        self.refusal = None  # the RNAK, when there was no common epoch
        self._offer = None  # the R1 that was answered

    def offer(self, frame, held, chains, secret):
        """Take R1; return the Answer, or None without a common epoch. DropError when it changes nothing.

        ``held`` are our keys of the ward, newest first; ``chains(entry)`` are its chain keys if nothing of ours is outstanding.
        """
        offer = Offer(frame)
        if offer.hello != self._nonce:
            raise StateError("another R0")
        index, base = self._common(frame, offer, held)
        if base is None:
            self.refusal = frames.encode_head(frames.RNAK, offer.nonce)
            return None
        epoch = 1 + max([epoch for epoch, _ in offer.entries] + [entry.epoch for entry in held])
        if epoch > MAX_EPOCH:
            raise StateError("no epoch left")
        own = chains(base) if index == 0 else None
        self.answer = self._select(frame, offer, base, epoch, own, secret)
        self._offer = frame.raw
        return self.answer

    def _common(self, frame, offer, held):
        """Return the place of the first listed entry that we hold, too, and whose MAC is right, and our key for it."""
        for index, (epoch, kid) in enumerate(offer.entries):
            mac = frame.mac[16 * index : 16 * index + 16]
            for entry in held:
                named = entry.epoch == epoch and keys.key_id(entry.store) == kid
                if named and equal(tag(keys.resume_key(entry.store), b"R1", frame.head), mac):
                    return index, entry
        return None, None

    def _select(self, frame, offer, base, epoch, own, secret):
        live = keys.live_digest(own) if own is not None else keys.NO_LIVE
        public, shared = base.suite.public_key(secret), base.suite.exchange(secret, offer.public)
        both = keys.NO_LIVE not in (live, offer.live)
        same = both and equal(live, offer.live)
        transcript = keys.resume_transcript(frame.head, base.epoch, epoch, live, public)
        root = keys.next_root(transcript, base.store, shared, keys.live_key(own) if same else b"", epoch)
        head = frames.encode_head(frames.R2, u32(base.epoch) + u32(epoch) + live + public)
        answer = Answer(base, epoch, root, transcript, head)
        answer.possible_clone = both and not same
        return answer

    def repeated(self, frame):
        """Return the stored R2 for an identical R1; StateError for another one."""
        if frame.raw != self._offer:
            raise StateError("another R1")
        return self.answer.frame

    def finish(self, frame):
        """Verify R3; TagError when it does not fit."""
        if frame.message or not equal(tag(keys.finish_key(self.answer.root), b"R3", self.answer.transcript), frame.mac):
            raise TagError("R3")
