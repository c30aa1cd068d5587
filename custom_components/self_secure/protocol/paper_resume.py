"""The responder in a resume of suite `paper`: a new life per direction from the W-round keys (protocol.md 8)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import hmac
import struct
from typing import Final, Self, override

from . import limits
from .errors import LocalError, MalformedError, UnexpectedError
from .keys import ChainKey, ConfirmationKey, StoreKey, digest, expand, verify
from .packets import Frame, FrameType, Packet, PaperPacket
from .resume import HeldKey, Live, Resumed, ResumeResponder
from .suites import PAPER, paper

_ENTRY: Final = struct.Struct(f">BI{limits.KID_SIZE}s")
_FIXED: Final = 2 * limits.NONCE_SIZE + 1
_ZEROS: Final = bytes(2 * limits.DIGEST_SIZE)  # live and pk
_ENTRIES_MAX: Final = 8  # two rounds of two directions of two pairings
DIRECTIONS: Final = (0, 1)


@dataclass(frozen=True, slots=True)
class Round:
    """One W-round key that the initiator holds."""

    direction: int
    number: int  # j
    kid: bytes


@dataclass(frozen=True, slots=True)
class RoundsOffer:
    """R1 of this suite."""

    n_i: bytes
    n_r: bytes
    rounds: tuple[Round, ...]

    @classmethod
    def decode(cls, frame: Frame) -> Self:
        """Decode; MalformedError unless there are 1-8 entries, live and pk are zero, and nothing is left over."""
        count = len(frame.mac) // limits.MAC_SIZE
        end = _FIXED + count * _ENTRY.size
        if frame.type is not FrameType.R1 or not 1 <= count <= _ENTRIES_MAX or frame.message[end:] != _ZEROS:
            raise MalformedError("R1 of suite paper")
        rounds = tuple(Round(*fields) for fields in _ENTRY.iter_unpack(frame.message[_FIXED:end]))
        if any(entry.direction not in DIRECTIONS for entry in rounds):
            raise MalformedError("direction of an entry")
        return cls(frame.message[: limits.NONCE_SIZE], frame.message[limits.NONCE_SIZE : 2 * limits.NONCE_SIZE], rounds)


@dataclass(frozen=True, slots=True)
class Life:
    """K_0^d of both directions after a resume."""

    keys: tuple[ChainKey, ChainKey]

    def chain(self, direction: int) -> ChainKey:
        """K_0^d."""
        return self.keys[direction]

    def finish(self) -> ConfirmationKey:
        """Exp(K_0^0 xor K_0^1, "SSC0 fin")."""
        return ConfirmationKey(expand(paper.xor(self.keys[0].raw, self.keys[1].raw), b"SSC0 fin"))

    def store(self) -> StoreKey:
        """There is none: each direction stores its own."""
        raise LocalError("suite paper stores W-round keys")


def inner(packet: Packet) -> Frame:
    """Return the section 4 frame behind the clear byte."""
    if not isinstance(packet, PaperPacket):
        raise UnexpectedError("not a packet of suite paper")
    frame = Frame.decode(packet.body)
    if frame.type is not packet.type:
        raise MalformedError("the clear byte does not match")
    return frame


def find_common_rounds(offer: RoundsOffer, frame: Frame, held: Sequence[HeldKey]) -> tuple[HeldKey, HeldKey] | None:
    """Return the highest common W-round key of each direction, of the newest pairing that has both."""
    fitting = [key for key in held if _is_offered(key, offer, frame)]
    for number in dict.fromkeys(key.pairing for key in fitting):
        of_pairing = [[key for key in fitting if (key.pairing, key.direction) == (number, direction)] for direction in DIRECTIONS]
        if all(of_pairing):
            first, second = (max(keys, key=lambda key: key.epoch) for keys in of_pairing)
            return first, second
    return None


def _is_offered(key: HeldKey, offer: RoundsOffer, frame: Frame) -> bool:
    name, expected = Round(key.direction, key.epoch, key.key.kid), key.key.offer_tag(frame.authenticated)
    tags = (frame.mac[place * limits.MAC_SIZE : (place + 1) * limits.MAC_SIZE] for place, entry in enumerate(offer.rounds) if entry == name)
    return any(hmac.compare_digest(expected, tag) for tag in tags)


def next_round(direction: int, offer: RoundsOffer) -> int:
    """1 + highest j of the direction that R1 lists; MalformedError at the end of the numbers.

    R2 says no new j, so only what both sides know may count: a j that we alone hold (the acknowledgement of its message,
    or an R2, was lost) would give the new key two names, and the next power loss would find no common key.
    """
    number = 1 + max(entry.number for entry in offer.rounds if entry.direction == direction)
    if number > limits.U32_MAX:
        raise MalformedError("no round left")
    return number


class PaperResumeResponder(ResumeResponder):
    """The same machine over W-round keys."""

    @override
    def challenge(self, now: float) -> bytes:
        return PaperPacket(FrameType.R0, super().challenge(now)).encode()

    @override
    def on_offer(self, packet: Packet, held: Sequence[HeldKey], live_of: Callable[[HeldKey], Live], now: float) -> Resumed | None:
        frame = inner(packet)
        offer = RoundsOffer.decode(frame)
        verify(self._n_r, offer.n_r, "n_R")
        rounds = [key for key in held if key.suite == PAPER.id]
        common = find_common_rounds(offer, frame, rounds)
        return None if common is None else self._answered(self._renew(frame, offer, common), packet, now)

    def _renew(self, frame: Frame, offer: RoundsOffer, common: tuple[HeldKey, HeldKey]) -> Resumed:
        numbers = b"".join(key.epoch.to_bytes(4) for key in common)
        self._th = digest(b"SSC0 resume" + frame.authenticated + numbers)
        first, second = (paper.new_life_key(key.key.raw, key.direction, offer.n_i, offer.n_r) for key in common)
        life = Life((first, second))
        answer = Frame(FrameType.R2, numbers)
        tag = life.finish().tag(b"R2" + self._th)
        new = {(direction, next_round(direction, offer)): StoreKey(life.chain(direction).raw) for direction in DIRECTIONS}
        old = {(key.direction, key.epoch) for key in common}
        packet = PaperPacket(FrameType.R2, answer.authenticated + tag).encode()
        return Resumed(common[0], max(new)[1], life, packet, clone=False, rounds=new, common=frozenset(old))

    @override
    def on_finish(self, packet: Packet) -> Resumed:
        return self._finished(inner(packet))

    @override
    def refusal(self, packet: Packet) -> bytes:
        n_i = RoundsOffer.decode(inner(packet)).n_i
        self.abandon()
        return PaperPacket(FrameType.RNAK, Frame(FrameType.RNAK, n_i).encode()).encode()

    @override
    def offered_kids(self, packet: Packet) -> set[bytes]:
        return {entry.kid for entry in RoundsOffer.decode(inner(packet)).rounds}
