"""Measurements of a device."""

from typing import override

from homeassistant.components.sensor import RestoreSensor
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .descriptions import sensor_description
from .diagnostic_sensor import diagnostic_sensors
from .dynamic import Appearing, known_suffixes
from .entity import SelfSecureEntity
from .group_entities import group_figures
from .groups import is_group
from .messages import SensorKey

PARALLEL_UPDATES = 0  # nothing is polled or commanded


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add the sensors that are known, and each further one when the device first tells it; of a group, its figures."""
    if is_group(entry):
        async_add_entities(group_figures(entry.runtime_data))
        return
    coordinator = entry.runtime_data
    about_pairing = diagnostic_sensors(coordinator)
    async_add_entities(about_pairing)
    sensors: Appearing[SensorKey] = Appearing(lambda key: MeasurementSensor(coordinator, key), async_add_entities)
    own = {sensor.entity_description.key for sensor in about_pairing}
    sensors.see(_key_of(suffix) for suffix in known_suffixes(hass, entry, Platform.SENSOR) if suffix not in own)
    entry.async_on_unload(coordinator.async_add_listener(lambda: sensors.see(coordinator.data.sensors)))


def _suffix_of(key: SensorKey) -> str:
    return f"{key.key}-{key.device_class}-{key.unit or ''}"


def _key_of(suffix: str) -> SensorKey:
    key, device_class, unit = suffix.split("-", 2)
    return SensorKey(key, device_class, unit or None)


class MeasurementSensor(SelfSecureEntity, RestoreSensor):
    """One measurement; after a restart the last value, until the device tells a new one."""

    def __init__(self, coordinator: SelfSecureCoordinator, key: SensorKey) -> None:
        super().__init__(coordinator, sensor_description(*key), _suffix_of(key))
        self._key = key
        self._attr_native_value = coordinator.data.sensors.get(key)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        if self._key not in self.coordinator.data.sensors and (last := await self.async_get_last_sensor_data()):
            self._attr_native_value = last.native_value

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if self._key in self.coordinator.data.sensors:
            self._attr_native_value = self.coordinator.data.sensors[self._key]
        super()._handle_coordinator_update()
