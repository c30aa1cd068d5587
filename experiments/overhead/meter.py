"""Counts what goes over the link of the virtual world, by what it is for."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
import json
import time
from typing import Any, Self

from custom_components.self_secure.protocol.packets import FrameType, Packet

from ..evaluation.pair import Pair
from ..theft.tap import TappedWorld

RESUME = frozenset({FrameType.R0, FrameType.R1, FrameType.R2, FrameType.R3})
RAND_BYTES = {"paper": 32 + 32, "loss": 16, "hybrid": 16}  # in each DATA, only for the key update: Rand, and the paper's a of OAEP
ACK_RANDOM = {"paper": 16 + 32, "loss": 16, "hybrid": 16}  # in each DACK: RandB; the paper's Rand and a


@dataclass(slots=True)
class Meter:
    """Frames and their bytes, without the fragments' numbers and what Bluetooth adds."""

    frames: Counter[FrameType] = field(default_factory=Counter)
    bytes: Counter[FrameType] = field(default_factory=Counter)

    def __call__(self, packet: Packet) -> None:
        """One frame is on the air."""
        self.frames[packet.type] += 1
        self.bytes[packet.type] += len(packet.encode())

    @classmethod
    def on(cls, pair: Pair) -> Self:
        """Return a meter that listens to a pair from now on."""
        meter = cls()
        assert isinstance(pair.world, TappedWorld)  # noqa: S101  # tells mypy what every caller makes
        pair.world.listeners.append(meter)
        return meter

    @property
    def resume_bytes(self) -> int:
        """Bytes of R0 to R3."""
        return sum(self.bytes[kind] for kind in RESUME)

    def ratchet_bytes(self, suite: str) -> int:
        """Bytes of DATA and DACK that exist for the key update only."""
        return self.frames[FrameType.DATA] * RAND_BYTES[suite] + self.frames[FrameType.DACK] * ACK_RANDOM[suite]

    def update_bytes(self, suite: str) -> int:
        """All bytes that exist for the key update only."""
        return self.resume_bytes + self.ratchet_bytes(suite)


def stored(pair: Pair) -> tuple[int, int]:
    """Return the bytes on the hub's disk (JSON) and on the device's."""
    return len(json.dumps(pair.store.snapshot)), len(pair.node.stored or b"")


def milliseconds(work: Callable[[], Any]) -> float:
    """Return the CPU time of some work."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000
