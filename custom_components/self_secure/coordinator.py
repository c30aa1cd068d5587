"""One device in Home Assistant: its client, its readings, and where its events go."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
import logging
from typing import Any, Final

from homeassistant.components import bluetooth
from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.const import CONF_ADDRESS, CONF_MODEL, CONF_NAME, EVENT_HOMEASSISTANT_STOP
from homeassistant.core import CALLBACK_TYPE, Event as BusEvent, HassJob, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.update_coordinator import DataUpdateCoordinator

from . import radio, reach
from .addresses import Addresses
from .adoption import Adoption
from .const import CONF_CAPABILITIES, CONF_IDENTITY, CONF_VERSION, DOMAIN, MANUFACTURER
from .deliveries import Deliveries, Delivery, KeyChanges
from .hub import HUB
from .messages import TAKES_TEXT, Decoded, DeviceEvent, Neighbour, decode_capabilities, decode_info, decode_neighbours, decode_objects
from .protocol.connection import Connection
from .protocol.events import (
    CloneSuspected,
    EpochStarted,
    Event,
    MessageAbandoned,
    MessageDelayed,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    ResumeFailed,
    StaleKeyHinted,
    StoreFailed,
)
from .relays import Relay
from .store import saver
from .transport.beacon import SHORT_ID_SIZE, Beacon, BeaconState
from .transport.client import Client

_LOGGER = logging.getLogger(__name__)

_AUTHENTIC: Final = (MessageReceived, MessageDelivered, EpochStarted, PairingCompleted)  # only the device itself can bring them about

PRESENCE_INTERVAL: Final = timedelta(seconds=30)  # short beside the minutes after which Home Assistant forgets an address
RELOAD_SECONDS: Final = 30.0  # after a failed write: time for a full disk to be noticed, without hammering it

type SelfSecureConfigEntry = ConfigEntry[SelfSecureCoordinator]
type EventListener = Callable[[DeviceEvent], None]
type ProtocolListener = Callable[[Event], None]
type MessageListener = Callable[[MessageType, bytes], None]


class SelfSecureCoordinator(DataUpdateCoordinator[Decoded]):
    """Pushes what the device says to the entities; there is nothing to poll."""

    config_entry: SelfSecureConfigEntry

    def __init__(self, hass: HomeAssistant, entry: SelfSecureConfigEntry) -> None:
        super().__init__(hass, _LOGGER, config_entry=entry, name=entry.title, update_interval=None)
        self.data = Decoded()
        self.identity: str = entry.data[CONF_IDENTITY]
        self.address: str = entry.data[CONF_ADDRESS]
        self.reach = reach.Reach(hass, self.short_id, lambda: self.address, self.name)
        self.reach.changed, self.reach.left = self._register_relay, self._ask_lists_later
        self.present = radio.is_present(hass, self.address) or bool(self.reach.hearing)
        self.save = saver(hass, self.identity)
        self.deliveries = Deliveries()
        self.key_changes = KeyChanges()
        self.event_listeners: set[EventListener] = set()
        self.message_listeners: set[MessageListener] = set()
        self.protocol_listeners: set[ProtocolListener] = set()  # hear every event, after its own consequences
        self._addresses = Addresses(self._listen_at, lambda: (self.address, entry.data[CONF_ADDRESS]))
        self._heard = hass.loop.time()  # when the last beacon came from `address`
        self._relay = Relay(  # what it is for others, once it tells whom it hears
            identity=bytes.fromhex(self.identity),
            entry_id=entry.entry_id,
            name=lambda: entry.title,
            paths=lambda: self.client.paths,
            is_present=lambda: self.present,
            is_direct=lambda: self.reach.is_direct,
        )
        self._client: Client | None = None
        self._adoption = Adoption(self)
        self._cancel_asking: CALLBACK_TYPE | None = None
        self._early: list[Event] = []  # said while the entities are being set up

    @property
    def short_id(self) -> bytes:
        """What the device's beacons name it with."""
        return bytes.fromhex(self.identity)[:SHORT_ID_SIZE]

    @property
    def connection(self) -> Connection:
        """The device's protocol state, to look at."""
        return self.client.connection

    @property
    def client(self) -> Client:
        """What drives the device; set by `async_adopt`."""
        if self._client is None:
            raise RuntimeError("the coordinator has not been started")
        return self._client

    @callback
    def async_adopt(self, client: Client) -> None:
        """Take over `client`, whether it runs already or not."""
        self._client = client
        client.on_event = self._early.append
        client.save, client.contact.new_link = self.save, self.reach.new_link
        self.reach.serve(client)

    @callback
    def async_start(self, backlog: Iterable[Event], relay: Relay | None = None) -> None:
        """Handle what the device said before the entities were there, over `relay` if any, and from now on all that it says."""
        if relay is not None:
            self.reach.opened(relay)
        self.client.on_event = self._on_event
        for event in (*backlog, *self._early):
            self._on_event(event)
        self._early.clear()
        self.client.start()
        self._listen()

    def _listen(self) -> None:
        entry = self.config_entry
        age = 0.0 if self.hass.is_running else radio.START_AGE  # all devices start together with Home Assistant
        for address in (self.address, *radio.heard_addresses(self.hass, self.short_id, age)):  # it may have a new one
            if address:
                self._addresses.add(address)
        entry.async_on_unload(self.hass.data[HUB].relays.watch(self.short_id, self._on_listed))
        entry.async_on_unload(self._addresses.clear)
        entry.async_on_unload(async_track_time_interval(self.hass, self._check_presence, PRESENCE_INTERVAL))
        entry.async_on_unload(self.hass.bus.async_listen(EVENT_HOMEASSISTANT_STOP, self._async_on_stop))
        info = bluetooth.async_last_service_info(self.hass, self.address, connectable=False)
        known = radio.last_said(info) if info else None
        if isinstance(known, Beacon):
            self._on_beacon(known, self.address)
        for _, neighbour in self.reach.hearing[:1]:
            self._on_listed(neighbour)

    async def async_stop(self) -> None:
        """Disconnect and write nothing any more."""
        self._adoption.stop()
        self.hass.data[HUB].relays.gone(self._relay)
        if self._client is not None:
            await self._client.stop()
        self.hass.data[HUB].relays.gone(self._relay)  # a last list may have been on its way
        if self._cancel_asking is not None:
            self._cancel_asking()
        self._end_waiting()

    def _end_waiting(self) -> None:
        """Wake who waits for the device: nothing more is heard of it here."""
        self.deliveries.interrupt()
        self.key_changes.interrupt()

    async def _async_on_stop(self, _event: BusEvent) -> None:
        await self.async_stop()

    async def async_send(self, message_type: MessageType, body: bytes) -> Delivery:
        """Queue a message; what it returns tells of its acknowledgement. Raises `LocalError`."""
        return self.deliveries.expect(await self.client.send(message_type, body))

    @callback
    def async_rotate(self) -> asyncio.Future[int]:
        """Ask for new keys at the next contact; the future gives the new epoch, or `StoppedError`. Raises `StoppedError`."""
        self.client.rotate()
        return self.key_changes.expect()

    # --- the air

    @callback
    def async_address_seen(self, address: str) -> None:
        """Consider that the device may have a new address; an authentic message from there makes it true."""
        self._addresses.add(address)

    def _listen_at(self, address: str) -> CALLBACK_TYPE:
        return radio.async_listen(self.hass, address, self.client, self._on_beacon)

    @callback
    def _on_beacon(self, beacon: Beacon, address: str) -> None:
        if beacon.short_id != self.short_id:
            return
        now = self.hass.loop.time()
        silent = now > self._heard + radio.SILENCE_SECONDS or not self.address
        if address != self.address and (address == self.config_entry.data[CONF_ADDRESS] or silent):
            self.address = address
            self.client.moved()
        if address == self.address:
            if silent:
                self.client.returned()
            self._heard = now
            self._set_present(present=True)
            self.client.beacon_seen(beacon.state)

    @callback
    def _check_presence(self, _now: datetime) -> None:
        """A connected device does not advertise; the others Home Assistant forgets after a time of silence."""
        self._set_present(present=self._is_heard)

    @property
    def _is_heard(self) -> bool:
        return self.client.contact.is_open or radio.is_present(self.hass, self.address) or bool(self.reach.hearing)

    @callback
    def _on_listed(self, neighbour: Neighbour | None) -> None:
        """A relay tells whether it hears the device, and what its beacon says; what is heard directly counts more."""
        self._set_present(present=self._is_heard)
        if neighbour is not None and not self.reach.is_near:
            self.client.listed(neighbour.state)
        elif neighbour is not None and neighbour.state >= BeaconState.HAS_DATA:
            self._ask_lists_later()
        self._adoption.look()

    @callback
    def _ask_lists_later(self) -> None:
        """Look at the lists again when the device is near no more, if that is so: a relay tells what is news once."""
        if self._cancel_asking is not None:  # it would come too early
            self._cancel_asking()
            self._cancel_asking = None
        if self.reach.hearing:
            self._cancel_asking = async_call_later(self.hass, reach.NEAR_SECONDS + 1, HassJob(self._ask_lists, cancel_on_shutdown=True))

    @callback
    def _ask_lists(self, _now: datetime) -> None:
        self._cancel_asking = None
        if not self.reach.is_near:
            for _, neighbour in self.reach.hearing[:1]:
                self.client.listed(neighbour.state)

    def _set_present(self, *, present: bool) -> None:
        """Tell the entities, and the log once each way."""
        if present is self.present:
            return
        self.present = present
        _LOGGER.info("%s is %s", self.name, "back" if present else "out of range or without power")
        self.async_update_listeners()
        self.hass.data[HUB].relays.changed(self._relay)

    # --- what the protocol says

    @callback
    def _on_event(self, event: Event) -> None:
        if self._adoption.explains(event):
            return
        self.hass.data[HUB].tallies.count(self.identity, event)
        if isinstance(event, _AUTHENTIC):
            self._on_authentic()
        match event:
            case MessageReceived():
                self._on_message(event.type, event.body)
            case MessageDelivered() | MessageDelayed() | MessageAbandoned():
                self.deliveries.settle(event)
            case EpochStarted() | PairingCompleted():
                self.async_update_listeners()
            case StoreFailed():
                self._on_store_failed()
            case CloneSuspected() | StaleKeyHinted() | ResumeFailed():
                again = isinstance(event, ResumeFailed) and event.failures > 1
                _LOGGER.log(logging.DEBUG if again else logging.WARNING, "%s: %s", self.name, event)
        if isinstance(event, EpochStarted):
            self.key_changes.settle(event.epoch)
        for listener in tuple(self.protocol_listeners):
            listener(event)

    def _on_authentic(self) -> None:
        """The device proved itself: it is there, and its address is the right one, unless it spoke through a relay."""
        self._set_present(present=True)
        entry = self.config_entry
        if self.reach.relay is None and entry.data[CONF_ADDRESS] != self.address:
            self.hass.config_entries.async_update_entry(entry, data={**entry.data, CONF_ADDRESS: self.address})
            self._register_address()

    def _register_address(self) -> None:
        """Let the registry forget the old address, which may be another device's one day."""
        registry = dr.async_get(self.hass)
        device = registry.async_get_device_by_identifier((DOMAIN, self.identity), self.config_entry.entry_id)
        if device is not None:
            registry.async_update_device(device.id, new_connections={(dr.CONNECTION_BLUETOOTH, self.address)})

    def _register_relay(self) -> None:
        """Let the registry show through which relay the device is reached."""
        registry, relay = dr.async_get(self.hass), self.reach.relay
        device = registry.async_get_device_by_identifier((DOMAIN, self.identity), self.config_entry.entry_id)
        carrier = registry.async_get_device_by_identifier((DOMAIN, relay.identity.hex()), relay.entry_id) if relay else None
        if device is not None:
            registry.async_update_device(device.id, via_device_id=carrier.id if carrier else None)
        self.async_update_listeners()

    def _on_message(self, message_type: int, body: bytes) -> None:
        match message_type:
            case MessageType.READINGS | MessageType.EVENT:
                self._on_objects(decode_objects(body))
            case MessageType.TEXT | MessageType.BYTES:
                for listener in tuple(self.message_listeners):
                    listener(MessageType(message_type), body)
            case MessageType.INFO:
                self._on_info(body)

    def _on_objects(self, decoded: Decoded) -> None:
        self.async_set_updated_data(self.data.merged(decoded))
        for event in decoded.events:
            for listener in tuple(self.event_listeners):
                listener(event)

    def _on_info(self, body: bytes) -> None:
        """Keep what the device says about itself, for the registry and the next start; a relay says whom it hears."""
        if (neighbours := decode_neighbours(body)) is not None:
            self._relay.told_at = self.hass.loop.time()
            self.hass.data[HUB].relays.told(self._relay, neighbours)
        entry, info = self.config_entry, decode_info(body)
        told = {CONF_NAME: info.get("name"), CONF_MODEL: info.get("model"), CONF_VERSION: info.get("sw_version")}
        data: dict[str, Any] = {**entry.data, **{key: value for key, value in told.items() if value}}
        if (capabilities := decode_capabilities(body)) is not None:
            data[CONF_CAPABILITIES] = capabilities
        if data != entry.data:
            self.hass.config_entries.async_update_entry(entry, data=data)
            dr.async_get(self.hass).async_get_or_create(config_entry_id=entry.entry_id, **self.device_info)
            self.async_update_listeners()

    @property
    def takes_text(self) -> bool:
        """Whether the device has said that it can show a text."""
        return bool(self.config_entry.data.get(CONF_CAPABILITIES, 0) & TAKES_TEXT)

    @property
    def device_info(self) -> dr.DeviceInfo:
        """The device as the registry shows it."""
        data = self.config_entry.data
        return dr.DeviceInfo(
            identifiers={(DOMAIN, self.identity)},
            connections={(dr.CONNECTION_BLUETOOTH, self.address)} if self.address else set(),
            manufacturer=MANUFACTURER,
            name=data.get(CONF_NAME, self.config_entry.title),
            model=data.get(CONF_MODEL),
            sw_version=data.get(CONF_VERSION),
        )

    def _on_store_failed(self) -> None:
        """Begin again from what is on disk, a little later."""
        self.present = False
        self._end_waiting()
        self.async_update_listeners()

        @callback
        def begin(_now: datetime) -> None:
            self.hass.async_create_task(self._async_begin_anew(), f"{DOMAIN} {self.name} after a failed write")

        job = HassJob(begin, cancel_on_shutdown=True)
        self.config_entry.async_on_unload(async_call_later(self.hass, RELOAD_SECONDS, job))

    async def _async_begin_anew(self) -> None:
        """Set up the entry again; Home Assistant's own reload would close the dialog in which the device is being paired again."""
        entries, entry = self.hass.config_entries, self.config_entry
        if entry.state is ConfigEntryState.LOADED and await entries.async_unload(entry.entry_id):
            await entries.async_setup(entry.entry_id)
