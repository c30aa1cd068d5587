"""One REQ and the broadcast that belongs to it (protocol.md 5): shared by all responders that answer.

The seed of the random packets, the X25519 secret and the nonce live in memory only, and are wiped together.
"""

from . import frames, keys, limits, messages, x25519
from .errors import DeviceError
from .machine import Shared
from .suites import PAPER_ID, SUITES, find


class Parameters:
    """What this device offers in REQ: suite ids (best first), N_max, interval in ms, waiting phase in s."""

    def __init__(self, suites, n_max=limits.MAX_PACKETS, interval=limits.DEFAULT_INTERVAL, wait=limits.DEFAULT_WAIT, psk=b""):
        for suite_id in suites:
            if find(suite_id) is None:
                raise DeviceError("unknown suite")
        if not suites:
            raise DeviceError("no suite")
        self.paper = PAPER_ID in suites
        if self.paper and (len(suites) > 1 or psk):
            raise DeviceError("the suite paper stands alone, without a scanned secret")
        self.suites = tuple(suites)
        self.n_max = n_max
        self.interval = interval
        self.wait = wait
        self.psk = psk  # a scanned secret of at least 128 bits, or empty

    @property
    def uses_x25519(self):
        """Whether any offered suite needs a public key in REQ."""
        for suite_id in self.suites:
            if SUITES[suite_id].uses_x25519:
                return True
        return False


class Secrets:
    """Fresh randomness of one request."""

    def __init__(self, nonce, sid, seed, secret):
        self.nonce = nonce  # n_I, 16 bytes
        self.sid = sid
        self.seed = seed  # 32 bytes
        self.secret = secret  # of X25519, 32 bytes

    @classmethod
    def draw(cls, urandom):
        """Draw all four from ``urandom``."""
        return cls(urandom(16), urandom(1)[0], urandom(32), urandom(x25519.KEY_BYTES))


class Request(Shared):
    """m1 and the random messages R_i behind it."""

    def __init__(self, identity, parameters, secrets):
        super().__init__()
        self.identity = identity
        self.parameters = parameters
        self._secrets = secrets
        self.nonce = secrets.nonce
        self.sid = secrets.sid
        self.frame = frames.encode_head(frames.REQ, self._message(secrets))
        self.transcript = keys.transcript_add(keys.transcript_start(), self.frame)

    def _message(self, secrets):
        own = self.parameters
        public = x25519.public_key(secrets.secret) if own.uses_x25519 else x25519.NO_KEY
        return messages.request(own.suites, self.identity, self.nonce, self.sid, (own.n_max, own.interval, own.wait), public)

    def random(self, suite, seq):
        """R_i: 20 bytes."""
        return suite.random_message(self._secrets.seed, self.nonce, seq)

    def tag(self, suite, seq):
        """tag_i: two bytes."""
        return suite.random_tag(self.nonce, seq, self.random(suite, seq))

    def exchange(self, suite, public):
        """DH with the responder's public key; empty without X25519, CryptoError when all zeros."""
        return suite.exchange(self._secrets.secret, public)

    def wipe(self):
        """Forget the seed and the secret: at END, and when the negotiation fails."""
        self._secrets = None
