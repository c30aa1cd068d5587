"""The entities of a group: a text for all of its members, and how far its key has come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, override

from homeassistant.components.notify import NotifyEntity, NotifyEntityDescription
from homeassistant.components.sensor import SensorEntity, SensorEntityDescription, SensorStateClass
from homeassistant.const import EntityCategory
from homeassistant.helpers.entity import Entity, EntityDescription
from homeassistant.helpers.typing import StateType

from .group_coordinator import GroupCoordinator
from .group_sending import async_queue_for_group
from .protocol.events import MessageType

TEXT: Final = NotifyEntityDescription(key="group_text", translation_key="group_text")


@dataclass(frozen=True, kw_only=True)
class GroupFigureDescription(SensorEntityDescription):
    """A figure that the group's present state tells."""

    value: Callable[[GroupCoordinator], StateType]
    attributes: Callable[[GroupCoordinator], dict[str, Any]] = lambda _: {}


HOLDING: Final = GroupFigureDescription(
    key="group_holding",
    translation_key="group_holding",
    entity_category=EntityCategory.DIAGNOSTIC,
    state_class=SensorStateClass.MEASUREMENT,
    value=lambda group: group.holding,
    attributes=lambda group: {"members": len(group.members)},
)
VERSION: Final = GroupFigureDescription(
    key="group_version",
    translation_key="group_version",
    entity_category=EntityCategory.DIAGNOSTIC,
    entity_registry_enabled_default=False,
    value=lambda group: group.group.version or None,
)


class GroupEntity(Entity):
    """Belongs to a group; known without any device, so always available."""

    _attr_has_entity_name = True
    _attr_should_poll = False

    def __init__(self, coordinator: GroupCoordinator, description: EntityDescription) -> None:
        self.coordinator, self.entity_description = coordinator, description
        self._attr_unique_id = f"{coordinator.config_entry.unique_id}-{description.key}"
        self._attr_device_info = coordinator.device_info


class GroupNotify(GroupEntity, NotifyEntity):
    """Queues a text for every member; those out of reach get it later."""

    def __init__(self, coordinator: GroupCoordinator) -> None:
        super().__init__(coordinator, TEXT)

    @override
    async def async_send_message(self, message: str, title: str | None = None) -> None:
        await async_queue_for_group(self.coordinator, MessageType.TEXT, message.encode())


class GroupFigure(GroupEntity, SensorEntity):
    """Shows a figure of the group."""

    entity_description: GroupFigureDescription

    @property
    @override
    def native_value(self) -> StateType:
        return self.entity_description.value(self.coordinator)

    @property
    @override
    def extra_state_attributes(self) -> Mapping[str, Any]:
        return self.entity_description.attributes(self.coordinator)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.async_on_remove(self.coordinator.async_add_listener(self.async_write_ha_state))


def group_figures(coordinator: GroupCoordinator) -> list[GroupFigure]:
    """Return all sensors of a group."""
    return [GroupFigure(coordinator, description) for description in (HOLDING, VERSION)]
