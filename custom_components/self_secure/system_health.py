"""What the page "System information" tells about all devices together."""

from typing import Any

from homeassistant.components import bluetooth, system_health
from homeassistant.core import HomeAssistant, callback

from .groups import device_entries, group_entries, loaded_devices
from .hub import HUB
from .protocol.suites import SUITES


@callback
def async_register(hass: HomeAssistant, register: system_health.SystemHealthRegistration) -> None:  # noqa: ARG001  # Home Assistant's signature
    """Register the one function below."""
    register.async_register_info(async_info)


async def async_info(hass: HomeAssistant) -> dict[str, Any]:
    """Return counts only: nothing that names a device."""
    coordinators = list(loaded_devices(hass))
    return {
        "devices": len(list(device_entries(hass))),
        "groups": len(list(group_entries(hass))),
        "relays": len(hass.data[HUB].relays),
        "carried": sum(one.reach.way is not None for one in coordinators),
        "present": sum(one.present for one in coordinators),
        "connected": sum(one.client.contact.is_open for one in coordinators),
        "queued": sum(one.connection.queued for one in coordinators),
        "unverified": sum(not one.connection.record.verified for one in coordinators if one.connection.record),
        "receivers": bluetooth.async_scanner_count(hass, connectable=False),
        "connectable_receivers": bluetooth.async_scanner_count(hass, connectable=True),
        "connection_limit": hass.data[HUB].slots.capacity,
        "method": SUITES[hass.data[HUB].floor].name,
    }
