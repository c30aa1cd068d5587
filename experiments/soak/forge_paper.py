"""Forged packets of suite paper: anybody can make its OAEP and its Hash, nobody without the key its HMACs."""

from typing import Final, override

from custom_components.self_secure.protocol import limits, sets
from custom_components.self_secure.protocol.packets import Frame, FrameType, NakReason, PaperPacket
from custom_components.self_secure.protocol.suites import paper

from .forge import Forger
from .profile import HUB_ID, N_MAX

_WRAPPED: Final = frozenset({FrameType.R0, FrameType.R3, FrameType.RNAK, FrameType.NAK})
_TAILS: Final = {FrameType.RSP: 16, FrameType.ACK: 32, FrameType.END: 32}
_SIZES: Final = {FrameType.REQ: (6, 16, 3), FrameType.ACC: (16, 6, 17), FrameType.DACK: (32, 31)}  # of Message, the first is right


class PaperForger(Forger):
    """As `Forger`, for suite paper."""

    @override
    def frame(self, kind: FrameType) -> bytes:
        """Return a packet of this type."""
        return PaperPacket(kind, self._body(kind)).encode()

    def _body(self, kind: FrameType) -> bytes:
        if kind in _WRAPPED:
            return self._inner(kind)
        if kind in _SIZES:
            padded = self._padded(kind, self.random_bytes(self.rng.choice(_SIZES[kind])))
            return paper.with_hash(padded)
        if kind in _TAILS:
            message = sets.encode_deltas(sorted(self.rng.sample(range(N_MAX), 22))) if kind is FrameType.RSP else b""
            return self._padded(kind, message) + self.random_bytes(_TAILS[kind])
        return self._others(kind)

    def _others(self, kind: FrameType) -> bytes:
        if kind is FrameType.R1:
            return self._rounds_offer()
        if kind is FrameType.R2:
            return Frame(kind, self.random_bytes(8), self.random_mac()).encode()
        return self.random_bytes(self.rng.choice((112, 128, 33)))

    def _padded(self, kind: FrameType, message: bytes) -> bytes:
        retran = self.rng.randrange(3) if kind is FrameType.DACK else 0
        seq = self.rng.randrange(40) if kind is FrameType.DACK else 0
        packet = paper.plain(kind, retran, seq, self.random_bytes(paper.RAND_SIZE), message)
        return paper.pad(packet, self.random_bytes(32))

    def _inner(self, kind: FrameType) -> bytes:
        messages = {
            FrameType.R0: self.random_bytes(16) + self.rng.choice((HUB_ID, self.random_bytes(16))),
            FrameType.RNAK: self.seen("R1", 9, 16),
            FrameType.NAK: bytes([self.rng.choice([*NakReason, 0, 9])]),
        }
        mac = self.random_mac() if kind is FrameType.R3 else b""
        return Frame(kind, messages.get(kind, b""), mac).encode()

    def _rounds_offer(self) -> bytes:
        count = self.rng.choice((2, 4, 8))
        known = self.seen("R1", 42, 9)
        rows = [known, *(bytes([place % 2]) + self.random_bytes(8) for place in range(count - 1))]
        message = self.random_bytes(16) + self.seen("R0", 9, 16) + bytes([count]) + b"".join(rows) + bytes(2 * limits.DIGEST_SIZE)
        return Frame(FrameType.R1, message, b"".join(self.random_mac() for _ in rows)).encode()
