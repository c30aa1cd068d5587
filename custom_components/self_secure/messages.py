"""What is inside a device's messages (protocol.md 6): BTHome v2 objects and the device's description of itself."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
import struct
from typing import Any, Final, NamedTuple

from bleak.backends.device import BLEDevice
from bthome_ble import BTHomeBluetoothDeviceData, SensorUpdate
from homeassistant.components.bluetooth import BluetoothServiceInfoBleak

BTHOME_UUID: Final = "0000fcd2-0000-1000-8000-00805f9b34fb"
BTHOME_V2: Final = b"\x40"  # device information: version 2, not encrypted (we have done that), regular interval
NOT_OF_THE_DEVICE: Final = "signal_strength"  # the library adds the advertisement's, which is none here

TAKES_TEXT: Final = 4  # bit of the capabilities in INFO
_CAPABILITIES_TAG: Final = 4
_NEIGHBOURS_TAG: Final = 5
_NEIGHBOUR: Final = struct.Struct(">4sBbB")  # short id, state and flags, RSSI in dBm, hops
_STATE, _RELAYS, _ADOPTED = 0x0F, 0x10, 0x20
_INFO_TAGS: Final = {1: "name", 2: "model", 3: "sw_version"}
_MARKUP: Final = str.maketrans(dict.fromkeys("<>[]|`#\\", " "))


class SensorKey(NamedTuple):
    """Which measurement: BTHome's key (`temperature_2` is the second one), and what decides its description."""

    key: str
    device_class: str
    unit: str | None


class DeviceEvent(NamedTuple):
    """A button, dimmer or command object that happened."""

    key: str  # "button", or "button_2" for the second one
    event_type: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one READINGS or EVENT body says; the latest value of everything if several are merged."""

    sensors: Mapping[SensorKey, Any] = field(default_factory=dict)
    binary_sensors: Mapping[tuple[str, str], bool | None] = field(default_factory=dict)  # by key and device class
    events: tuple[DeviceEvent, ...] = ()

    def merged(self, newer: Decoded) -> Decoded:
        """Return the state after `newer`; events have passed."""
        return Decoded({**self.sensors, **newer.sensors}, {**self.binary_sensors, **newer.binary_sensors})


def decode_objects(objects: bytes) -> Decoded:
    """Read BTHome v2 objects; what the library does not know, and all after it, is left out.

    Each body gets a parser of its own: the library's filter of repeated packet ids is for advertisements.
    """
    update = BTHomeBluetoothDeviceData().update(_as_advertisement(objects))
    return Decoded(_sensors(update), _binary_sensors(update), _events(update))


def _as_advertisement(objects: bytes) -> BluetoothServiceInfoBleak:
    """Wrap `objects` as the library wants to have them; only the service data counts."""
    address = "00:00:00:00:00:00"
    return BluetoothServiceInfoBleak(
        name=address,
        address=address,
        rssi=0,
        manufacturer_data={},
        service_data={BTHOME_UUID: BTHOME_V2 + objects},
        service_uuids=[],
        source="",
        device=BLEDevice(address, None, None),
        advertisement=None,
        connectable=False,
        time=0.0,
        tx_power=None,
    )


def _sensors(update: SensorUpdate) -> dict[SensorKey, Any]:
    found = {}
    for device_key, description in update.entity_descriptions.items():
        if device_key.key != NOT_OF_THE_DEVICE and description.device_class:
            unit = description.native_unit_of_measurement
            key = SensorKey(device_key.key, description.device_class.value, unit.value if unit else None)
            found[key] = update.entity_values[device_key].native_value
    return found


def _binary_sensors(update: SensorUpdate) -> dict[tuple[str, str], bool | None]:
    return {
        (device_key.key, description.device_class.value): update.binary_entity_values[device_key].native_value
        for device_key, description in update.binary_entity_descriptions.items()
        if description.device_class
    }


def _events(update: SensorUpdate) -> tuple[DeviceEvent, ...]:
    return tuple(DeviceEvent(key.key, event.event_type, event.event_properties or {}) for key, event in update.events.items())


def decode_info(body: bytes) -> dict[str, str]:
    """Return `name`, `model` and `sw_version` as far as the device tells them; the rest is ignored."""
    return {_INFO_TAGS[tag]: plain(value.decode(errors="replace")) for tag, value in _tagged(body) if tag in _INFO_TAGS}


def plain(text: str) -> str:
    """Return what a device calls itself as one line without marks: a dialog has it within its Markdown, where it must not look like a code."""
    return " ".join("".join(one if one.isprintable() else " " for one in text.translate(_MARKUP)).split())


def decode_capabilities(body: bytes) -> int | None:
    """Return the capabilities in an INFO (protocol.md 6), None if the device does not tell them."""
    told = dict(_tagged(body)).get(_CAPABILITIES_TAG)
    return int.from_bytes(told) if told is not None and len(told) == 2 else None


class Neighbour(NamedTuple):
    """What a relay tells of one device that it hears, itself or through others (protocol.md 10)."""

    state: int  # as in a beacon
    is_relay: bool
    adopted: bool  # whether the relay beside it has a key with it, without which it carries nothing
    rssi: int  # dBm, at the relay beside it
    hops: int  # relays between that one and this; 0: they are the same


def decode_neighbours(body: bytes) -> dict[bytes, Neighbour] | None:
    """Return a relay's list by short id, None if this INFO has none; one of another length is none."""
    told = dict(_tagged(body)).get(_NEIGHBOURS_TAG)
    if told is None or len(told) % _NEIGHBOUR.size:
        return None
    return {
        short_id: Neighbour(flags & _STATE, bool(flags & _RELAYS), bool(flags & _ADOPTED), rssi, hops)
        for short_id, flags, rssi, hops in _NEIGHBOUR.iter_unpack(told)
    }


def _tagged(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Read (tag u8, length u8, value)* as far as it is whole."""
    while len(body) >= 2 and len(body) >= 2 + body[1]:
        yield body[0], body[2 : 2 + body[1]]
        body = body[2 + body[1] :]
