"""Suite `paper`: the formulas of `paper.py` as the functions of a session (protocol.md 8)."""

from collections.abc import Iterable, Sequence
import hmac
from typing import Final, override

from .. import limits
from ..errors import AuthenticationError, ChainJumpedError, LocalError, MalformedError, UnexpectedError
from ..keys import ChainKey, ConfirmationKey, RootKey, StoreKey, digest, mac, verify
from ..packets import FrameType, Packet, PaperPacket
from . import paper
from .suite import Confirmation, Opened, Sealed

_SEQ: Final = slice(5, 9)  # message number inside the context
_SEED_SIZE: Final = 32  # a of formula (2)
_PADDED_MIN: Final = 48  # Y and one block
WRAPPING_ENTROPY: Final = paper.RAND_SIZE + _SEED_SIZE


class InitialKey(RootKey):
    """K_0 of a negotiation; the directions part from it."""

    __slots__ = ()

    @override
    def chain(self, direction: int) -> ChainKey:
        """K_0^d."""
        return paper.direction_key(self.raw, direction)

    @override
    def store(self) -> StoreKey:
        """There is none: each direction stores its own (`first_rounds`)."""
        raise LocalError("suite paper stores W-round keys")


def wrap(kind: FrameType, seq: int, message: bytes, entropy: bytes, retran: int = 0) -> tuple[PaperPacket, bytes, bytes]:
    """Return (packet without tail, P_m, Rand); `entropy` = Rand of 16 bytes and a of 32."""
    rand, seed = entropy[: paper.RAND_SIZE], entropy[paper.RAND_SIZE :]
    padded = paper.pad(paper.plain(kind, retran, seq, rand, message), seed)
    return PaperPacket(kind, padded), padded, rand


def unwrap(packet: Packet, tail: int) -> tuple[bytes, bytes]:
    """Return (P_m, tail) of a packet that is not encrypted; MalformedError unless P_m is whole blocks."""
    if not isinstance(packet, PaperPacket):
        raise UnexpectedError("not a packet of suite paper")
    padded, end = packet.body[:-tail], packet.body[-tail:]
    if len(padded) < _PADDED_MIN or len(padded) % 16:
        raise MalformedError("P_m is not whole blocks")
    return padded, end


def unwrap_hashed(packet: Packet) -> tuple[int, int, bytes, bytes]:
    """Return (Retran, Seq, Rand, Message) of a packet whose tail is Hash, formulas (3)-(5)."""
    padded, received = unwrap(packet, paper.HASH_SIZE)
    verify(digest(padded), received, "Hash")
    return paper.read_plain(paper.unpad(padded), packet.type)


class PaperSuite:
    """The functions of suite 0x00."""

    id = 0x00
    name = "paper"
    has_dh = False
    finishes_short = True  # M >= N_r is all that the paper asks for
    has_rounds = True
    body_max = paper.BODY_MAX
    data_entropy = paper.DATA_RAND_SIZE + _SEED_SIZE
    dack_entropy = WRAPPING_ENTROPY

    def pool(self, th_2: bytes, sid: int, packets: Iterable[tuple[int, bytes]]) -> bytes:  # noqa: ARG002  # the paper has no transcript
        """K_0, formulas (6) and (7)."""
        return paper.initial_key(value for _, value in packets)

    def response_key(self, th_3: bytes, pool: bytes, dh: bytes, psk: bytes) -> ConfirmationKey:  # noqa: ARG002  # as above
        """K_D, formula (8)."""
        return ConfirmationKey(paper.derived_key(pool))

    def confirm(self, th_4: bytes, pool: bytes, dh: bytes, psk: bytes) -> Confirmation:
        """K_D confirms every packet, formulas (9) and (10)."""
        key = self.response_key(th_4, pool, dh, psk)
        return Confirmation(key, key, key, pool)

    def root(self, confirmation: Confirmation, th_6: bytes) -> RootKey:  # noqa: ARG002  # as above
        """K_0."""
        return InitialKey(confirmation.prk)

    def seal(self, chain: ChainKey, context: bytes, attempt: int, entropy: bytes, text: bytes) -> Sealed:
        """P_c || HMAC, formulas (11) and (12); the tag is the expected ACK, formula (13)."""
        rand, seed = entropy[: paper.DATA_RAND_SIZE], entropy[paper.DATA_RAND_SIZE :]
        k_h, k_e, k_a = paper.split(chain)
        padded = paper.pad(paper.plain(FrameType.DATA, attempt, _seq(context), rand, text), seed)
        packet = PaperPacket(FrameType.DATA, paper.encrypt(k_e, padded) + mac(k_h, padded))
        return Sealed(packet.encode(), rand, paper.acknowledgement(k_a, padded))

    def open(self, chain: ChainKey, context: bytes, packet: Packet) -> Opened:
        """Nothing of P_m is read before its HMAC has verified."""
        padded, k_a = self._verified(chain, packet)
        retran, seq, rand, text = paper.read_plain(paper.unpad(padded), FrameType.DATA)
        if seq != _seq(context) or len(text) < limits.TEXT_MIN:
            raise MalformedError("Seq or Message of P_p")
        return Opened(retran, rand, text, paper.acknowledgement(k_a, padded), chain.raw)

    def _verified(self, chain: ChainKey, packet: Packet) -> tuple[bytes, bytes]:
        encrypted, received = unwrap(packet, paper.HASH_SIZE)
        k_h, k_e, k_a = paper.split(chain)
        padded = paper.decrypt(k_e, encrypted)
        verify(mac(k_h, padded), received, "DATA")
        return padded, k_a

    def recognises(self, evidence: bytes, context: bytes, packet: Packet) -> bool:  # noqa: ARG002  # as above
        """The HMAC verifies under K_(i-1), which the paper keeps in memory."""
        try:
            self._verified(ChainKey(evidence), packet)
        except AuthenticationError, MalformedError, UnexpectedError:
            return False
        return True

    def acknowledge(self, chain: ChainKey, context: bytes, opened: Opened, entropy: bytes) -> tuple[bytes, bytes]:  # noqa: ARG002  # as above
        """DACK: Seq_r after the update, Message = ACK, tail = Hash; the paper has no RandB."""
        packet, padded, _ = wrap(FrameType.DACK, _seq(context) + 1, opened.tag, entropy, opened.attempt)
        return PaperPacket(packet.type, paper.with_hash(padded)).encode(), b""

    def accept(self, chain: ChainKey, context: bytes, tags: Sequence[bytes], packet: Packet) -> tuple[int, bytes]:  # noqa: ARG002  # as above
        """Find the attempt whose ACK came; Seq ahead of ours never jumps: ChainJumpedError."""
        _, seq, _, received = unwrap_hashed(packet)
        number = next((place for place, tag in enumerate(tags) if hmac.compare_digest(tag, received)), None)
        if number is None:
            raise AuthenticationError("ACK")
        if seq > _seq(context) + 1:
            raise ChainJumpedError("Seq_ACK is ahead")
        if seq <= _seq(context):
            raise UnexpectedError("DACK for another message")
        return number, b""

    def step(self, chain: ChainKey, context: bytes, attempt: int, randoms: bytes, text: bytes, tag: bytes) -> ChainKey:  # noqa: ARG002  # as above
        """K_(i+1), formula (14), and (15) after a retransmission."""
        return paper.next_key(chain, text, randoms, _seq(context), attempt)


def _seq(context: bytes) -> int:
    return int.from_bytes(context[_SEQ])
