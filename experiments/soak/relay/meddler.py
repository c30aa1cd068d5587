"""A relay that misbehaves: it drops, repeats, changes and makes inner frames, and can do nothing else (protocol.md 10)."""

from collections import deque
import random
from typing import Any, Final

from custom_components.self_secure.protocol.packets import FrameType
from experiments.soak.air import NAMES, type_of
from experiments.soak.counts import Counts
from experiments.soak.forge import Forger
from self_secure_device.path import RELAY_HEAD_BYTES

from .nodes import PoweredRelay

DEEDS: Final = ("drops", "repeats", "flips", "replays", "forges")
UP, DOWN = "hub", "device"
ARCHIVE: Final = 200  # inner frames that it has kept
HYBRID: Final = 0x11
RARE: Final = ("REQ", "ACC", "RSP", "ACK", "END", "OPEN", "RAND", "R0", "R1", "R2", "R3", "DACK")  # few pass, so they are waited for


class Meddler:
    """Stands in all relays at once. `arm` says what happens to a coming inner frame; `last` is what a forger has seen of the air."""

    def __init__(self, counts: Counts, rng: random.Random) -> None:
        self._counts, self._rng = counts, rng
        self._armed: tuple[str, str | None] | None = None  # a deed, and the only type that it is for
        self._archive: dict[str, deque[bytes]] = {way: deque(maxlen=ARCHIVE) for way in (UP, DOWN)}
        self.last: dict[tuple[str, str], bytes] = {}
        self._forger = Forger(HYBRID, self, rng)

    def arm(self) -> None:
        """Do something to the next inner frame, or to the next one of some type."""
        self._armed = (self._rng.choice(DEEDS), self._rng.choice((None, self._rng.choice(RARE))))

    def disarm(self) -> None:
        """Carry as a relay should."""
        self._armed = None

    def enter(self, node: PoweredRelay) -> None:
        """Stand between the hops of a relay that has just started."""
        routes: Any = node.relay.routes
        carry, pass_up = routes.carry, routes._up  # noqa: SLF001  # where all goes up, also what the relay itself has heard

        def meddle_down(peer: Any, body: bytes, now: int) -> None:
            for inner in self._instead(DOWN, body[RELAY_HEAD_BYTES:]):
                carry(peer, body[:RELAY_HEAD_BYTES] + inner, now)

        def meddle_up(route: Any, ttl: int, inner: bytes, now: int) -> None:
            for changed in self._instead(UP, inner):
                pass_up(route, ttl, changed, now)

        routes.carry, routes._up = meddle_down, meddle_up  # noqa: SLF001  # as above

    def _instead(self, way: str, inner: bytes) -> list[bytes]:
        """Return what is carried in place of an inner frame."""
        if not inner:
            return [inner]
        name = NAMES.get(type_of(inner), "?")
        self.last[way, name] = inner
        done = self._do(way, inner, name)
        self._archive[way].append(inner)
        return done

    def _do(self, way: str, inner: bytes, name: str) -> list[bytes]:
        if self._armed is None or self._armed[1] not in (None, name):
            return [inner]
        deed, self._armed = self._armed[0], None
        self._counts.fault(f"relay {deed}" + (f": {name}" if deed in ("flips", "drops") else ""))
        if deed == "drops":
            return []
        if deed == "flips":
            return [self._flipped(inner)]
        return [inner, {"repeats": lambda: inner, "replays": lambda: self._old(way, inner), "forges": self._forged}[deed]()]

    def _flipped(self, inner: bytes) -> bytes:
        data = bytearray(inner)
        data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
        return bytes(data)

    def _old(self, way: str, inner: bytes) -> bytes:
        kept = self._archive[way]
        return self._rng.choice(kept) if kept else inner

    def _forged(self) -> bytes:
        return self._forger.frame(self._rng.choice(list(FrameType)))
