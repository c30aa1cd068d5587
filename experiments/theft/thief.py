"""What a passive thief can do with stolen keys: follow the chains message by message, and the resumes with a stored key.

He is made of the hub's own suite functions: whatever the formulas allow, he does.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
import struct

from custom_components.self_secure.protocol.errors import RemoteError
from custom_components.self_secure.protocol.keys import ChainKey, EpochRoot, StoreKey, digest
from custom_components.self_secure.protocol.packets import Frame, FrameType, Offer, Packet, PaperPacket, Selection
from custom_components.self_secure.protocol.paper_resume import Life, RoundsOffer, inner
from custom_components.self_secure.protocol.resume import derive_root, resume_transcript
from custom_components.self_secure.protocol.suites import SUITES, Suite, paper
from custom_components.self_secure.protocol.suites.suite import Opened

_CONTEXT = struct.Struct(">BII")
DIRECTIONS = (0, 1)


@dataclass(slots=True)
class FollowedChain:
    """One direction as the thief knows it."""

    suite: Suite
    direction: int
    epoch: int
    index: int
    key: ChainKey
    read: int = 0
    _opened: dict[int, Opened] = field(default_factory=dict, repr=False)  # attempts of the present message that he heard

    @property
    def _context(self) -> bytes:
        return _CONTEXT.pack(self.direction, self.epoch, self.index)

    def hear(self, packet: Packet) -> None:
        """Take one frame; nothing happens if it does not fit."""
        try:
            if packet.type is FrameType.DATA:
                self._open(packet)
            elif packet.type is FrameType.DACK and self._opened and not self.suite.has_rounds:
                self._acknowledged(packet)
        except RemoteError:
            return

    def _open(self, packet: Packet) -> None:
        opened = self.suite.open(self.key, self._context, packet)
        self.read += 1
        self._opened[opened.attempt] = opened
        if self.suite.has_rounds:  # the paper has no RandB: DATA alone leads to the next key
            self._step(opened, b"")

    def _acknowledged(self, packet: Packet) -> None:
        heard = self._opened
        tags = [heard[number].tag if number in heard else b"" for number in range(max(heard) + 1)]
        number, rand_b = self.suite.accept(self.key, self._context, tags, packet)
        self._step(self._opened[number], rand_b)

    def _step(self, opened: Opened, rand_b: bytes) -> None:
        self.key = self.suite.step(self.key, self._context, opened.attempt, opened.rand + rand_b, opened.text, opened.tag)
        self.index += 1
        self._opened.clear()


@dataclass(frozen=True, slots=True)
class Loot:
    """What was copied from the device."""

    chains: tuple[FollowedChain, FollowedChain] | None = None
    stored: tuple[StoreKey, ...] = field(default=(), repr=False)  # SK_e; suite `paper`: the newest W-round key of each direction


class Thief:
    """Listens to everything with the losses of `lost`; `chains` are what he follows at the moment."""

    def __init__(self, suite: int, loot: Loot, lost: Callable[[], bool] = lambda: False) -> None:
        self._suite, self._lost = SUITES[suite], lost
        self.chains, self._stored = loot.chains, loot.stored
        self._offer: Packet | None = None

    def __call__(self, packet: Packet) -> None:
        """One frame is on the air."""
        if self._lost():
            return
        if packet.type is FrameType.R1:
            self._offer = packet
        elif packet.type is FrameType.R2 and self._offer is not None:
            self._resume(self._offer, packet)
        elif self.chains is not None:
            self._follow(packet)

    def _follow(self, packet: Packet) -> None:
        for chain in self.chains or ():
            before = chain.index
            chain.hear(packet)
            if self._suite.has_rounds and chain.index > before and chain.index % paper.W == 0:
                self._keep_round(chain)

    def _keep_round(self, chain: FollowedChain) -> None:
        """Suite `paper`: who passes message jW holds K_jW, what the victims store."""
        stored = list(self._stored or (StoreKey(bytes(32)),) * 2)
        stored[chain.direction] = StoreKey(chain.key.raw)
        self._stored = tuple(stored)

    # --- resumes

    def _resume(self, offer: Packet, answer: Packet) -> None:
        in_paper = isinstance(offer, PaperPacket)
        root = self._paper_root(inner(offer), inner(answer)) if in_paper else self._root(offer, answer)
        self.chains = None
        if root is not None:
            epoch, keys = root
            self.chains = _begin(self._suite, keys, epoch)
            self._stored = tuple(StoreKey(keys.chain(d).raw) for d in DIRECTIONS) if self._suite.has_rounds else (keys.store(),)

    def _root(self, offer: Packet, answer: Packet) -> tuple[int, EpochRoot] | None:
        if not isinstance(offer, Frame) or not isinstance(answer, Frame) or not self._stored:
            return None
        selection = Selection.decode(answer)
        th = resume_transcript(offer.authenticated, selection.common, selection.epoch, selection.live_r, selection.pk_r)
        for live in self._live(Offer.decode(offer), selection):
            root = derive_root(self._stored[0], th, b"", live, selection.epoch)  # DH: a passive thief never has it
            if root.finish().tag(b"R2" + th) == answer.mac:
                return selection.epoch, root
        return None

    def _live(self, offer: Offer, selection: Selection) -> list[bytes]:
        """Return what `live` may be: nothing, or the key of the chains that he followed to the end."""
        if self.chains is None or offer.live_i != selection.live_r:
            return [b""]
        return [b"", digest(b"SSC1 live key" + b"".join(chain.key.raw for chain in self.chains))]

    def _paper_root(self, offer: Frame, answer: Frame) -> tuple[int, EpochRoot] | None:
        if len(self._stored) < len(DIRECTIONS):
            return None
        request = RoundsOffer.decode(offer)
        first, second = (paper.new_life_key(self._stored[d].raw, d, request.n_i, request.n_r) for d in DIRECTIONS)
        life, th = Life((first, second)), digest(b"SSC0 resume" + offer.authenticated + answer.message)
        fits = life.finish().tag(b"R2" + th) == answer.mac
        return (0, life) if fits else None


def _begin(suite: Suite, root: EpochRoot, epoch: int) -> tuple[FollowedChain, FollowedChain]:
    first, second = (FollowedChain(suite, d, epoch, 0, root.chain(d)) for d in DIRECTIONS)
    return first, second
