"""The responder in a resume: a new epoch from a stored key, written before anything of it is used (protocol.md 7)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
import hmac
from typing import Final

from . import limits
from .errors import MalformedError, UnexpectedError
from .keys import NO_DIGEST, DhKey, EpochRoot, RootKey, StoreKey, digest, extract, lp, verify
from .packets import Challenge, Frame, FrameType, Offer, Packet, ResumeEntry, Selection
from .suites import SUITES, Suite
from .tables import ResumeState

_NO_KEY: Final = bytes(limits.PUBLIC_KEY_SIZE)


type RoundName = tuple[int, int]  # suite paper: direction, j


@dataclass(frozen=True, slots=True)
class HeldKey:
    """One SK_e that the responder has on disk."""

    pairing: int
    epoch: int
    suite: int
    key: StoreKey
    direction: int = 0  # suite paper: the one that it belongs to; `epoch` is j there


@dataclass(frozen=True, slots=True)
class Live:
    """The present chains as far as a resume may use them; empty when there are none."""

    digest: bytes = NO_DIGEST
    key: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What an R1 led to: the new epoch, to be written before `frame` (R2) leaves."""

    base: HeldKey  # e*
    epoch: int  # e'
    root: EpochRoot
    frame: bytes
    clone: bool  # both sides sent a live digest and they differ
    rounds: Mapping[RoundName, StoreKey] = field(default_factory=dict, repr=False)  # suite paper: the new life's first keys
    common: frozenset[RoundName] = frozenset()  # suite paper: what it grew from


def find_common(offer: Offer, frame: Frame, held: Iterable[HeldKey]) -> tuple[HeldKey, int] | None:
    """Return e* (the first entry that is held and whose MAC is right) and its place in R1."""
    named = [(key, ResumeEntry(key.epoch, key.key.kid)) for key in held]
    for place, entry in enumerate(offer.entries):
        tag = frame.mac[place * limits.MAC_SIZE : (place + 1) * limits.MAC_SIZE]
        for key, name in named:
            if name == entry and hmac.compare_digest(key.key.offer_tag(frame.authenticated), tag):
                return key, place
    return None


def next_epoch(entries: Sequence[ResumeEntry], held: Iterable[HeldKey]) -> int:
    """e' = highest entry on either side + 1; MalformedError at the end of the numbers."""
    epoch = max([entry.epoch for entry in entries] + [key.epoch for key in held]) + 1
    if epoch > limits.U32_MAX:
        raise MalformedError("no epoch left")
    return epoch


def derive_root(base: StoreKey, th: bytes, dh: bytes, live: bytes, epoch: int) -> RootKey:
    """RK_e' = Ext(th, lp(SK_e*) || lp(DH) || lp(live) || u32 e')."""
    return RootKey(extract(th, lp(base.raw) + lp(dh) + lp(live) + epoch.to_bytes(4)))


def resume_transcript(offer: bytes, common: int, epoch: int, live_r: bytes, pk_r: bytes) -> bytes:
    """th = H("SSC1 resume" || R1 without MACs || u32 e* || u32 e' || live_R || pk_R)."""
    return digest(b"SSC1 resume" + offer + common.to_bytes(4) + epoch.to_bytes(4) + live_r + pk_r)


