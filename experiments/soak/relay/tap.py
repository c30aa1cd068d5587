"""Every whole frame that leaves on a hop or on a link of the hub: what Eve can replay and imitate there."""

from collections import deque
from dataclasses import dataclass, field
import random
from typing import Final

from experiments.soak.air import LAST, NAMES, NUMBER, type_of
from experiments.soak.counts import Counts

ARCHIVE: Final = 400
NEWEST: Final = 8
TIMELY: Final = 0.5  # share of what is taken from what is going on


@dataclass(frozen=True, slots=True)
class Heard:
    """A genuine frame on one link."""

    sender: str
    receiver: str
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Type of the frame."""
        return NAMES.get(type_of(self.data), "?")


class Tap:
    """Puts fragments together; `last` is what a forger has seen."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._building: dict[tuple[str, str], bytearray] = {}
        self.archive: deque[Heard] = deque(maxlen=ARCHIVE)
        self.last: dict[tuple[str, str], bytes] = {}

    def sent(self, sender: str, receiver: str, fragment: bytes) -> None:
        """Take a fragment as it leaves."""
        building = self._building.setdefault((sender, receiver), bytearray())
        if not fragment[0] & NUMBER:
            building.clear()
        building += fragment[1:]
        if fragment[0] & LAST:
            heard = Heard(sender, receiver, bytes(building))
            self.archive.append(heard)
            self.last[sender, heard.name] = heard.data
            self._counts.rules[f"sent: {heard.name}"] += 1

    def recent(self, rng: random.Random) -> Heard | None:
        """Return a frame: one of the last, or any that is remembered."""
        if not self.archive:
            return None
        if rng.random() < TIMELY:
            return self.archive[-1 - rng.randrange(min(NEWEST, len(self.archive)))]
        return rng.choice(self.archive)
