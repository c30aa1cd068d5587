"""Home Assistant's Bluetooth, as the transport needs it."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
import math
from typing import Final, Protocol

from habluetooth import get_manager
from homeassistant.components import bluetooth
from homeassistant.components.bluetooth import (
    BluetoothCallbackMatcher,
    BluetoothReachabilityIntent,
    BluetoothScanningMode,
    BluetoothServiceInfoBleak,
)
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import DOMAIN
from .hub import HUB
from .transport.beacon import COMPANY, Beacon, BeaconState, RandomPacket, decode, decode_advertisement
from .transport.client import Client
from .transport.gatt import GattLink
from .transport.link import LinkFactory
from .transport.slots import SlottedLink

START_AGE: Final = 5.0  # s that a device which starts with Home Assistant may be behind in what was heard before
SILENCE_SECONDS: Final = 30.0  # a beacon comes several times a second: then the device may have another address
NAME_SECONDS: Final = 5  # for a scan response; a discovered device may show up that much later, if it then says who it is


class BeaconListener(Protocol):
    """Who wants to know of beacons."""

    def __call__(self, beacon: Beacon, address: str) -> None:
        """Hear one beacon."""


def read_advertisement(info: BluetoothServiceInfoBleak) -> Beacon | RandomPacket | None:
    """Return what the advertisement is, or None if it is not ours.

    Only `raw` is this very packet; scanners that have none hand over data merged from several, where ours is the last.
    """
    if info.raw:
        return decode_advertisement(info.raw)
    return decode(info.manufacturer_data.get(COMPANY, b""))


def last_said(info: BluetoothServiceInfoBleak) -> Beacon | RandomPacket | None:
    """Return what the device said last, also if the very last packet was its scan response."""
    return read_advertisement(info) or decode(info.manufacturer_data.get(COMPANY, b""))


async def heard_name(hass: HomeAssistant, info: BluetoothServiceInfoBleak) -> str:
    """Return the device's name, or its address if it does not tell one in time.

    The name is in the scan response (protocol.md 3), which comes after the beacon, and never to passive scanners.
    """
    scanners = bluetooth.async_current_scanners(hass)
    if _has_name(info) or all(scanner.requested_mode is BluetoothScanningMode.PASSIVE for scanner in scanners):
        return info.name
    with suppress(TimeoutError):
        matcher = BluetoothCallbackMatcher(address=info.address)
        info = await bluetooth.async_process_advertisements(hass, _has_name, matcher, BluetoothScanningMode.ACTIVE, NAME_SECONDS)
    return info.name


def _has_name(info: BluetoothServiceInfoBleak) -> bool:
    return info.name not in ("", info.address)


def listener(client: Client, on_beacon: BeaconListener) -> Callable[[BluetoothServiceInfoBleak], None]:
    """Return what gives `client` the broadcast, and `on_beacon` the beacons, of the advertisements that it is called with."""

    @callback
    def heard(info: BluetoothServiceInfoBleak) -> None:
        match read_advertisement(info):
            case Beacon() as beacon:
                on_beacon(beacon, info.address)
            case RandomPacket() as packet:
                client.random_packet(info.source, packet.sid, packet.seq, packet.value)

    return heard


@callback
def async_listen(hass: HomeAssistant, address: str, client: Client, on_beacon: BeaconListener) -> CALLBACK_TYPE:
    """Give `client` the broadcast, and `on_beacon` the beacons, of one address; returns how to stop.

    Every packet of every scanner comes here, also unchanged ones: the union is what this hub received (protocol.md 3),
    and a beacon that says "data waiting" again after a contact looks like the one before it.
    """
    return bluetooth.async_register_advertisement_callback(hass, listener(client, on_beacon), address)


@callback
def async_rediscover(hass: HomeAssistant, address: str) -> None:
    """Let the next advertisement of `address` count as the first one.

    Home Assistant's own `async_rediscover_address` repeats the last one, which is from before what just happened.
    """
    bluetooth.async_clear_advertisement_history(hass, address)
    bluetooth.async_clear_address_from_match_history(hass, address)


def link_factory(hass: HomeAssistant, address: Callable[[], str], name: str) -> LinkFactory:
    """Return what makes links to the device, over the best adapter or proxy at that time."""

    def new_link() -> SlottedLink:
        link = GattLink(lambda: bluetooth.async_ble_device_from_address(hass, address(), connectable=True), name)
        return SlottedLink(link, hass.data[HUB].slots)

    return new_link


def is_present(hass: HomeAssistant, address: str) -> bool:
    """Whether any scanner hears the device."""
    return bluetooth.async_address_present(hass, address, connectable=False)


def heard_lately(hass: HomeAssistant, address: str, seconds: float) -> bool:
    """Whether who could connect has heard the device in the last `seconds`; Home Assistant remembers for minutes."""
    info = bluetooth.async_last_service_info(hass, address, connectable=True)
    return info is not None and info.time > bluetooth.MONOTONIC_TIME() - seconds


def is_taken(hass: HomeAssistant, address: str) -> bool:
    """Whether the device says that it has a key, ours or somebody else's."""
    info = bluetooth.async_last_service_info(hass, address, connectable=False)
    beacon = last_said(info) if info else None
    return isinstance(beacon, Beacon) and beacon.state is not BeaconState.READY


