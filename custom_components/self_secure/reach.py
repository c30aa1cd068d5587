"""How one device is reached: by a connection of its own, else through the relay that is best now (protocol.md 10)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Final, override

from homeassistant.core import HomeAssistant, callback

from . import radio
from .hub import HUB
from .protocol.limits import IDENTITY_SIZE
from .relays import Heard, Relay
from .transport.backoff import BackOff
from .transport.beacon import SHORT_ID_SIZE, BeaconState
from .transport.link import Link, LinkError
from .transport.paths import Far

if TYPE_CHECKING:
    from .messages import Neighbour
    from .transport.client import Client

NEAR_SECONDS: Final = 10.0  # a beacon comes several times a second, and a proxy may listen to other things for a while
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
        self._hass, self._short_id, self._address = hass, short_id, address
        self._direct = radio.link_factory(hass, address, name)
        self._client: Client
        self._rests: dict[Relay | None, BackOff] = {}  # ways that led to nothing; None: directly
        self._known = False  # whether `relay` is from before this start
        self._proved = False  # the device has on the present link
        self._left = float("-inf")  # when the last direct link on which it did ended
        self.invited: set[bytes] = set()  # identities of relays for whose sake the device was told to ask for a key

    def serve(self, client: Client) -> None:
        """Make links for `client` from now on; before the first one is wanted."""
        self._client = client
        self._far = Far(self._identity, self._on_random, lambda: client.connection.collecting, self._on_knock, self._on_lost)

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
        return self.is_connected_directly or radio.heard_lately(self._hass, self._address(), RELAY_SILENCE)

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
        asks = not connection.paired or connection.pairing or relay.identity in self.invited
        return relay.is_direct() and (adopted or asks)

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
        return _Tracked(self, relay, relay.paths().link(self._far))

    def _choose(self) -> Relay | None:
        relays = [relay for relay, _ in self.carrying]
        if not relays or (self.is_near and (not self._rests_from(None) or all(self._rests_from(relay) for relay in relays))):
            return None
        return relays[0]

    def opened(self, relay: Relay | None) -> None:
        """A link is open over this way."""
        self._proved = False
        if relay is not self.relay or not self._known:
            self.relay, self._known = relay, True
            self.changed()

    def failed(self, way: Relay | None) -> None:
        """A way has led to nothing: another one may be better for a time."""
        self._rests.setdefault(way, BackOff()).failed(self._hass.loop.time())

    def closed(self, way: Relay | None) -> None:
        """A link over this way has ended; nothing said by the device itself on it means that it was not there."""
        if self._proved or self._client.connection.pairing:
            self._left = self._hass.loop.time() if way is None else self._left
        else:
            self.failed(way)

    @callback
    def proved(self) -> None:
        """The device has proved itself on the present link."""
        self._proved = True
        self._rests.pop(self.relay, None)

    # --- the far end of a path

    def _identity(self) -> bytes:
        known = self._client.connection.identity
        return known or self._short_id + bytes(IDENTITY_SIZE - SHORT_ID_SIZE)

    def _on_random(self, sid: int, seq: int, value: bytes) -> None:
        if self._client.connection.collecting:
            self._client.random_packet("relay", sid, seq, value)

    def _on_knock(self) -> None:
        self._client.listed(BeaconState.HAS_DATA)

    def _on_lost(self) -> None:
        """A path broke: what waited at the device may still wait, and no relay says so twice."""
        if self.relay is not None:
            self.failed(self.relay)
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
            payload = await self._link.open(received, closed)
        except LinkError:
            self._reach.failed(self._way)
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
