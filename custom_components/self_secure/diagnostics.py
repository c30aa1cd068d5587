"""What a user may post in public: an allow-list, without key, message, address or name."""

from dataclasses import asdict
from typing import Any

from homeassistant.core import HomeAssistant

from .coordinator import SelfSecureConfigEntry


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> dict[str, Any]:  # noqa: ARG001  # Home Assistant's signature
    """Return how the device is paired and how its contacts go."""
    coordinator = entry.runtime_data
    connection, contact = coordinator.connection, coordinator.client.contact
    return {
        "paired": asdict(connection.record) if connection.record else None,
        "epoch": connection.epoch,
        "queued": connection.queued,
        "statistics": asdict(connection.statistics),
        "present": coordinator.present,
        "connected": contact.is_open,
        "link_error": contact.error.kind.value if contact.error else None,
        "sensors": sorted(f"{key.key} ({key.unit or key.device_class})" for key in coordinator.data.sensors),
        "binary_sensors": sorted(key for key, _ in coordinator.data.binary_sensors),
    }
