"""A relay that misbehaves: it drops, repeats, changes and makes inner frames, and can do nothing else (protocol.md 10)."""

from collections import deque
from collections.abc import Callable
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

type Pass = Callable[[Any, bytes, int], None]


class Meddler:
    """Stands in all relays at once; `armed` is what happens to the next inner frame. `last` is what a forger has seen of the air."""

    def __init__(self, counts: Counts, rng: random.Random) -> None:
        self._counts, self._rng = counts, rng
        self.armed: str | None = None
        self._archive: dict[str, deque[bytes]] = {way: deque(maxlen=ARCHIVE) for way in (UP, DOWN)}
        self.last: dict[tuple[str, str], bytes] = {}
        self._forger = Forger(HYBRID, self, rng)

    def enter(self, node: PoweredRelay) -> None:
        """Stand between the hops of a relay that has just started."""
        routes = node.relay.routes
        for way, method in ((DOWN, "carry"), (UP, "returned")):
            setattr(routes, method, self._between(way, getattr(routes, method)))

    def _between(self, way: str, pass_on: Pass) -> Pass:
        def meddle(peer: Any, body: bytes, now: int) -> None:
            for changed in self._bodies(way, body):
                pass_on(peer, changed, now)

        return meddle

    def _bodies(self, way: str, body: bytes) -> list[bytes]:
        head, inner = body[:RELAY_HEAD_BYTES], body[RELAY_HEAD_BYTES:]
        if not inner:
            return [body]
        name = NAMES.get(type_of(inner), "?")
        self.last[way, name] = inner
        done = self._do(way, inner, name)
        self._archive[way].append(inner)
        return [head + one for one in done]

    def _do(self, way: str, inner: bytes, name: str) -> list[bytes]:
        deed, self.armed = self.armed, None
        if deed is None:
            return [inner]
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
