"""What all entities of a device share."""

from typing import override

from homeassistant.helpers.entity import EntityDescription
from homeassistant.helpers.update_coordinator import CoordinatorEntity

from .coordinator import SelfSecureCoordinator


class SelfSecureEntity(CoordinatorEntity[SelfSecureCoordinator]):
    """Belongs to the device, and is there when the device is."""

    _attr_has_entity_name = True

    def __init__(self, coordinator: SelfSecureCoordinator, description: EntityDescription, suffix: str) -> None:
        """`suffix` makes the unique id: `<identity>-<suffix>`."""
        super().__init__(coordinator)
        self.entity_description = description
        self._attr_unique_id = f"{coordinator.identity}-{suffix}"
        self._attr_device_info = coordinator.device_info

    @property
    @override
    def available(self) -> bool:
        """Whether any scanner hears the device, or it is connected."""
        return self.coordinator.present
