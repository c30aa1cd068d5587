"""The link between hub and device: fragments in flight, and a tap that remembers every whole frame that was sent."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from custom_components.self_secure.protocol.packets import FrameType

from .counts import Counts

ARCHIVE: Final = 400  # frames: some ten epochs
LAST: Final = 0x80
NUMBER: Final = 0x7F  # of a fragment, and of a frame's type
NAMES: Final = {int(kind): kind.name for kind in FrameType}

TO_HUB, TO_DEVICE = "hub", "device"


def type_of(data: bytes) -> int:
    """Return the number of a frame's type, without the bit of suite paper."""
    return data[0] & NUMBER


@dataclass(frozen=True, slots=True)
class Sent:
    """A genuine frame as it left its sender."""

    era: int  # the sender's epoch when it was sent
    way: str  # to whom
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """Type of the frame."""
        return NAMES.get(type_of(self.data), "?")


class Air:
    """Two ways; whoever is linked takes the head of his own. `listen` hears every whole frame that leaves."""

    def __init__(self, counts: Counts, listen: Callable[[Sent], None]) -> None:
        self._counts, self._listen = counts, listen
        self.ways: dict[str, deque[bytes]] = {TO_HUB: deque(), TO_DEVICE: deque()}
        self._building: dict[str, bytearray] = {TO_HUB: bytearray(), TO_DEVICE: bytearray()}
        self.archive: deque[Sent] = deque(maxlen=ARCHIVE)
        self.last: dict[tuple[str, str], bytes] = {}  # newest frame of each way and type
        self._eras = {TO_HUB: 0, TO_DEVICE: 0}  # epochs that the sender of each way has begun
        self._settled = dict(self._eras)  # as they were when both had begun the present one

    @property
    def flying(self) -> bool:
        """Tell whether anything is in flight."""
        return bool(self.ways[TO_HUB] or self.ways[TO_DEVICE])

    def send(self, way: str, fragment: bytes) -> None:
        """Take a fragment of a side."""
        self.ways[way].append(fragment)
        building = self._building[way]
        if not fragment[0] & NUMBER:
            building.clear()
        building += fragment[1:]
        if fragment[0] & LAST:
            self._whole(way, bytes(building))

    def _whole(self, way: str, data: bytes) -> None:
        sent = Sent(self._eras[way], way, data)
        self.archive.append(sent)
        self.last[way, sent.name] = data
        self._counts.rule(f"sent: {sent.name}")
        self._listen(sent)

    def began(self, way: str) -> None:
        """The sender of a way has begun an epoch; the hub is the later of the two."""
        self._eras[way] += 1
        if way == TO_DEVICE:
            self._settled = dict(self._eras)

    def is_old(self, sent: Sent) -> bool:
        """Tell whether a frame belongs to an epoch that both have left."""
        return sent.era < self._settled[sent.way]

    def clear(self) -> None:
        """The link dropped: nothing arrives any more."""
        for fragments in self.ways.values():
            fragments.clear()
