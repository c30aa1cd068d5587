"""Every object of BTHome v2 becomes an entity that looks as in Home Assistant's own integration."""

from bthome_ble.const import MEAS_TYPES, MeasTypes
from homeassistant.components.bthome.binary_sensor import BINARY_SENSOR_DESCRIPTIONS
from homeassistant.components.bthome.sensor import SENSOR_DESCRIPTIONS
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er
import pytest

from custom_components.self_secure.const import DOMAIN
from custom_components.self_secure.descriptions import binary_sensor_description, event_description, sensor_description
from custom_components.self_secure.messages import Decoded, decode_objects
from custom_components.self_secure.protocol.events import MessageType

from .conftest import StartDevice, pair, until

CORE_SENSORS = {(kind.value, unit.value if unit else None): one for (kind, unit), one in SENSOR_DESCRIPTIONS.items()}
CORE_BINARY_SENSORS = {kind.value: one for kind, one in BINARY_SENSOR_DESCRIPTIONS.items()}
ABOUT_THE_DEVICE = {0xF0, 0xF1, 0xF2}  # type and firmware: INFO tells them here
EVENTS = {0x3A: ("button", "01"), 0x3B: ("command", "0001"), 0x3C: ("dimmer", "0101")}
OBJECTS = {number: kind for number, kind in MEAS_TYPES.items() if number not in {*ABOUT_THE_DEVICE, *EVENTS}}
LENGTH_FIRST = {"string", "raw"}


def encoded(number: int, kind: MeasTypes) -> bytes:
    """Return the object with a value whose every byte is 1."""
    prefix = b"\x01" * (kind.data_format in LENGTH_FIRST)
    return bytes([number]) + prefix + b"\x01" * kind.data_length


def one_of_each() -> bytes:
    return b"".join(encoded(number, kind) for number, kind in OBJECTS.items())


@pytest.mark.parametrize(("number", "kind"), OBJECTS.items(), ids=[hex(number) for number in OBJECTS])
def test_object_is_one_measurement_that_looks_as_in_core(number: int, kind: MeasTypes) -> None:
    decoded = decode_objects(encoded(number, kind))
    sensors = [(sensor_description(*key), CORE_SENSORS[key.device_class, key.unit], value) for key, value in decoded.sensors.items()]
    binary = [(binary_sensor_description(*key), CORE_BINARY_SENSORS[key[1]], value) for key, value in decoded.binary_sensors.items()]
    (ours, core, value) = (sensors + binary)[0]
    assert len(sensors) + len(binary) == 1
    assert value is not None
    for field in ("device_class", "entity_category"):
        assert getattr(ours, field) == getattr(core, field), field
    for field in ("native_unit_of_measurement", "state_class", "suggested_display_precision"):
        assert getattr(ours, field, None) == getattr(core, field, None), field


@pytest.mark.parametrize("number", EVENTS)
def test_object_is_an_event_of_a_known_type(number: int) -> None:
    kind, value = EVENTS[number]
    decoded = decode_objects(bytes([number]) + bytes.fromhex(value))
    assert [event.key for event in decoded.events] == [kind]
    assert decoded.events[0].event_type in (event_description(kind).event_types or [])


@pytest.mark.parametrize("number", ABOUT_THE_DEVICE)
def test_object_about_the_device_is_no_entity(number: int) -> None:
    assert decode_objects(encoded(number, MEAS_TYPES[number])) == Decoded()


async def test_all_objects_appear_without_a_reload_and_are_there_after_one(home: HomeAssistant, start_device: StartDevice) -> None:
    device = await start_device()
    entry = await pair(home, device)
    decoded = decode_objects(one_of_each())
    device.program.send(MessageType.READINGS, one_of_each())
    coordinator = entry.runtime_data
    await until(lambda: len(coordinator.data.sensors) >= len(decoded.sensors))
    await home.async_block_till_done()
    registry = er.async_get(home)
    shown = {one.unique_id: one.entity_id for one in er.async_entries_for_config_entry(registry, entry.entry_id) if not one.disabled}
    expected = [f"{device.identity}-{'-'.join(key)}" for key in decoded.binary_sensors]
    expected += [f"{device.identity}-{key.key}-{key.device_class}-{key.unit or ''}" for key in decoded.sensors if key.key != "packet_id"]
    states = {unique_id: home.states.get(shown[unique_id]) for unique_id in expected}
    values = {unique_id: state.state for unique_id, state in states.items() if state}
    assert len(values) == len(expected) > 50
    assert not {STATE_UNAVAILABLE, STATE_UNKNOWN} & set(values.values())
    await device.program.stop()
    assert await home.config_entries.async_reload(entry.entry_id)
    again = {unique_id: state.state for unique_id in expected if (state := home.states.get(shown[unique_id]))}
    assert again == values
    assert home.config_entries.async_entries(DOMAIN)[0].runtime_data.data == Decoded()
