"""Watches one device for what a person has to repair."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.event import async_track_time_interval

from . import radio
from .const import OPTION_FLOOR, OPTION_KEEP_CONNECTED, OPTION_POLL_MINUTES
from .hub import HUB
from .issues import OF_A_NEW_KEY, OF_THE_KEY, Issue, async_raise, async_solve
from .protocol.events import (
    CloneSuspected,
    EpochStarted,
    Event,
    MessageDelivered,
    MessageReceived,
    PairingCompleted,
    PairingRequested,
    ResumeFailed,
    StoreFailed,
)
from .protocol.limits import RESUME_FAILURES_MAX
from .transport.beacon import Beacon, BeaconState

if TYPE_CHECKING:
    from .coordinator import SelfSecureCoordinator

CHECK_INTERVAL: Final = timedelta(seconds=60)
CHECKS_WITHOUT_PATH: Final = 15  # a quarter of an hour: a proxy that restarts or is busy is no reason to worry
CHECKS_WITHOUT_KEY: Final = 2  # one beacon may be from before the pairing


class Care:
    """Raises and deletes the issues of one loaded entry, and looks after the device as its options say."""

    def __init__(self, hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> None:
        self._hass, self._coordinator, self._entry = hass, coordinator, coordinator.config_entry
        self._without_path = self._without_key = 0  # checks in a row
        self._proved = hass.loop.time()  # when the device was known to hold our key: a beacon from before says nothing

    @callback
    def async_start(self) -> None:
        """Begin to watch, until the entry is unloaded."""
        coordinator, entry, options = self._coordinator, self._entry, self._entry.options
        async_solve(self._hass, entry, Issue.KEY_LOST, Issue.NEWER_VERSION)
        coordinator.protocol_listeners.add(self.on_event)
        entry.async_on_unload(lambda: coordinator.protocol_listeners.discard(self.on_event))
        entry.async_on_unload(async_track_time_interval(self._hass, self.check, CHECK_INTERVAL))
        hub = self._hass.data[HUB]
        hub.option_listeners.add(self.on_options)
        entry.async_on_unload(lambda: hub.option_listeners.discard(self.on_options))
        if options.get(OPTION_KEEP_CONNECTED, False):
            coordinator.client.contact.keep = slots = hub.slots
            entry.async_on_unload(slots.watch(coordinator.client.wake))
        if minutes := options.get(OPTION_POLL_MINUTES, 0):
            entry.async_on_unload(async_track_time_interval(self._hass, self.poll, timedelta(minutes=minutes)))
        self._check_floor()

    @callback
    def on_options(self) -> None:
        """The options of all devices have changed."""
        self._coordinator.client.configure(self._hass.data[HUB].settings)
        self._check_floor()

    @callback
    def poll(self, _now: datetime | None = None) -> None:
        """Contact the device as if it had said that it has something to tell."""
        self._coordinator.client.beacon_seen(BeaconState.HAS_DATA)

    # --- what the protocol says

    @callback
    def on_event(self, event: Event) -> None:
        """Hear one event of the device's client."""
        if isinstance(event, EpochStarted):  # its keys are on the disk
            async_solve(self._hass, self._entry, Issue.NOT_STORED)
        match event:
            case MessageReceived() | MessageDelivered() | EpochStarted(resumed=True):
                self._without_key, self._proved = 0, self._hass.loop.time()
                async_solve(self._hass, self._entry, *OF_THE_KEY, Issue.NO_PATH)
            case PairingCompleted():
                self._without_key, self._proved = 0, self._hass.loop.time()
                async_solve(self._hass, self._entry, *OF_A_NEW_KEY)
            case StoreFailed():
                async_raise(self._hass, self._entry, Issue.NOT_STORED)
            case CloneSuspected():
                async_raise(self._hass, self._entry, Issue.CLONE_SUSPECTED)
            case PairingRequested():
                async_raise(self._hass, self._entry, Issue.NEW_KEY_REQUESTED)
            case ResumeFailed() if event.failures >= RESUME_FAILURES_MAX:
                known = event.reason == "no_common_epoch"
                async_raise(self._hass, self._entry, Issue.NO_COMMON_KEY if known else Issue.RESUME_UNANSWERED)
            case _:
                pass

    def _check_floor(self) -> None:
        """The user may accept less of one device than of the others; a method that was accepted once may not be any more."""
        record = self._coordinator.connection.record
        floor = self._entry.options.get(OPTION_FLOOR, self._hass.data[HUB].floor)
        if record is not None and record.suite < floor:
            async_raise(self._hass, self._entry, Issue.SUITE_BELOW_FLOOR)
        else:
            async_solve(self._hass, self._entry, Issue.SUITE_BELOW_FLOOR)

    # --- what the air says

    @callback
    def check(self, _now: datetime | None = None) -> None:
        """Look whether the device can be reached, and whether it says that it has been reset."""
        self._without_path = self._without_path + 1 if self._is_out_of_path() else 0
        self._without_key = self._without_key + 1 if self._says_reset() else 0
        if self._without_path >= CHECKS_WITHOUT_PATH:
            async_raise(self._hass, self._entry, Issue.NO_PATH)
        elif self._without_path == 0:
            async_solve(self._hass, self._entry, Issue.NO_PATH)
        if self._without_key >= CHECKS_WITHOUT_KEY:
            async_raise(self._hass, self._entry, Issue.DEVICE_RESET)

    def _is_out_of_path(self) -> bool:
        address = self._coordinator.address
        reachable = radio.can_connect(self._hass, address) or self._coordinator.reach.carrying
        if self._coordinator.client.contact.is_open or reachable:
            return False
        return radio.is_present(self._hass, address)

    def _says_reset(self) -> bool:
        """Whether the last beacon is of a device without a key; one that has not used a new key yet shows the old state."""
        connection, reach = self._coordinator.connection, self._coordinator.reach
        if connection.pairing or not connection.pairings[0].committed:
            return False
        if reach.hearing and not reach.is_near:
            relay, row = reach.hearing[0]
            return row.state == BeaconState.READY and relay.told_at > self._proved
        info = bluetooth.async_last_service_info(self._hass, self._coordinator.address, connectable=False)
        beacon = radio.last_said(info) if info and info.time > self._proved else None
        if not isinstance(beacon, Beacon):
            return False
        return beacon.short_id == self._coordinator.short_id and beacon.state is BeaconState.READY and self._coordinator.present
