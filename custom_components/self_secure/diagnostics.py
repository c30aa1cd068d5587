"""What a user may post in public: an allow-list, without key, message, address or name."""

from dataclasses import asdict
from typing import Any

from homeassistant.core import HomeAssistant

from .coordinator import SelfSecureConfigEntry
from .figures import link_quality
from .hub import HUB


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> dict[str, Any]:
    """Return how the device is paired, and how its contacts go."""
    coordinator = entry.runtime_data
    connection, contact = coordinator.connection, coordinator.client.contact
    return {
        "pairings": [asdict(pairing) for pairing in connection.pairings],
        "link": link_quality(hass, coordinator),
        "statistics": asdict(connection.statistics),
        "link_error": contact.error.kind.value if contact.error else None,
        "options": dict(hass.data[HUB].options),
        "takes_text": coordinator.takes_text,
        "sensors": sorted(f"{key.key} ({key.unit or key.device_class})" for key in coordinator.data.sensors),
        "binary_sensors": sorted(key for key, _ in coordinator.data.binary_sensors),
    }
