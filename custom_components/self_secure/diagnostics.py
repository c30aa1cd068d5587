"""What a user may post in public: an allow-list, without key, message, address or name."""

from dataclasses import asdict
from typing import Any

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant

from .coordinator import SelfSecureCoordinator
from .figures import link_quality
from .group_coordinator import GroupCoordinator
from .groups import is_group
from .hub import HUB


async def async_get_config_entry_diagnostics(hass: HomeAssistant, entry: ConfigEntry[Any]) -> dict[str, Any]:
    """Return how the entry stands; of a loaded device how it is paired and how its contacts go, of a group how far its key has come."""
    common = {
        "state": entry.state.value,
        "reason": entry.error_reason_translation_key,
        "options": dict(entry.options),
        "options_of_all": dict(hass.data[HUB].options) if HUB in hass.data else None,
    }
    if entry.state is not ConfigEntryState.LOADED:
        return common
    return common | (group_figures_of(entry.runtime_data) if is_group(entry) else _of_loaded(hass, entry.runtime_data))


def _of_loaded(hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> dict[str, Any]:
    connection, contact = coordinator.connection, coordinator.client.contact
    link = link_quality(hass, coordinator)
    link["relay"] = link["relay"] is not None  # it has a name
    own = hass.data[HUB].relays.find(bytes.fromhex(coordinator.identity))
    return {
        "pairings": [asdict(pairing) for pairing in connection.pairings],
        "link": link,
        "statistics": asdict(connection.statistics),
        "link_error": contact.error.kind.value if contact.error else None,
        "neighbours": len(own.neighbours) if own else None,
        "relays_hearing": len(coordinator.reach.hearing),
        "relays_able_to_carry": len(coordinator.reach.carrying),
        "takes_text": coordinator.takes_text,
        "sensors": sorted(f"{key.key} ({key.unit or key.device_class})" for key in coordinator.data.sensors),
        "binary_sensors": sorted(key for key, _ in coordinator.data.binary_sensors),
    }


def group_figures_of(group: GroupCoordinator) -> dict[str, Any]:
    """Return the figures of a group: no key, no name, no message."""
    return {
        "members": len(group.members),
        "holding": group.holding,
        "version": group.group.version,
        "begun": group.group.present is not None,
        "waiting": group.waiting,
    }
