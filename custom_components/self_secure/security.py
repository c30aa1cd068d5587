"""What happens to the keys of a device, as people and automations hear of it; never what a message says."""

from typing import Any, Final, NamedTuple

from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import ATTR_TYPE, DOMAIN, EVENT_SECURITY
from .coordinator import SelfSecureCoordinator
from .protocol.events import (
    CloneSuspected,
    EpochStarted,
    Event,
    MessageAbandoned,
    PairingFailed,
    PairingRequested,
    ResumeFailed,
)

KEY_CHANGED: Final = "key_changed"
RESUMED: Final = "resumed"
POSSIBLE_CLONE: Final = "possible_clone"
RESUME_FAILED: Final = "resume_failed"
MESSAGE_ABANDONED: Final = "message_abandoned"
PAIRING_REQUESTED: Final = "pairing_requested"
PAIRING_FAILED: Final = "pairing_failed"
SECURITY_TYPES: Final = (KEY_CHANGED, RESUMED, POSSIBLE_CLONE, RESUME_FAILED, MESSAGE_ABANDONED, PAIRING_REQUESTED, PAIRING_FAILED)


class SecurityEvent(NamedTuple):
    """One of `SECURITY_TYPES` and what there is to say about it, as JSON types."""

    type: str
    attributes: dict[str, Any]


def security_event(event: Event) -> SecurityEvent | None:  # noqa: PLR0911  # one line per type is the shortest way to read it
    """Return what `event` means for the device's security, None if nothing.

    A stale key's name is no such event: anybody could have sent it (protocol.md 7).
    """
    match event:
        case EpochStarted(resumed=False):
            return SecurityEvent(KEY_CHANGED, {})
        case EpochStarted():
            return SecurityEvent(RESUMED, {"epoch": event.epoch})
        case CloneSuspected():
            return SecurityEvent(POSSIBLE_CLONE, {})
        case ResumeFailed():
            return SecurityEvent(RESUME_FAILED, {"failures": event.failures, "reason": event.reason})
        case MessageAbandoned():
            return SecurityEvent(MESSAGE_ABANDONED, {})
        case PairingRequested():
            return SecurityEvent(PAIRING_REQUESTED, {})
        case PairingFailed():
            return SecurityEvent(PAIRING_FAILED, {"reason": event.cause.value, "suspicious": event.suspicious})
        case _:
            return None


@callback
def async_watch(hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> None:
    """Fire on the bus, as long as the entry is loaded, the events that the logbook describes."""
    entry = coordinator.config_entry

    @callback
    def heard(event: Event) -> None:
        security = security_event(event)
        device = dr.async_get(hass).async_get_device_by_identifier((DOMAIN, coordinator.identity), entry.entry_id)
        if security is not None and device is not None:
            hass.bus.async_fire(EVENT_SECURITY, {ATTR_DEVICE_ID: device.id, ATTR_TYPE: security.type})

    coordinator.protocol_listeners.add(heard)
    entry.async_on_unload(lambda: coordinator.protocol_listeners.discard(heard))
