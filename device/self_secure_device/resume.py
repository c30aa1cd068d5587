"""The initiator's side of a resume (protocol.md 7): answers R0 with R1, and R2 with a new epoch.

R0 alone changes nothing. The memory of a running resume dies with the connection.
"""

from . import frames, keys, limits, messages, x25519
from .crypto import equal, tag
from .errors import CryptoError, StateError, TagError
from .session import Session


class Renewal:
    """What an accepted R2 leads to: the entry it was based on, the new root with its session, and R3."""

    def __init__(self, entry, epoch, root, transcript, clone):
        self.entry = entry
        self.epoch = epoch
        self.root = root
        self.store = keys.store_key(root)
        self.session = Session(entry.suite, epoch, root)
        self.possible_clone = clone
        mac = tag(keys.finish_key(root), b"R3", transcript)
        self.frame = frames.encode_head(frames.R3, b"") + mac


class Resume:
    """One running resume with one hub."""

    def __init__(self):
        self._hello = None  # the R0 that is being answered, byte for byte
        self._answer = None  # its R1
        self._head = b""
        self._nonce = None
        self._secret = None
        self._entries = []
        self._chains = None

    @property
    def running(self):
        """Whether an R1 is outstanding."""
        return self._answer is not None

    def forget(self):
        """Drop the outstanding R1 and its secret."""
        self.__init__()

    def answer(self, frame, entries, nonce, secret):
        """Return R1 for an R0; a byte-identical R0 gets the stored one, another one forgets it.

        ``entries`` are the keys held for this hub, newest pairing first; each has suite, epoch, store and session.
        """
        if self._answer is not None and frame.raw == self._hello:
            return self._answer
        hello = messages.Hello(frame.message)
        self._hello, self._nonce, self._secret, self._entries = frame.raw, nonce, secret, entries
        self._answer = self._offer(hello)
        return self._answer

    def _offer(self, hello):
        """Return R1."""
        entries, session = self._entries, self._entries[0].session
        self._chains = session.chains() if session is not None else None
        hybrid = any(entry.suite.uses_x25519 for entry in entries)
        public = x25519.public_key(self._secret) if hybrid else x25519.NO_KEY
        listed = [(entry.epoch, keys.key_id(entry.store)) for entry in entries]
        message = messages.entries(self._nonce, hello.nonce, listed, self._live(), public)
        self._head = frames.encode_head(frames.R1, message)
        return self._head + b"".join(tag(keys.resume_key(entry.store), b"R1", self._head) for entry in entries)

    def _live(self):
        return keys.live_digest(self._chains) if self._chains is not None else keys.NO_LIVE

    def ended(self, frame):
        """Take an RNAK; StateError when it does not name the outstanding R1."""
        if not self.running or frame.message != self._nonce:
            raise StateError("RNAK")
        self.forget()

    def renew(self, frame):
        """Verify R2 and return the Renewal; nothing is changed here. DropError when it does not verify."""
        offer = messages.NewEpoch(frame.message)
        highest = max(entry.epoch for entry in self._entries)
        if not highest < offer.epoch <= limits.MAX_EPOCH:
            raise StateError("epoch must rise")
        transcript = keys.resume_transcript(self._head, offer.old_epoch, offer.epoch, offer.live, offer.public)
        shared = {}  # per suite: one X25519 is enough
        for entry in self._entries:
            if entry.epoch == offer.old_epoch:
                renewal = self._try(entry, offer, transcript, frame.mac, shared)
                if renewal is not None:
                    return renewal
        raise TagError("R2")

    def _exchange(self, suite, public, shared):
        if suite.suite_id not in shared:
            shared[suite.suite_id] = suite.exchange(self._secret, public)
        return shared[suite.suite_id]

    def _try(self, entry, offer, transcript, mac, shared):
        live, clone = self._contribution(offer.live)
        try:
            secret = self._exchange(entry.suite, offer.public, shared)
        except CryptoError:
            return None
        root = keys.next_root(transcript, entry.store, secret, live, offer.epoch)
        if not equal(tag(keys.finish_key(root), b"R2", transcript), mac):
            return None
        return Renewal(entry, offer.epoch, root, transcript, clone)

    def _contribution(self, theirs):
        """Return ``live`` and whether the two digests speak of a possible clone."""
        own = self._live()
        if keys.NO_LIVE in (own, theirs):
            return b"", False
        return (keys.live_key(self._chains), False) if equal(own, theirs) else (b"", True)
