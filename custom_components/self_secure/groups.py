"""Groups among the entries of this integration, and what devices tell them (protocol.md 9)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from homeassistant.config_entries import ConfigEntry, ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from .const import CONF_KIND, DOMAIN, KIND_GROUP, OPTION_MEMBERS

if TYPE_CHECKING:
    from .coordinator import SelfSecureCoordinator
    from .group_coordinator import GroupCoordinator
    from .protocol.events import Event

GROUPS: HassKey[dict[str, GroupCoordinator]] = HassKey(f"{DOMAIN}.groups")
"""Loaded groups by their entry's id."""

GROUP_MODEL: Final = "Group"  # what the registry shows, and the action's selector looks for


def is_group(entry: ConfigEntry[Any]) -> TypeGuard[ConfigEntry[GroupCoordinator]]:
    """Tell whether an entry is a group, and not a device."""
    return entry.data.get(CONF_KIND) == KIND_GROUP


def group_entries(hass: HomeAssistant) -> Iterator[ConfigEntry[Any]]:
    """Yield the entries of all groups."""
    yield from filter(is_group, hass.config_entries.async_entries(DOMAIN))


def device_entries(hass: HomeAssistant) -> Iterator[ConfigEntry[Any]]:
    """Yield the entries of all paired devices."""
    entries = hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    yield from (entry for entry in entries if not is_group(entry))


def loaded_devices(hass: HomeAssistant) -> Iterator[SelfSecureCoordinator]:
    """Yield the coordinators of all devices that can be talked to."""
    for entry in device_entries(hass):
        if entry.state is ConfigEntryState.LOADED:
            yield entry.runtime_data


def loaded_device(hass: HomeAssistant, identity: str) -> SelfSecureCoordinator | None:
    """Return the coordinator of one device, None if it is gone or not loaded."""
    return next((one for one in loaded_devices(hass) if one.identity == identity), None)


@callback
def async_watch_member(hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> None:
    """Let the groups hear the device, as long as its entry is loaded, and that it is not any more."""

    def tell(what: Callable[[GroupCoordinator], object]) -> None:
        for group in tuple(hass.data.get(GROUPS, {}).values()):
            if coordinator.identity in group.members:
                what(group)

    @callback
    def heard(event: Event) -> None:
        tell(lambda group: group.async_heard(coordinator.identity, event))

    @callback
    def gone() -> None:
        coordinator.protocol_listeners.discard(heard)
        tell(lambda group: group.async_gone(coordinator.identity))

    coordinator.protocol_listeners.add(heard)
    coordinator.config_entry.async_on_unload(gone)


@callback
def async_drop_member(hass: HomeAssistant, identity: str) -> None:
    """A device was removed: it leaves every group."""
    for entry in group_entries(hass):
        members = entry.options[OPTION_MEMBERS]
        if identity in members:
            left = {**entry.options, OPTION_MEMBERS: [one for one in members if one != identity]}
            hass.config_entries.async_update_entry(entry, options=left)
            hass.config_entries.async_schedule_reload(entry.entry_id)
