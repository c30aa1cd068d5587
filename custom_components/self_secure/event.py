"""Buttons of a device, the messages it sends, and what happens to its keys."""

from typing import Any, Final, override

from homeassistant.components.event import EventEntity, EventEntityDescription
from homeassistant.const import EntityCategory, Platform
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .descriptions import EVENT_TYPES, event_description
from .dynamic import known_suffixes
from .entity import SelfSecureEntity
from .messages import DeviceEvent
from .protocol.events import Event, MessageType
from .security import SECURITY_TYPES, security_event

PARALLEL_UPDATES = 0  # nothing is polled or commanded

SECURITY: Final = EventEntityDescription(
    key="security", translation_key="security", event_types=list(SECURITY_TYPES), entity_category=EntityCategory.DIAGNOSTIC
)
MESSAGE: Final = EventEntityDescription(key="message", translation_key="message", event_types=["text", "bytes"])


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry, async_add_entities: AddConfigEntryEntitiesCallback) -> None:
    """Add the event of messages, what is known, and each further button when it is first used."""
    coordinator = entry.runtime_data
    async_add_entities([MessageEvent(coordinator), SecurityEventEntity(coordinator)])
    known = {suffix for suffix in known_suffixes(hass, entry, Platform.EVENT) if suffix not in (MESSAGE.key, SECURITY.key)}
    async_add_entities(DeviceEventEntity(coordinator, key) for key in known)

    @callback
    def happened(event: DeviceEvent) -> None:
        if event.key not in known and event.key.partition("_")[0] in EVENT_TYPES:
            known.add(event.key)
            async_add_entities([DeviceEventEntity(coordinator, event.key, event)])

    coordinator.event_listeners.add(happened)
    entry.async_on_unload(lambda: coordinator.event_listeners.discard(happened))


class DeviceEventEntity(SelfSecureEntity, EventEntity):
    """One button, dimmer or command; `first` is what made it appear."""

    def __init__(self, coordinator: SelfSecureCoordinator, key: str, first: DeviceEvent | None = None) -> None:
        super().__init__(coordinator, event_description(key), key)
        self._key = key
        self._attr_translation_placeholders = {"number": key.partition("_")[2]}
        if first is not None:
            self._trigger_event(first.event_type, dict(first.properties))

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.coordinator.event_listeners.add(self._on_event)
        self.async_on_remove(lambda: self.coordinator.event_listeners.discard(self._on_event))

    @callback
    def _on_event(self, event: DeviceEvent) -> None:
        if event.key == self._key:
            self._trigger_event(event.event_type, dict(event.properties))
            self.async_write_ha_state()


class MessageEvent(SelfSecureEntity, EventEntity):
    """A text, or bytes as hexadecimal digits, that the device sent: the user's data, shown and recorded, never logged."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, MESSAGE, MESSAGE.key)

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.coordinator.message_listeners.add(self._on_message)
        self.async_on_remove(lambda: self.coordinator.message_listeners.discard(self._on_message))

    @callback
    def _on_message(self, message_type: MessageType, body: bytes) -> None:
        self._trigger_event(*_shown(message_type, body))
        self.async_write_ha_state()


class SecurityEventEntity(SelfSecureEntity, EventEntity):
    """What happens to the keys of the device; there also when the device is not."""

    def __init__(self, coordinator: SelfSecureCoordinator) -> None:
        super().__init__(coordinator, SECURITY, SECURITY.key)

    @property
    @override
    def available(self) -> bool:
        return True

    @override
    async def async_added_to_hass(self) -> None:
        await super().async_added_to_hass()
        self.coordinator.protocol_listeners.add(self._heard)
        self.async_on_remove(lambda: self.coordinator.protocol_listeners.discard(self._heard))

    @callback
    def _heard(self, event: Event) -> None:
        if happened := security_event(event):
            self._trigger_event(happened.type, happened.attributes)
            self.async_write_ha_state()


def _shown(message_type: MessageType, body: bytes) -> tuple[str, dict[str, Any]]:
    """Return event type and attributes; a TEXT that is none is shown as bytes."""
    if message_type is MessageType.TEXT:
        try:
            return "text", {"text": body.decode()}
        except UnicodeDecodeError:
            pass
    return "bytes", {"data": body.hex()}
