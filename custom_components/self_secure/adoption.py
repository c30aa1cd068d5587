"""Keys between a device and relays near it, made while the device can be reached: later a relay can carry for it (protocol.md 10)."""

import asyncio
from typing import TYPE_CHECKING, Final

from homeassistant.core import callback

from .const import DOMAIN
from .deliveries import Fate
from .hub import HUB
from .protocol.errors import LocalError
from .protocol.events import Event, MessageAbandoned, MessageType, PairingRequested
from .protocol.suites import HYBRID
from .transport.backoff import BackOff
from .transport.link import LinkError

if TYPE_CHECKING:
    from .coordinator import SelfSecureCoordinator
    from .relays import Relay

RELAYS_WANTED: Final = 2  # per device: one may be gone; a small device keeps four keys in all
INVITATION: Final = bytes(2)  # the path in a ROUTE to the device itself that names a relay
INVITATION_SECONDS: Final = 60.0  # for the message; the device then asks for a key for ten minutes
FIRST_REST: Final = 120.0  # s after a failure, doubling: the device was about to leave, or the relay is too far for that
LONGEST_REST: Final = 3600.0  # s
INTRODUCED_SECONDS: Final = 60.0  # after which a relay that does not name the device as its own is believed


class Adoption:
    """Sees to it that relays which hear a paired device have a key with it, one relay after the other."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        self._coordinator = coordinator
        self._relays = coordinator.hass.data[HUB].relays
        self._rest = BackOff(first=FIRST_REST, longest=LONGEST_REST)
        self._introduced: dict[Relay, float] = {}  # when; its list may be from before that
        self._running: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._stopped = False

    @callback
    def look(self) -> None:
        """A relay has told anew whom it hears: begin, if there is something to do."""
        if self._running is None and not self._stopped and self._wanted() is not None:
            hass, name = self._coordinator.hass, self._coordinator.name
            self._running = hass.async_create_background_task(self._run(), f"{DOMAIN} relays of {name}")
            self._running.add_done_callback(self._ended)

    @callback
    def stop(self) -> None:
        """The entry is unloaded."""
        self._stopped = True
        if self._again is not None:
            self._again.cancel()
        if self._running is not None:
            self._running.cancel()

    def explains(self, event: Event) -> bool:
        """Whether this event comes from our invitation and tells nobody anything: the device may ask Home Assistant for a key as well."""
        if isinstance(event, PairingRequested):
            return self._coordinator.reach.asks_for_relays
        return isinstance(event, MessageAbandoned) and self._coordinator.deliveries.settle_silently(event)

    def _ended(self, _task: asyncio.Task[None]) -> None:
        self._running = None
        self.look()

    def _wanted(self) -> Relay | None:
        """Return the relay that is to get a key next: the one that hears the device best of those that have none."""
        coordinator = self._coordinator
        record = coordinator.connection.record
        beside = [(relay, row) for relay, row in coordinator.reach.hearing if row.hops == 0]
        holding = sum(row.adopted for _, row in beside)
        now = coordinator.hass.loop.time()
        busy = coordinator.connection.pairing or coordinator.client.paths.in_use  # for a key of its own, or for others
        if record is None or record.suite != HYBRID.id or busy or now < self._rest.until:
            return None
        if holding >= RELAYS_WANTED or not (coordinator.reach.is_near or coordinator.reach.carrying):
            return None
        return next((relay for relay, row in beside if not row.adopted and relay.is_direct() and self._may_introduce(relay, now)), None)

    def _may_introduce(self, relay: Relay, now: float) -> bool:
        return now >= self._introduced.get(relay, -INTRODUCED_SECONDS) + INTRODUCED_SECONDS

    async def _run(self) -> None:
        while not await self._take_turn(far=not self._coordinator.reach.is_near):
            pass

    async def _take_turn(self, *, far: bool) -> bool:
        """Adopt when no other device does; return whether it was our turn: those that only a relay reaches go first."""
        relays = self._relays
        relays.far_waiting += far
        try:
            await relays.adopting.acquire()
        finally:
            relays.far_waiting -= far
        try:
            if relays.far_waiting and not far:
                return False
            await self._adopt()
        finally:
            relays.adopting.release()
        return True

    async def _adopt(self) -> None:
        relay = self._wanted()
        if relay is None:
            return
        try:
            await self._invite(relay)
            await self._introduce(relay)
        except LinkError, LocalError, TimeoutError:
            loop = self._coordinator.hass.loop
            self._rest.failed(loop.time())
            if self._again is not None:
                self._again.cancel()
            self._again = loop.call_at(self._rest.until, self.look)  # no list may come for hours
        else:
            self._rest.succeeded()

    async def _invite(self, relay: Relay) -> None:
        """Name the relay to the device, end to end; raises `TimeoutError` if it does not say that it has heard."""
        delivery = await self._coordinator.async_send(MessageType.ROUTE, INVITATION + relay.identity)
        delivery.silent = True
        async with asyncio.timeout(INVITATION_SECONDS):
            await delivery.ended.wait()
        if delivery.fate is not Fate.DELIVERED:
            raise TimeoutError
        self._coordinator.reach.invite(relay)

    async def _introduce(self, relay: Relay) -> None:
        """Let the relay open a path to the device, for which it makes a key first; raises `LinkError` if it cannot."""
        contact = self._coordinator.client.contact
        keep, contact.keep = contact.keep, None  # who stays connected cannot be connected to
        self._coordinator.client.wake()
        link = relay.paths().link(self._coordinator.reach.stranger)
        try:
            await link.open(lambda _fragment: None, lambda: None)
            self._introduced[relay] = self._coordinator.hass.loop.time()
        finally:
            await link.close()
            contact.keep = keep
