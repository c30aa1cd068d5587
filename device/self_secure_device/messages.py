"""The Message fields of negotiation and resume (protocol.md 5 and 7): read and written, nothing decided."""

from . import limits, sets
from .crypto import number, u16, u32
from .errors import FrameError
from .x25519 import NO_KEY

ACC_BYTES = 72
CARRIES = b"\x01"  # behind an ACC: R is a relay, its key only authorises a hop (protocol.md 10)
IDENTITY_BYTES = 16
NONCE_BYTES = 16
R0_BYTES = 32
R2_BYTES = 72
COMMITMENT_BYTES = 32


def request(suites, identity, nonce, sid, parameters, public):
    """m1; ``parameters`` are (N_max, interval in ms, waiting phase in s), ``suites`` are ids, best first."""
    n_max, interval, wait = parameters
    offer = bytes([len(suites)]) + bytes(suites)
    return offer + identity + nonce + bytes([sid]) + u16(n_max) + u16(interval) + bytes([wait]) + public


class Accept:
    """m2; raises FrameError when a field is outside its bounds."""

    def __init__(self, message):
        if len(message) < ACC_BYTES or message[ACC_BYTES:] not in (b"", CARRIES):
            raise FrameError("ACC has 72 bytes, a relay's one more")
        self.suite_id = message[0]
        self.identity = message[1:17]
        self.nonce = message[17:33]
        self.public = message[33:65]
        self.minimum = number(message[65:67])
        self.target_bits = number(message[67:69])
        self.loss = message[69]
        self.n_max = number(message[70:72])
        self.relay = len(message) > ACC_BYTES
        self._check()

    def _check(self):
        if not limits.MIN_PACKETS <= self.minimum <= self.n_max <= limits.MAX_PACKETS:
            raise FrameError("N_r or N_max out of bounds")
        if not limits.MIN_LOSS <= self.loss <= limits.MAX_LOSS:
            raise FrameError("assumed loss out of bounds")

    def key_fits(self, uses_x25519):
        """Return whether pk is zero exactly when the chosen suite has no X25519."""
        return (self.public != NO_KEY) == uses_x25519


def _conflicts(message, at):
    if at >= len(message):
        raise FrameError("RSP without conflict count")
    conflicts, count, at = [], message[at], at + 1
    for _ in range(count):
        if at + 3 > len(message):
            raise FrameError("truncated conflict")
        seq, k, at = message[at] << 8 | message[at + 1], message[at + 2], at + 3
        tags = []
        for _ in range(k):
            tags.append(message[at : at + 2])
            at += 2
        conflicts.append((seq, tags))
    if at != len(message):
        raise FrameError("RSP of the wrong length")
    return conflicts


class Response:
    """m3: ``numbers`` is S, ``conflicts`` a list of (Seq, tags); FrameError unless it is well-formed below ``n_max``."""

    def __init__(self, message, n_max):
        self.numbers, end = sets.decode(message, 0, n_max)
        self.conflicts = _conflicts(message, end)
        self._check(n_max)

    def _check(self, n_max):
        if len(self.conflicts) > limits.MAX_CONFLICTS or (self.numbers and self.numbers[-1] >= n_max):
            raise FrameError("Seq or conflicts out of bounds")
        self._check_conflicts(n_max)

    def _check_conflicts(self, n_max):
        seen, before = set(), -1
        for seq, tags in self.conflicts:
            if not before < seq < n_max:
                raise FrameError("conflicts must rise below N_max")
            seen.add(seq)
            before = seq
            if not limits.MIN_CANDIDATES <= len(set(tags)) == len(tags) <= limits.MAX_CANDIDATES:
                raise FrameError("two or three different tags")
        for seq in self.numbers:
            if seq in seen:
                raise FrameError("S holds no conflict")

    @property
    def conflict_cap(self):
        """How many conflicts a set of this size may have."""
        share = len(self.numbers) * limits.CONFLICT_PERCENT // 100
        return max(limits.MIN_CONFLICT_CAP, min(limits.MAX_CONFLICTS, share))


def acknowledge(numbers, choices, commitment):
    """m4: S', one byte per reported conflict, c_I."""
    return sets.encode(numbers) + bytes(choices) + commitment


class Hello:
    """R0: R's nonce and identity."""

    def __init__(self, message):
        if len(message) != R0_BYTES:
            raise FrameError("R0 has 32 bytes")
        self.nonce = message[:16]
        self.identity = message[16:]


def entries(nonce_i, nonce_r, listed, live, public):
    """R1; ``listed`` are (epoch, key id), newest first."""
    body = b"".join(u32(epoch) + kid for epoch, kid in listed)
    return nonce_i + nonce_r + bytes([len(listed)]) + body + live + public


class NewEpoch:
    """R2: the epoch agreed upon, the new one, and R's contribution."""

    def __init__(self, message):
        if len(message) != R2_BYTES:
            raise FrameError("R2 has 72 bytes")
        self.old_epoch = number(message[:4])
        self.epoch = number(message[4:8])
        self.live = message[8:40]
        self.public = message[40:]
