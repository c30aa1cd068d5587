"""The broadcast of a negotiation: scanners that miss packets, and an Eve who fills the gaps with her own."""

import random
from typing import TYPE_CHECKING, Any, Final

from .profile import INTERVAL, N_MAX

if TYPE_CHECKING:
    from .world import World

LOSSES: Final = (0.1, 0.3, 0.3, 0.5, 0.7)
RANDOM_BYTES: Final = 20


class Broadcast:
    """Airs one random packet at a time; its temper changes with each negotiation."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._next_at: float | None = None
        self._sid = -1
        self.loss = LOSSES[0]
        self.scanners: tuple[str, ...] = ("here",)
        self.jamming = 0.0  # share of packets that Eve answers with her own

    def due(self, core: Any) -> float | None:
        """Return when the next packet is aired."""
        if self._world.linked or not core.broadcasting:
            self._next_at = None
        elif self._next_at is None:
            self._next_at = self._world.now + INTERVAL / 1000
        return self._next_at

    def air(self) -> None:
        """Air one packet."""
        self._next_at = None
        payload = self._world.front.core.next_random()
        sid, seq, value = payload[8], int.from_bytes(payload[9:11]), payload[11:31]
        if sid != self._sid:
            self._begin(sid)
        for scanner in self.scanners:
            if self._rng.random() < self.loss:
                self._world.counts.faults["broadcast: packet lost"] += 1
                self._jam(scanner, (sid, seq), "broadcast: forged for a missed number")
            else:
                self._hear(scanner, (sid, seq), value)
                self._jam(scanner, (sid, seq), "broadcast: conflict")

    def _begin(self, sid: int) -> None:
        self._sid = sid
        self.loss = self._rng.choice(LOSSES)
        self.scanners = self._rng.choice((("here",), ("here",), ("here", "there")))

    def _jam(self, scanner: str, place: tuple[int, int], name: str) -> None:
        if self.jamming and self._rng.random() < self.jamming:
            self._world.counts.faults[name] += 1
            self._hear(scanner, place, self._rng.randbytes(RANDOM_BYTES))

    def _hear(self, scanner: str, place: tuple[int, int], value: bytes) -> None:
        self._world.tell("random_packet", scanner, *place, value, self._world.now)

    # --- faults

    def repeat(self) -> None:
        """A scanner reports packets of another broadcast, beyond the end, or of a strange size."""
        sid = self._rng.choice((self._sid % 256, self._rng.randrange(256)))
        seq = self._rng.choice((self._rng.randrange(N_MAX), N_MAX, 0xFFFF))
        size = self._rng.choice((RANDOM_BYTES, RANDOM_BYTES, 3))
        self._world.counts.fault("broadcast: stray packet")
        self._hear("here", (sid, seq), self._rng.randbytes(size))
