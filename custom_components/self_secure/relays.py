"""The relays of this Home Assistant: which of them hears which device, how well, over how many hops (protocol.md 10)."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeassistant.core import CALLBACK_TYPE

if TYPE_CHECKING:
    from .messages import Neighbour
    from .transport.paths import Paths

type Heard = tuple[Relay, Neighbour]
type HeardListener = Callable[[Neighbour | None], None]


@dataclass(eq=False, slots=True)
class Relay:
    """A paired device that has told whom it hears."""

    identity: bytes
    entry_id: str
    name: Callable[[], str]
    paths: Callable[[], Paths]
    is_present: Callable[[], bool]
    is_direct: Callable[[], bool]  # whether Home Assistant reaches it itself: no path runs over another one
    neighbours: Mapping[bytes, Neighbour] = field(default_factory=dict)  # by short id
    told_at: float = 0.0  # when, in the event loop's time


class Relays:
    """What all of them have told; a list counts as long as its relay is there and says nothing else."""

    def __init__(self) -> None:
        """Start without a relay."""
        self.adopting = asyncio.Lock()  # one key between a device and a relay is made at a time: the device broadcasts for it
        self.far_waiting = 0  # for that: devices out of reach, which go first
        self.listeners: set[Callable[[], None]] = set()  # hear of every change
        self._relays: dict[bytes, Relay] = {}
        self._watching: dict[bytes, set[HeardListener]] = {}

    def __len__(self) -> int:
        return len(self._relays)

    def find(self, identity: bytes) -> Relay | None:
        """Return the relay with this identity."""
        return self._relays.get(identity)

    def told(self, relay: Relay, neighbours: Mapping[bytes, Neighbour]) -> None:
        """Take a relay's present list in place of its last one."""
        before, relay.neighbours = relay.neighbours, neighbours
        self._relays[relay.identity] = relay
        self._tell({**dict.fromkeys(before), **neighbours})

    def gone(self, relay: Relay) -> None:
        """Forget what a relay has told: it is not served any more."""
        if self._relays.pop(relay.identity, None) is not None:
            self._tell(dict.fromkeys(relay.neighbours))

    def changed(self, relay: Relay) -> None:
        """A relay has come into reach, or is out of it."""
        if relay.identity in self._relays:
            self._tell(dict.fromkeys(relay.neighbours))

    def _tell(self, news: Mapping[bytes, Neighbour | None]) -> None:
        for short_id, neighbour in news.items():
            for listener in tuple(self._watching.get(short_id, ())):
                listener(neighbour)
        for changed in tuple(self.listeners):
            changed()

    def watch(self, short_id: bytes, listener: HeardListener) -> CALLBACK_TYPE:
        """Call `listener` with what a relay has just told of a device, None where only who hears it has changed; return how to stop."""
        self._watching.setdefault(short_id, set()).add(listener)

        def stop() -> None:
            self._watching[short_id].discard(listener)
            if not self._watching[short_id]:
                del self._watching[short_id]

        return stop

    def hearing(self, short_id: bytes) -> list[Heard]:
        """Return the relays that hear a device now, the nearest to it first: fewest hops, then the best signal."""
        heard = [
            (relay, relay.neighbours[short_id]) for relay in self._relays.values() if short_id in relay.neighbours and relay.is_present()
        ]
        return sorted(heard, key=lambda one: (one[1].hops, -one[1].rssi))

    def heard(self) -> set[bytes]:
        """Return the short ids of all devices that some relay hears now."""
        return {short_id for relay in self._relays.values() if relay.is_present() for short_id in relay.neighbours}
