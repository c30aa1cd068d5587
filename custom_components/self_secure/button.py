"""Buttons: change the key now, and let the device show which one it is."""

from typing import Final, override

from homeassistant.components.button import ButtonEntity, ButtonEntityDescription
from homeassistant.components.button.const import ButtonDeviceClass
from homeassistant.const import EntityCategory
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .dynamic import when_it_takes_text
from .entity import SelfSecureEntity
from .protocol.events import MessageType
from .sending import TIMEOUT_DEFAULT, async_change_key, async_queue, key_unchanged

PARALLEL_UPDATES = 0  # the client of each device works one after the other

CHANGE_KEY: Final = ButtonEntityDescription(key="change_key", translation_key="change_key", entity_category=EntityCategory.CONFIG)
IDENTIFY: Final = ButtonEntityDescription(
    key="identify", device_class=ButtonDeviceClass.IDENTIFY, entity_category=EntityCategory.DIAGNOSTIC
)


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback) -> None:  # noqa: ARG001  # Home Assistant's signature
    """Add the one button that every device has, and the other one as soon as the device says that it shows texts."""
    coordinator = entry.runtime_data
    async_add_entities([ChangeKeyButton(coordinator)])
    when_it_takes_text(entry, lambda: async_add_entities([IdentifyButton(coordinator)]))


class ChangeKeyButton(SelfSecureEntity, ButtonEntity):
    """Agrees with the device on fresh keys, which the old ones do not tell."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, CHANGE_KEY, CHANGE_KEY.key)

    @override
    async def async_press(self) -> None:
        if await async_change_key(self.coordinator, TIMEOUT_DEFAULT) is None:
            raise key_unchanged(self.coordinator.name, TIMEOUT_DEFAULT)


class IdentifyButton(SelfSecureEntity, ButtonEntity):
    """Lets the device show its own name."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, IDENTIFY, IDENTIFY.key)

    @override
    async def async_press(self) -> None:
        await async_queue(self.coordinator, MessageType.TEXT, self.coordinator.name.encode())
