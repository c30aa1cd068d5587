"""The logbook's sentences about security events; no message is ever quoted."""

from collections.abc import Callable
from typing import Final

from homeassistant.components.logbook.const import LOGBOOK_ENTRY_MESSAGE, LOGBOOK_ENTRY_NAME
from homeassistant.const import ATTR_DEVICE_ID
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from . import security
from .const import ATTR_TYPE, DOMAIN, EVENT_SECURITY

SENTENCES: Final = {
    security.KEY_CHANGED: "was paired and has a new key",
    security.RESUMED: "continues with a fresh key",
    security.POSSIBLE_CLONE: "may have been copied: somebody else used its key",
    security.RESUME_FAILED: "could not agree on a fresh key, its pairing is kept",
    security.MESSAGE_ABANDONED: "was paired anew while a message was under way, which is not sent again",
    security.PAIRING_REQUESTED: "asks to be paired again",
    security.PAIRING_FAILED: "could not be paired again",
}


@callback
def async_describe_events(hass: HomeAssistant, async_describe_event: Callable[[str, str, Callable[[Event], dict[str, str]]], None]) -> None:
    """Tell the logbook how to describe what `security.async_watch` fires."""

    @callback
    def describe(event: Event) -> dict[str, str]:
        device = dr.async_get(hass).async_get(event.data[ATTR_DEVICE_ID])
        name = (device.name_by_user or device.name) if device else None
        return {LOGBOOK_ENTRY_NAME: name or "Self-Secure", LOGBOOK_ENTRY_MESSAGE: SENTENCES[event.data[ATTR_TYPE]]}

    async_describe_event(DOMAIN, EVENT_SECURITY, describe)
