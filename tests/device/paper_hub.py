"""A tiny scripted hub of suite `paper` out of the device's formulas: it says exactly what a test tells it to say."""

from collections.abc import Sequence
from typing import Any

from self_secure_device import frames, keys, sets
from self_secure_device.crypto import equal, expand, number, sha256, tag, u32, xor
from self_secure_device.paper import chains, formulas, packets

RAND, SEED = b"R" * 16, b"a" * 32
TO_HUB, TO_DEVICE = 0, 1  # d


class PaperResponder:
    """R of one negotiation; every value it sends is given."""

    def __init__(self, identity: bytes) -> None:
        self.identity = identity
        self.random: dict[int, bytes] = {}
        self.initial = self.derived = b""

    def accept(self, request: bytes) -> bytes:
        """Take REQ after its Hash (5), return ACC."""
        assert sha256(request[1:-32]) == request[-32:]
        packet = packets.Packet(frames.REQ, request, request[1:-32], b"")
        packet.read(packet.padded)
        self.device: bytes = packet.message
        return bytes(packets.hashed(frames.ACC, self.identity, RAND + SEED))

    def respond(self, numbers: Sequence[int]) -> bytes:
        """Return RSP for S."""
        return self.respond_coded(sets.encode_deltas(numbers), numbers)

    def respond_coded(self, coded: bytes, numbers: Sequence[int]) -> bytes:
        """Return RSP with this Cpr_s, under the key of `numbers`."""
        self.initial = formulas.initial_key(self.random[seq] for seq in numbers)
        self.derived = formulas.derived_key(self.initial)
        tail = formulas.response_tag(self.derived, coded)
        return bytes(packets.encode(frames.RSP, packets.pad(frames.RSP, coded, RAND, SEED), tail))

    def confirm(self, ack: bytes) -> bytes:
        """Check ACK's HMAC (10), return END."""
        packet = packets.Packet(frames.ACK, ack, ack[1:-32], ack[-32:])
        packet.read(packet.padded)
        assert packet.message == b""
        assert packet.mac == formulas.acknowledge_tag(self.derived, packet.rand)
        tail = formulas.end_tag(self.derived, packet.rand)
        return bytes(packets.encode(frames.END, packets.pad(frames.END, b"", RAND, SEED), tail))


class PaperHubSession:
    """Both chains of a life from the hub's side, and the W-round keys on its disk."""

    def __init__(self, bases: Sequence[int], first: Sequence[bytes]) -> None:
        self.store: bytes = chains.first_store(bases, first)
        self.sender = chains.PaperSender(TO_DEVICE, bases[TO_DEVICE], first[TO_DEVICE])
        self.receiver = chains.PaperReceiver(TO_HUB, bases[TO_HUB], first[TO_HUB])

    def write(self, saved: tuple[int, int, bytes] | None) -> None:
        """Store a W-round key when there is one."""
        if saved is not None:
            self.store = chains.save(self.store, saved)


def first_session(initial: bytes) -> PaperHubSession:
    """Begin with the K_0 of a negotiation."""
    return PaperHubSession((0, 0), [formulas.direction_key(initial, d) for d in (TO_HUB, TO_DEVICE)])


class PaperRenewer:
    """R of one resume: R0, R2, and the check of R3."""

    def __init__(self, identity: bytes, nonce: bytes) -> None:
        self._nonce = nonce
        self.hello: bytes = packets.wrap(frames.encode_head(frames.R0, nonce + identity))
        self.taken: list[int] = []

    def listed(self, r1: bytes) -> list[tuple[int, int, bytes]]:
        """Return R1's entries (d, j, kid)."""
        message = frames.decode(r1[1:]).message
        rows = [message[at : at + 9] for at in range(33, len(message) - 64, 9)]
        return [(row[0], number(row[1:5]), row[5:]) for row in rows]

    def renew(self, r1: bytes, store: bytes) -> bytes:
        """Take R1, pick the highest common j of each direction out of a pairing's `store`, return R2."""
        frame = frames.decode(r1[1:])
        held = {(d, j, keys.key_id(key)): key for d in (TO_HUB, TO_DEVICE) for j, key in chains.rounds(store, d)}
        listed = self.listed(r1)
        common = [max(row[1] for row in listed if row in held and row[0] == d) for d in (TO_HUB, TO_DEVICE)]
        rows = [next(row for row in listed if row[:2] == (d, common[d]) and row in held) for d in (TO_HUB, TO_DEVICE)]
        for row in rows:
            at = 16 * listed.index(row)
            assert tag(keys.resume_key(held[row]), b"R1", frame.head) == frame.mac[at : at + 16]
        nonce = frame.message[:16]
        self.taken = common
        self.first = [sha256(xor(held[row], sha256(bytes([row[0]]), nonce, self._nonce))) for row in rows]
        self.bases = [1 + max(j for other, j, _ in listed if other == d) for d in (TO_HUB, TO_DEVICE)]
        self.transcript = sha256(b"SSC0 resume", frame.head, u32(common[0]), u32(common[1]))
        head = frames.encode_head(frames.R2, u32(common[0]) + u32(common[1]))
        return bytes(packets.wrap(head + tag(self.finish_key, b"R2", self.transcript)))

    @property
    def finish_key(self) -> Any:
        """Return the key of R2's and R3's MACs."""
        return expand(xor(*self.first), b"SSC0 fin")

    def check(self, r3: bytes) -> bool:
        """Whether R3 confirms the new life."""
        frame = frames.decode(r3[1:])
        return r3[0] == frames.R3 | 0x80 and bool(equal(tag(self.finish_key, b"R3", self.transcript), frame.mac))

    def session(self) -> PaperHubSession:
        """Begin the new life."""
        return PaperHubSession(self.bases, self.first)
