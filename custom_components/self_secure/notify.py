"""Texts for a device that shows them, by Home Assistant's own action `notify.send_message`."""

from typing import Final, override

from homeassistant.components.notify import NotifyEntity, NotifyEntityDescription
from homeassistant.core import HomeAssistant
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .dynamic import when_it_takes_text
from .entity import SelfSecureEntity
from .group_entities import GroupNotify
from .groups import is_group
from .protocol.events import MessageType
from .sending import async_queue

PARALLEL_UPDATES = 0  # the client of each device works one after the other

DISPLAY: Final = NotifyEntityDescription(key="display", translation_key="display")


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback) -> None:  # noqa: ARG001  # Home Assistant's signature
    """Add the entity as soon as the device says that it shows texts; a group tells its members."""
    if is_group(entry):
        async_add_entities([GroupNotify(entry.runtime_data)])
        return
    when_it_takes_text(entry, lambda: async_add_entities([DisplayNotify(entry.runtime_data)]))


class DisplayNotify(SelfSecureEntity, NotifyEntity):
    """Queues a text; a device out of reach gets it later, so this is available also then."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, DISPLAY, DISPLAY.key)

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        await async_queue(self.coordinator, MessageType.TEXT, message.encode())