def heard_addresses(hass: HomeAssistant, short_id: bytes, max_age: float = 0.0) -> dict[str, float]:
    """Return where beacons with that short id come from, and when the last one came; anybody can send them.

    Every advertisement that Home Assistant remembers is looked at, unless that was done in the last `max_age` seconds: a
    thousand devices that start need not each look at those of all others.
    """
    now, last = bluetooth.MONOTONIC_TIME(), hass.data.get(_HEARD)
    if last is None or now - last.time >= max_age:
        last = hass.data[_HEARD] = _Heard(now, _heard_beacons(hass))
    return last.by_short_id.get(short_id, {})


@dataclass(frozen=True, slots=True)
class _Heard:
    """Where and when beacons were heard last, as it was at `time`."""

    time: float
    by_short_id: dict[bytes, dict[str, float]]


_HEARD: Final[HassKey[_Heard]] = HassKey(f"{DOMAIN}.heard")


def _heard_beacons(hass: HomeAssistant) -> dict[bytes, dict[str, float]]:
    heard: dict[bytes, dict[str, float]] = {}
    for info in bluetooth.async_discovered_service_info(hass, connectable=False):
        beacon = last_said(info)
        if isinstance(beacon, Beacon):
            heard.setdefault(beacon.short_id, {})[info.address] = info.time
    return heard


def heard_address(hass: HomeAssistant, short_id: bytes, known: str) -> str:
    """Return where to look for a device: at `known`, unless only another address has been heard lately."""
    heard = heard_addresses(hass, short_id)
    if heard.get(known, -math.inf) > bluetooth.MONOTONIC_TIME() - SILENCE_SECONDS:
        return known
    return max(heard, key=lambda address: heard[address], default=known)


def signal(hass: HomeAssistant, address: str) -> int | None:
    """Return the strength in dBm with which the device was heard last, None if nobody hears it."""
    info = bluetooth.async_last_service_info(hass, address, connectable=False)
    return info.rssi if info else None


def has_adapter(hass: HomeAssistant) -> bool:
    """Whether there is an adapter or proxy that can connect at all."""
    return bluetooth.async_scanner_count(hass, connectable=True) > 0


@callback
def async_watch_receivers(changed: Callable[[], None]) -> CALLBACK_TYPE:
    """Call `changed` whenever an adapter or proxy comes or goes; returns how to stop."""
    return get_manager().async_register_scanner_registration_callback(lambda _registration: changed(), None)


def receiver_name(hass: HomeAssistant, source: str) -> str:
    """Return what people call the adapter or proxy."""
    scanner = bluetooth.async_scanner_by_source(hass, source)
    return scanner.name if scanner else source


def can_connect(hass: HomeAssistant, address: str) -> bool:
    """Whether an adapter or proxy that can connect hears the device; passive ones only listen."""
    return bluetooth.async_ble_device_from_address(hass, address, connectable=True) is not None


def why_unreachable(hass: HomeAssistant, address: str) -> str:
    """Explain to people why nothing can connect."""
    return bluetooth.async_address_reachability_diagnostics(hass, address, BluetoothReachabilityIntent.CONNECTION)
