"""How one device is reached: by a connection of its own, else through the relay that is best now (protocol.md 10)."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, override

from homeassistant.core import HomeAssistant

from . import radio
from .hub import HUB
from .protocol.limits import IDENTITY_SIZE
from .relays import Heard, Relay
from .transport.backoff import BackOff
from .transport.beacon import SHORT_ID_SIZE, BeaconState
from .transport.link import Link, LinkError, LinkErrorKind
from .transport.paths import Far

if TYPE_CHECKING:
    from .messages import Neighbour
    from .transport.client import Client

NEAR_SECONDS: Final = 10.0  # a beacon comes several times a second, and a proxy may listen to other things for a while
INVITATION_SECONDS: Final = 610.0  # a device asks for ten minutes
PATIENCE: Final = 10.0  # s for a way to open if there is another one; a device that has just left is connected to in vain for a minute
FIRST_REST: Final = 2.0  # s in which the direct way comes after all others when it led to nothing, doubling: the device may be coming back
RELAY_REST: Final = 15.0  # s, the same of a relay
LONGEST_REST: Final = 300.0  # s
REFUSALS_MAX: Final = 3  # in a row that may be another hub's doing; at the edge of its reach a device refuses, too, and a relay is better
RELAY_PATIENCE: Final = 25.0  # s, the same through a relay, which has to be connected with both
RELAY_SILENCE: Final = 30.0  # s; a relay that has not been heard for longer may be gone, long before Home Assistant forgets it


class Reach:
    """Chooses a way for each connection, and remembers which ways led to nothing.

    Args:
        hass: Home Assistant.
        short_id: what beacons and relays name the device with.
        address: where it is heard directly; empty if it never was.
        name: for the log.
    """

    def __init__(self, hass: HomeAssistant, short_id: bytes, address: Callable[[], str], name: str) -> None:
        self.relay: Relay | None = None  # through which it was reached last
        self.changed: Callable[[], None] = lambda: None  # called when `relay` is another one
        self.left: Callable[[], None] = lambda: None  # called when a direct link has ended
        self._hass, self._short_id, self._address = hass, short_id, address
        self._direct = radio.link_factory(hass, address, name)
        self._client: Client
        self._rests: dict[Relay | None, BackOff] = {}  # ways that led to nothing; None: directly
        self._known = False  # whether `relay` is from before this start
        self._left = float("-inf")  # when the last direct link on which the device proved itself ended
        self._refusals = 0  # of direct links in a row, while the device is near
        self._served: set[Relay | None] = set()  # that opened a path when it was last asked to; its list may not say so yet
        self._invited: dict[Relay, float] = {}  # for whose sake the device was told to ask for a key, and until when it does

    def serve(self, client: Client) -> None:
        """Make links for `client` from now on; before the first one is wanted."""
        self._client = client
        self.stranger = Far(self._identity, lambda *_: None, lambda: False, lambda: None, lambda: None)  # for a path that only makes a key

    @property
    def is_near(self) -> bool:
        """Whether the device was heard just now by who could connect, or has just been connected directly."""
        just_left = self._hass.loop.time() < self._left + NEAR_SECONDS
        return self.is_connected_directly or radio.heard_lately(self._hass, self._address(), NEAR_SECONDS) or just_left

    @property
    def is_connected_directly(self) -> bool:
        """Whether it is connected, and not through a relay."""
        return self._client.contact.is_open and self.relay is None

    @property
    def is_direct(self) -> bool:
        """Whether a connection of its own is possible, as far as anybody knows: then paths may run over it."""
        heard = radio.heard_lately(self._hass, self._address(), RELAY_SILENCE)
        return self.is_connected_directly or (heard and not self._rests_from(None))

    @property
    def way(self) -> Relay | None:
        """The relay through which the device is connected, or would be now; None: directly, or not at all."""
        return self.relay if self._client.contact.is_open else self._choose()

    @property
    def hearing(self) -> list[Heard]:
        """Which relays hear it, the nearest to it first, whether or not they can carry for it."""
        return self._hass.data[HUB].relays.hearing(self._short_id)

    @property
    def carrying(self) -> list[Heard]:
        """The relays that can carry for it now, the best first."""
        if not self._client.connection.may_be_relayed:
            return []
        usable = [(relay, row) for relay, row in self.hearing if self._takes(relay, adopted=row.adopted)]
        return sorted(usable, key=lambda one: self._rank(*one))

    def _takes(self, relay: Relay, *, adopted: bool) -> bool:
        """Whether a relay can carry: it has a key with the device, or the device makes one with it when it is asked to."""
        connection = self._client.connection
        asks = not connection.paired or connection.pairing or self._is_invited(relay)
        return relay.is_direct() and (adopted or asks or relay in self._served)

    def invite(self, relay: Relay) -> None:
        """The device has heard that this relay may make a key with it: it asks for one at its next contacts."""
        self._invited[relay] = self._hass.loop.time() + INVITATION_SECONDS

    def _is_invited(self, relay: Relay) -> bool:
        return self._hass.loop.time() < self._invited.get(relay, float("-inf"))

    @property
    def asks_for_relays(self) -> bool:
        """Whether the device may ask for a key because we have told it to, and no person has."""
        return any(map(self._is_invited, self._invited))

    def _rank(self, relay: Relay, row: Neighbour) -> tuple[bool, bool, int, int]:
        return (not relay.paths().leads_to(self._short_id), self._rests_from(relay), row.hops, -row.rssi)

    def _rests_from(self, way: Relay | None) -> bool:
        return way in self._rests and self._hass.loop.time() < self._rests[way].until

    # --- links

    def new_link(self) -> Link:
        """Return a link over the best way there is now; directly if there is none."""
        relay = self._choose()
        if relay is None:
            return _Tracked(self, None, self._direct())
        if self._client.paths.in_use:
            self._client.cut_paths()  # it is a relay itself, which carries nothing while another one carries for it
        return _Tracked(self, relay, relay.paths().link(self._far_end(relay)))

    def _choose(self) -> Relay | None:
        relays = [relay for relay, _ in self.carrying]
        if (
            not relays
            or self._client.connection.waits_for_direct_link
            or (self.is_near and (not self._rests_from(None) or all(self._rests_from(relay) for relay in relays)))
        ):
            return None
        return relays[0]

    def patience(self, way: Relay | None) -> float | None:
        """Return the seconds that a link over this way may take to open, None for as long as it takes: a relay may have to make a key first."""
        connection, others = self._client.connection, [relay for relay, _ in self.carrying if relay is not way]
        makes_key = way is not None and (connection.pairing or not connection.paired)
        if makes_key or (not others and (way is None or not self.is_near)):
            return None
        return PATIENCE if way is None else RELAY_PATIENCE

    def opened(self, relay: Relay | None) -> None:
        """A link is open over this way."""
        self._client.relayed = relay is not None
        self._refusals = 0
        if relay is not None:
            self._served.add(relay)
        if relay is not self.relay or not self._known:
            self.relay, self._known = relay, True
            self.changed()

    def failed(self, way: Relay | None) -> None:
        """A way has led to nothing: another one may be better for a time."""
        self._served.discard(way)
        first = FIRST_REST if way is None else RELAY_REST
        self._rests.setdefault(way, BackOff(first=first, longest=LONGEST_REST)).failed(self._hass.loop.time())

    def refused(self, way: Relay | None) -> None:
        """A link over this way was not established: a device beside us may be busy with another hub, which is soon over."""
        if way is None and self.is_near and self._refusals < REFUSALS_MAX:
            self._refusals += 1
        else:
            self.failed(way)

    def closed(self, way: Relay | None) -> None:
        """A link over this way has ended; if the device has not proved itself on it, another one may have answered in its place."""
        connection = self._client.connection
        if not self._client.proved and not connection.answered and not connection.pairing:
            self.failed(way)
        else:
            self._rests.pop(way, None)
            if way is None:
                self._left = self._hass.loop.time()
        if way is None:
            self.left()

    # --- the far end of a path

    def _far_end(self, relay: Relay) -> Far:
        return Far(
            identity=self._identity,
            on_random=lambda *packet: self._on_random(relay, *packet),
            is_broadcasting=lambda: self._client.connection.collecting,
            on_knock=lambda: self._client.listed(BeaconState.HAS_DATA),
            on_lost=lambda: self._on_lost(relay),
        )

    def _identity(self) -> bytes:
        known = self._client.connection.identity
        return known or self._short_id + bytes(IDENTITY_SIZE - SHORT_ID_SIZE)

    def _on_random(self, relay: Relay, sid: int, seq: int, value: bytes) -> None:
        if self._client.connection.collecting:
            self._client.random_packet(relay.identity.hex(), sid, seq, value)

    def _on_lost(self, relay: Relay) -> None:
        """A path broke: what waited at the device may still wait, and no relay says so twice."""
        self.failed(relay)
        for _, row in self.hearing[:1]:
            self._client.listed(row.state)


class _Tracked(Link):
    """A link that tells `Reach` how it went."""

    def __init__(self, reach: Reach, way: Relay | None, link: Link) -> None:
        self._reach, self._way, self._link = reach, way, link
        self._open = False

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        try:
            async with asyncio.timeout(self._reach.patience(self._way)):
                payload = await self._link.open(received, closed)
        except TimeoutError as error:
            self._reach.failed(self._way)
            raise LinkError(LinkErrorKind.TIMEOUT, "another way is tried") from error
        except LinkError as error:
            (self._reach.refused if error.kind is LinkErrorKind.REFUSED else self._reach.failed)(self._way)
            raise
        self._open = True
        self._reach.opened(self._way)
        return payload

    @override
    async def write(self, fragment: bytes) -> None:
        await self._link.write(fragment)

    @override
    async def close(self) -> None:
        await self._link.close()
        if self._open:
            self._open = False
            self._reach.closed(self._way)
