"""The two one-way chains of suite ``paper`` and its W-round keys (protocol.md 8, formulas (11) to (15)).

Stop and wait, the attempts and their bounds are those of ``session.py``. Both sides write K after the update when their
count of messages n is a multiple of W; what is stored per direction is u32 j, K_{jW}, K_{(j-1)W} (zeros: none).
"""

from .. import frames
from ..crypto import equal, number, u32
from ..errors import DeviceError, FrameError, TagError
from ..session import ID_BYTES, TO_INITIATOR, TO_RESPONDER, Accepted, Receiver, Sender, Session
from . import formulas, packets

MAX_KEYS = 3  # one pairing in use and two without an answer have at most the 8 entries of one R1
W = 32  # messages between two stored keys, per direction
ROUND_BYTES = 4 + 2 * formulas.KEY_BYTES
STORE_BYTES = 2 * ROUND_BYTES  # direction 0, then 1
NO_KEY = bytes(formulas.KEY_BYTES)  # no hash is ever zero
RECENT = 4  # messages kept in memory per direction, for diagnostics
TEXT_BYTES = 1 + ID_BYTES  # type and id of a message with an empty body


def first_store(bases, chains):
    """Return what is stored of a new life; ``bases`` are its first j, ``chains`` its K_0, by direction."""
    return u32(bases[0]) + chains[0] + NO_KEY + u32(bases[1]) + chains[1] + NO_KEY


def save(store, saved):
    """Return ``store`` with one more W-round key; ``saved`` is (direction, j, key), j one above the newest stored."""
    direction, j, key = saved
    at = direction * ROUND_BYTES
    old = store[at + 4 : at + 4 + formulas.KEY_BYTES]
    return store[:at] + u32(j) + key + old + store[at + ROUND_BYTES :]


def rounds(store, direction):
    """Return the stored (j, key) of one direction, newest first."""
    at = direction * ROUND_BYTES
    j, newest, before = number(store[at : at + 4]), store[at + 4 : at + 36], store[at + 36 : at + ROUND_BYTES]
    return [(j, newest)] + ([] if before == NO_KEY else [(j - 1, before)])


def _saved(direction, base, count, key):
    """Return what is to be stored once ``count`` messages of this life are through or None (the paper's count since the last save has reached W)."""
    return (direction, base + count // W, key) if count % W == 0 else None


class PaperSender(Sender):
    """A sending chain: keeps Rand and ACK of every attempt; ``recent`` are the last (Seq, text)."""

    entropy_bytes = packets.DATA_RAND_BYTES + packets.SEED_BYTES

    def __init__(self, direction, base, chain):
        super().__init__(None, direction, base, chain)
        self.recent = []

    def attempt(self, entropy, now):
        """Return the next attempt's packet; ``entropy`` is Rand and a, 64 fresh bytes."""
        if self.idle or self.exhausted:
            raise DeviceError("nothing to send")
        retran = len(self._attempts)
        rand, seed = entropy[: packets.DATA_RAND_BYTES], entropy[packets.DATA_RAND_BYTES :]
        padded = packets.pad(frames.DATA, self.text, rand, seed, retran, self.seq)
        mac_key, key, ack_key = formulas.split(self.chain)
        self._attempts += ((rand, formulas.acknowledgement(ack_key, padded), now),)
        return packets.encode(frames.DATA, formulas.encrypt(key, padded), formulas.data_tag(mac_key, padded))

    def acknowledge(self, packet, write):
        """Take a DACK; return when the accepted attempt was sent, or None when its Seq would jump: the chain must freeze.

        TagError when its ACK is none of ours. ``write(saved)`` stores a W-round key before it is used.
        """
        retran = self._fitting(packet)
        if retran is None or packet.seq <= self.seq:
            raise TagError("DACK")
        if packet.seq > self.seq + 1:
            return None
        rand, _, sent_at = self._attempts[retran]
        chain = formulas.next_key(self.chain, self.text, rand, self.seq, retran)
        saved = _saved(self._direction, self._epoch, packet.seq, chain)
        if saved is not None:
            write(saved)
        self.recent = self.recent[1 - RECENT :] + [(self.seq, self.text)]
        self._step(chain)
        return sent_at

    def _fitting(self, packet):
        """Return the number of the attempt whose ACK this is, or None."""
        for retran, (_, acknowledgement, _) in enumerate(self._attempts):
            if equal(acknowledgement, packet.message):
                return retran
        return None


class PaperReceiver(Receiver):
    """A receiving chain: K_i, K_{i-1} and the stored acknowledgement; ``recent`` are the last (Seq, text)."""

    entropy_bytes = packets.RAND_BYTES + packets.SEED_BYTES

    def __init__(self, direction, base, chain):
        super().__init__(None, direction, base, chain)
        self.recent = []

    def repeated(self, packet):
        """Return the stored DACK when ``packet`` is an attempt of the message before: it verifies under K_{i-1}."""
        return self._dack if self._dack is not None and self._padded(packet, self._mac_key) is not None else None

    def _padded(self, packet, chain):
        """Return P_m when the HMAC verifies under this chain key, else None."""
        mac_key, key, _ = formulas.split(chain)
        padded = formulas.decrypt(key, packet.padded)
        return padded if equal(formulas.data_tag(mac_key, padded), packet.mac) else None

    def open(self, packet, entropy):
        """Verify and read the expected message; ``entropy`` is the DACK's Rand and a. TagError or FrameError."""
        padded = self._padded(packet, self.chain)
        if padded is None:
            raise TagError("DATA")
        packet.read(padded)
        if packet.seq != self.seq or len(packet.message) < TEXT_BYTES:
            raise FrameError("DATA")
        chain = formulas.next_key(self.chain, packet.message, packet.rand, self.seq, packet.retran)
        ack = formulas.acknowledgement(formulas.split(self.chain)[2], padded)
        dack = packets.hashed(frames.DACK, ack, entropy, packet.retran, self.seq + 1)
        accepted = Accepted(packet.message, dack, chain, self.chain)
        accepted.saved = _saved(self._direction, self._epoch, self.seq + 1, chain)
        accepted.text = packet.message
        return accepted

    def commit(self, accepted):
        """Step the chain and keep the message in memory."""
        self.recent = self.recent[1 - RECENT :] + [(self.seq, accepted.text)]
        super().commit(accepted)


class PaperSession(Session):
    """Both chains of one life; ``bases`` are its first j by direction, ids carry direction 0's."""

    full = False  # W-round keys need no new epoch

    def __init__(self, bases, chains):
        self.epoch = bases[TO_RESPONDER]
        self.sender = PaperSender(TO_RESPONDER, bases[TO_RESPONDER], chains[TO_RESPONDER])
        self.receiver = PaperReceiver(TO_INITIATOR, bases[TO_INITIATOR], chains[TO_INITIATOR])
        self.messages = 0
        self.counter = 0
        self.frozen = False
