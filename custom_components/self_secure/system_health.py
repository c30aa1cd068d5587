"""What the page "System information" tells about all devices together."""

from typing import Any

from homeassistant.components import bluetooth, system_health
from homeassistant.core import HomeAssistant, callback

from .const import DOMAIN
from .coordinator import SelfSecureConfigEntry
from .hub import HUB
from .protocol.suites import SUITES


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:  # noqa: ARG001  # Home Assistant's signature
    """Register the one function below."""
    register.async_register_info(async_info)


async def async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return counts only: nothing that names a device."""
    entries: list[SelfSecureConfigEntry] = hass.config_entries.async_loaded_entries(DOMAIN)
    coordinators = [entry.runtime_data for entry in entries]
    return {
        "devices": len(hass.config_entries.async_entries(DOMAIN, include_ignore=False)),
        "present": sum(one.present for one in coordinators),
        "connected": sum(one.client.contact.is_open for one in coordinators),
        "queued": sum(one.connection.queued for one in coordinators),
        "unverified": sum(not one.connection.record.verified for one in coordinators if one.connection.record),
        "receivers": bluetooth.async_scanner_count(hass, connectable=False),
        "connectable_receivers": bluetooth.async_scanner_count(hass, connectable=True),
        "connection_limit": hass.data[HUB].slots.capacity,
        "method": SUITES[hass.data[HUB].floor].name,
    }
