"""Eve on the link: replayed, forged and mutilated frames, and the proof that they changed nothing."""

import random
from typing import TYPE_CHECKING, Any, Final

from custom_components.self_secure.protocol.framing import fragment as cut
from custom_components.self_secure.protocol.limits import MAC_SIZE
from custom_components.self_secure.protocol.packets import FrameType

from .air import NAMES, TO_DEVICE, TO_HUB, Sent, type_of
from .counts import ViolationError
from .fingerprint import picture
from .forge import HEAD, Forger
from .forge_paper import PaperForger

if TYPE_CHECKING:
    from .world import World

R1_ENTRIES: Final = 8  # at most, in suite paper
TIMELY: Final = 0.5  # share of injections that fit what is going on
NEWEST: Final = 6  # frames that are still going on
AUTHENTIC: Final = frozenset({"DATA", "DACK", "OPEN", "R2", "R3", "GROUP", "RAND"})
"""Frames whose MAC decides everything: without it nothing at all may change.

Missing are ACK (a wrong one names the cause of a later failure), RSP (asks for TAGS), END (after TAGS a second wrong MAC ends
the negotiation, protocol.md 5 rule 4) and R1 (gets an RNAK): what they may not touch is anything stored.
"""
OLD: Final = frozenset({"DATA", "DACK", "R1", "R2", "R3"})
"""Frames of an old epoch that may change nothing but, as R1, end a running resume."""


class Eve:
    """Injects frames into an open link."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        forger = PaperForger if world.profile.suite == "paper" else Forger
        self.forger = forger(world.profile.suite_id, world.air, rng, world.profile.identity)

    def forge(self) -> None:
        """Inject a well-formed frame, of a random type or of the one that was sent last."""
        way, kind = self._rng.choice((TO_HUB, TO_DEVICE)), self._rng.choice(list(FrameType))
        if self._world.air.archive and self._rng.random() < TIMELY:
            last = self._recent()
            way, kind = last.way, FrameType(type_of(last.data))
        self._inject(f"forged: {kind.name} to {way}", way, self.forger.frame(kind), unchanged=kind.name in AUTHENTIC, forged=True)

    def mutilate(self) -> None:
        """Inject a genuine frame with one of its bits changed."""
        if not self._world.air.archive:
            return
        sent = self._recent()
        data = bytearray(sent.data)
        place = self._rng.randrange(HEAD, len(data)) if len(data) > HEAD else 0
        data[place] ^= 1 << self._rng.randrange(8)
        tolerated = sent.name == "R1" and place >= len(data) - MAC_SIZE * R1_ENTRIES  # R then takes another entry, whose MAC is right
        self._inject(f"mutilated: {sent.name}", sent.way, bytes(data), unchanged=sent.name in AUTHENTIC, forged=not tolerated)

    def replay(self) -> None:
        """Inject a genuine frame again: a young one is a duplicate, one of an older epoch must not change anything."""
        if not self._world.air.archive:
            return
        sent = self._recent()
        old = self._is_old(sent)
        name = f"replayed: {'old ' if old else ''}{sent.name}"
        self._inject(name, sent.way, sent.data, unchanged=old and sent.name in AUTHENTIC, forged=old)

    def reflect(self) -> None:
        """Send a frame back to who has made it."""
        if not self._world.air.archive:
            return
        sent = self._recent()
        back = TO_HUB if sent.way == TO_DEVICE else TO_DEVICE
        self._inject("reflected", back, sent.data, unchanged=sent.name in AUTHENTIC, forged=True)

    def _recent(self) -> Sent:
        """Return a frame that was sent: one of the last, or any that is remembered."""
        archive = self._world.air.archive
        if self._rng.random() < TIMELY:
            return archive[-1 - self._rng.randrange(min(NEWEST, len(archive)))]
        return self._rng.choice(archive)

    def _is_old(self, sent: Sent) -> bool:
        """Tell whether both sides have left the frame's epoch; a device whose copy went on with the hub has not."""
        return sent.name in OLD and self._world.air.is_old(sent) and not self._world.watch.tainted

    def _inject(self, name: str, way: str, data: bytes, *, unchanged: bool, forged: bool) -> None:
        world = self._world
        if not world.linked:
            return
        world.counts.fault(name)
        side = world.hub.connection if way == TO_HUB else world.front.core
        before, stored = picture(side) if unchanged else None, self._stored(way)
        for piece in cut(data, world.payload):
            world.give(way, piece)
        if unchanged and side is self._side(way) and picture(side) != before:
            raise ViolationError(f"forged: {NAMES.get(type_of(data), 'garbage')} to {way} has changed something")
        if (forged or type_of(data) not in _STORES) and self._stored(way) != stored:
            raise ViolationError(f"forged: {NAMES.get(type_of(data), 'garbage')} to {way} has changed what is stored")

    def _side(self, way: str) -> Any:
        return self._world.hub.connection if way == TO_HUB else self._world.front.core

    def _stored(self, way: str) -> Any:
        return self._world.hub.disk if way == TO_HUB else self._world.front.flash


_STORES: Final = frozenset(
    {FrameType.ACK, FrameType.DATA, FrameType.DACK, FrameType.END, FrameType.OPEN, FrameType.R1, FrameType.R2, FrameType.R3}
)
"""Genuine ones may lead to a write."""