class ResumeResponder:
    """One resume at a time; its memory dies with the connection."""

    def __init__(self, id_r: bytes, entropy: Callable[[int], bytes]) -> None:
        """Serve the identity `id_r` with random bytes from `entropy`."""
        self._id_r, self._entropy = id_r, entropy
        self.state = ResumeState.IDLE
        self.challenges = 0  # R0 of this connection
        self.deadline: float | None = None
        self._n_r = b""
        self._offer = b""
        self._answer: Resumed | None = None
        self._th = b""

    def reset(self) -> None:
        """The connection ended."""
        self.abandon()
        self.challenges = 0

    def abandon(self) -> None:
        """End the running resume; its R0 stays counted."""
        self.state, self.deadline = ResumeState.IDLE, None
        self._n_r, self._offer, self._answer, self._th = b"", b"", None, b""

    def challenge(self, now: float) -> bytes:
        """Start: return R0."""
        self.challenges += 1
        self.state = ResumeState.CHALLENGED
        self._n_r = self._entropy(limits.NONCE_SIZE)
        self.deadline = now + limits.RESUME_TIMEOUT
        return Challenge(self._n_r, self._id_r).encode().encode()

    def on_offer(self, packet: Packet, held: Sequence[HeldKey], live_of: Callable[[HeldKey], Live], now: float) -> Resumed | None:
        """R1: return the new epoch, or None when there is no common one. `live_of` tells the present chains of a key."""
        frame = _frame(packet)
        offer = Offer.decode(frame)
        verify(self._n_r, offer.n_r, "n_R")
        epochs = [key for key in held if not SUITES[key.suite].has_rounds]
        common = find_common(offer, frame, epochs)
        if common is None:
            return None
        base, place = common
        answer = self._derive(frame, offer, base, next_epoch(offer.entries, epochs), live_of(base) if place == 0 else Live())
        return self._answered(answer, packet, now)

    def _answered(self, answer: Resumed, packet: Packet, now: float) -> Resumed:
        self._answer, self._offer, self.state = answer, packet.encode(), ResumeState.ANSWERED
        self.deadline = now + limits.RESUME_TIMEOUT
        return answer

    def _derive(self, frame: Frame, offer: Offer, base: HeldKey, epoch: int, present: Live) -> Resumed:
        suite = SUITES[base.suite]
        pk_r, dh = self._exchange(suite, offer.pk_i)
        both = NO_DIGEST not in (offer.live_i, present.digest)
        same = both and offer.live_i == present.digest
        self._th = resume_transcript(frame.authenticated, base.epoch, epoch, present.digest, pk_r)
        root = derive_root(base.key, self._th, dh, present.key if same else b"", epoch)
        answer = Selection(base.epoch, epoch, present.digest, pk_r).encode()
        tag = root.finish().tag(b"R2" + self._th)
        return Resumed(base, epoch, root, answer.authenticated + tag, clone=both and not same)

    def _exchange(self, suite: Suite, pk_i: bytes) -> tuple[bytes, bytes]:
        if not suite.has_dh:
            return _NO_KEY, b""
        private = DhKey(self._entropy(limits.PUBLIC_KEY_SIZE))
        return private.public, private.exchange(pk_i)

    def on_repeated_offer(self, packet: Packet) -> bytes:
        """An identical R1: return the stored R2; anything else is dropped."""
        if self._answer is None or packet.encode() != self._offer:
            raise UnexpectedError("another R1 after the nonce was used")
        return self._answer.frame

    def on_finish(self, packet: Packet) -> Resumed:
        """R3: verify it, return the epoch that is now in force; nothing of it stays here."""
        return self._finished(_frame(packet))

    def _finished(self, frame: Frame) -> Resumed:
        answer = self._answer
        if answer is None or frame.message:
            raise UnexpectedError("R3 without R2")
        verify(answer.root.finish().tag(b"R3" + self._th), frame.mac, "R3")
        self.abandon()
        return answer

    def refusal(self, packet: Packet) -> bytes:
        """Return RNAK for an R1 without a common epoch; this resume is over, nothing is erased."""
        n_i = Offer.decode(_frame(packet)).n_i
        self.abandon()
        return Frame(FrameType.RNAK, n_i).encode()

    def offered_kids(self, packet: Packet) -> set[bytes]:
        """Return the names of the keys in an R1."""
        return {entry.kid for entry in Offer.decode(_frame(packet)).entries}


def _frame(packet: Packet) -> Frame:
    if not isinstance(packet, Frame):
        raise UnexpectedError("a packet of suite paper")
    return packet
