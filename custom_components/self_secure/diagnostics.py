"""What a user may post in public: an allow-list, without key, message, address or name."""

from dataclasses import asdict
from typing import Any

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant

from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .figures import link_quality
from .hub import HUB


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> dict[str, Any]:
    """Return how the entry stands, and of a loaded one how the device is paired and how its contacts go."""
    common = {
        "state": entry.state.value,
        "reason": entry.error_reason_translation_key,
        "options": dict(entry.options),
        "options_of_all": dict(hass.data[HUB].options) if HUB in hass.data else None,
    }
    return common | _of_loaded(hass, entry.runtime_data) if entry.state is ConfigEntryState.LOADED else common


def _of_loaded(hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> dict[str, Any]:
    connection, contact = coordinator.connection, coordinator.client.contact
    return {
        "pairings": [asdict(pairing) for pairing in connection.pairings],
        "link": link_quality(hass, coordinator),
        "statistics": asdict(connection.statistics),
        "link_error": contact.error.kind.value if contact.error else None,
        "takes_text": coordinator.takes_text,
        "sensors": sorted(f"{key.key} ({key.unit or key.device_class})" for key in coordinator.data.sensors),
        "binary_sensors": sorted(key for key, _ in coordinator.data.binary_sensors),
    }
