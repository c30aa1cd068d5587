"""The two one-way chains of one epoch: stop and wait, one message outstanding per direction (protocol.md 6).

Nothing here is changed before a tag has verified: ``Receiver.open`` returns what acceptance would lead to, and the
caller commits it once its own state is on disk.
"""

from . import frames, keys, limits
from .crypto import equal, number, u64
from .errors import DeviceError, FrameError, TagError
from .suites import RAND_BYTES, context

TO_RESPONDER, TO_INITIATOR = 0, 1  # d
ID_BYTES = 8
MIN_SEALED = RAND_BYTES + 1 + ID_BYTES  # Rand, type, id and an empty body
DACK_BYTES = RAND_BYTES

READINGS, TEXT, BYTES, EVENT, VERIFIED, INFO = 1, 2, 3, 4, 5, 6
RELAY, GROUP_KEY, GROUP_SYNC, ROUTE = 7, 8, 9, 10
FORGET = 0x1F


def encode_text(kind, number_, body):
    """Return what DATA carries behind Rand: type u8, id u64, body."""
    return bytes([kind]) + u64(number_) + body


class Sender:
    """One sending chain. ``text`` is the message in the present slot, None when nothing is unacknowledged."""

    entropy_bytes = RAND_BYTES  # per attempt

    def __init__(self, suite, direction, epoch, chain):
        self._suite = suite
        self._direction = direction
        self._epoch = epoch
        self.chain = chain
        self.seq = 0
        self.text = None
        self._attempts = ()  # of the message in the slot: Rand, T and the time of sending, by Retran

    @property
    def idle(self):
        """Whether every message was acknowledged."""
        return self.text is None

    @property
    def exhausted(self):
        """Whether the slot has had its first attempt and all Ω retries."""
        return len(self._attempts) > limits.MAX_RETRIES

    def load(self, text):
        """Put a message into the free slot."""
        if not self.idle:
            raise DeviceError("a message is outstanding")
        self.text = text

    def attempt(self, rand, now):
        """Return the next attempt's frame under a fresh ``rand``; its number never repeats within the slot."""
        if self.idle or self.exhausted:
            raise DeviceError("nothing to send")
        retran = len(self._attempts)
        ctx = context(self._direction, self._epoch, self.seq)
        text = rand + self.text
        header = frames.encode_head(frames.DATA, bytes(len(text)), retran, self.seq)[: frames.HEADER_BYTES]
        sealed, tag = self._suite.seal(self.chain, ctx, retran, header, text)
        self._attempts += ((rand, tag, now),)
        return header + sealed + tag

    def acknowledge(self, frame, write=None):
        """Take a DACK: step the chain and return when the accepted attempt was sent; TagError when it is not ours."""
        if frame.seq != self.seq or frame.retran >= len(self._attempts) or len(frame.message) != DACK_BYTES:
            raise TagError("DACK")
        rand, tag, sent_at = self._attempts[frame.retran]
        ctx = context(self._direction, self._epoch, self.seq)
        if not equal(self._suite.acknowledge(self.chain, ctx, frame.retran, tag, frame.message), frame.mac):
            raise TagError("DACK")
        rand_b = self._suite.mask(self.chain, ctx, frame.retran, frame.message)
        self._step(self._suite.step(self.chain, ctx, frame.retran, rand, rand_b, self.text, tag))
        return sent_at

    def _step(self, chain):
        self.chain = chain
        self.seq += 1
        self.text = None
        self._attempts = ()


class Accepted:
    """A DATA frame that verified: its message, and what the chain becomes when it is committed."""

    saved = None  # the W-round key to be stored with it (suite ``paper``)

    def __init__(self, text, dack, chain, mac_key):
        self.kind = text[0]
        self.number = number(text[1 : 1 + ID_BYTES])
        self.body = text[1 + ID_BYTES :]
        self.dack = dack
        self.chain = chain
        self.mac_key = mac_key


class Receiver:
    """One receiving chain, with the stored acknowledgement of the message before."""

    entropy_bytes = RAND_BYTES  # per acknowledgement

    def __init__(self, suite, direction, epoch, chain):
        self._suite = suite
        self._direction = direction
        self._epoch = epoch
        self.chain = chain
        self.seq = 0
        self._mac_key = None  # K_H of the message before
        self._dack = None
        self._rand_b = None  # of the message that is being accepted

    def repeated(self, frame):
        """Return the stored DACK when ``frame`` is an attempt of the message before, else None."""
        if self._dack is None or frame.seq != self.seq - 1:
            return None
        ctx = context(self._direction, self._epoch, frame.seq)
        fits = equal(self._suite.data_tag(self._mac_key, frame.header, ctx, frame.message), frame.mac)
        return self._dack if fits else None

    def open(self, frame, rand_b):
        """Verify and decrypt the expected message; TagError or FrameError when it is anything else.

        Until one attempt is committed all share one RandB: a write may fail in between, and no pad must mask a second one.
        """
        if len(frame.message) < MIN_SEALED:
            raise FrameError("DATA too short")
        ctx = context(self._direction, self._epoch, self.seq)
        mac_key = self._suite.mac_key(self.chain, ctx)
        good = equal(self._suite.data_tag(mac_key, frame.header, ctx, frame.message), frame.mac)
        if frame.seq != self.seq or not good:
            raise TagError("DATA")
        rand_b = self._rand_b = self._rand_b or rand_b
        clear = self._suite.open(self.chain, ctx, frame.retran, frame.message)
        rand, text = clear[:RAND_BYTES], clear[RAND_BYTES:]
        chain = self._suite.step(self.chain, ctx, frame.retran, rand, rand_b, text, frame.mac)
        return Accepted(text, self._acknowledgement(ctx, frame, rand_b), chain, mac_key)

    def _acknowledgement(self, ctx, frame, rand_b):
        masked = self._suite.mask(self.chain, ctx, frame.retran, rand_b)
        mac = self._suite.acknowledge(self.chain, ctx, frame.retran, frame.mac, masked)
        return frames.encode_head(frames.DACK, masked, frame.retran, self.seq) + mac

    def commit(self, accepted):
        """Step the chain: ``accepted`` came from ``open`` and its mark is on disk."""
        self.chain = accepted.chain
        self._mac_key, self._dack = accepted.mac_key, accepted.dack
        self._rand_b = None
        self.seq += 1


class Session:
    """Both chains of one epoch. ``messages`` counts those accepted and acknowledged, both ways together."""

    def __init__(self, suite, epoch, root):
        self.epoch = epoch
        self.sender = Sender(suite, TO_RESPONDER, epoch, keys.chain_key(root, TO_RESPONDER))
        self.receiver = Receiver(suite, TO_INITIATOR, epoch, keys.chain_key(root, TO_INITIATOR))
        self.messages = 0
        self.counter = 0  # of the ids first sent in this epoch
        self.frozen = False

    def next_number(self):
        """Return a fresh id: the epoch of the first sending, and a counter from 1 in it."""
        self.counter += 1
        return self.epoch << 32 | self.counter

    @property
    def full(self):
        """Whether this epoch may carry no more DATA of ours."""
        return self.messages >= limits.MAX_EPOCH_MESSAGES

    def chains(self):
        """Return both chain keys when nothing of ours is unacknowledged, else None."""
        return (self.sender.chain, self.receiver.chain) if self.sender.idle else None
