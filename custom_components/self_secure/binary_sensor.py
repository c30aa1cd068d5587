"""Binary measurements of a device, and whether the user compared its code."""

from typing import Final, override

from homeassistant.components.binary_sensor import BinarySensorEntity, BinarySensorEntityDescription
from homeassistant.const import STATE_OFF, STATE_ON, EntityCategory, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback
from homeassistant.helpers.restore_state import RestoreEntity

from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .descriptions import binary_sensor_description
from .dynamic import Appearing, known_suffixes
from .entity import SelfSecureEntity

PARALLEL_UPDATES = 0  # nothing is polled or commanded

VERIFIED: Final = BinarySensorEntityDescription(key="verified", translation_key="verified", entity_category=EntityCategory.DIAGNOSTIC)


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add what is known, and each further sensor when the device first tells it."""
    coordinator = entry.runtime_data
    async_add_entities([VerifiedSensor(coordinator)])
    sensors: Appearing[tuple[str, str]] = Appearing(lambda key: MeasurementBinarySensor(coordinator, key), async_add_entities)
    known = (suffix for suffix in known_suffixes(hass, entry, Platform.BINARY_SENSOR) if suffix != VERIFIED.key)
    sensors.see(_key_of(suffix) for suffix in known)
    entry.async_on_unload(coordinator.async_add_listener(lambda: sensors.see(coordinator.data.binary_sensors)))


def _key_of(suffix: str) -> tuple[str, str]:
    key, _, device_class = suffix.partition("-")
    return key, device_class


class MeasurementBinarySensor(SelfSecureEntity, BinarySensorEntity, RestoreEntity):
    """One binary measurement; after a restart the last value, until the device tells a new one."""

    def __init__(self, coordinator: SelfSecureCoordinator, key: tuple[str, str]) -> None:
        super().__init__(coordinator, binary_sensor_description(*key), "-".join(key))
        self._key = key
        self._attr_is_on = coordinator.data.binary_sensors.get(key)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        last = await self.async_get_last_state()
        if self._key not in self.coordinator.data.binary_sensors and last and last.state in (STATE_ON, STATE_OFF):
            self._attr_is_on = last.state == STATE_ON

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        if self._key in self.coordinator.data.binary_sensors:
            self._attr_is_on = self.coordinator.data.binary_sensors[self._key]
        super()._handle_coordinator_update()


class VerifiedSensor(SelfSecureEntity, BinarySensorEntity):
    """On if a person compared the two codes; for ever off if not (protocol.md 5 rule 8)."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, VERIFIED, VERIFIED.key)

    @property
    @override
    def available(self) -> bool:
        return True  # known without the device

    @property
    @override
    def is_on(self) -> bool | None:
        record = self.coordinator.connection.record
        return record.verified if record else None
