"""Setting up, unloading and removing a group."""

from contextlib import suppress
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, HomeAssistantError

from .const import CONF_GID, DOMAIN
from .group_coordinator import GroupConfigEntry, GroupCoordinator, group_store, leave
from .groups import GROUPS, loaded_devices

PLATFORMS: Final = (Platform.NOTIFY, Platform.SENSOR)


async def async_setup_entry(hass: HomeAssistant, entry: GroupConfigEntry) -> bool:
    """Go on behind the last version on disk; the first message begins a new one."""
    try:
        coordinator = await GroupCoordinator.async_load(hass, entry)
    except HomeAssistantError as error:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="group_unreadable") from error
    entry.runtime_data = coordinator
    hass.data.setdefault(GROUPS, {})[entry.entry_id] = coordinator
    coordinator.async_tell_leavers()
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    return True


async def async_unload_entry(hass: HomeAssistant, entry: GroupConfigEntry) -> bool:
    """Unload the entities; keys and what waits here go with the coordinator."""
    unloaded = await hass.config_entries.async_unload_platforms(entry, PLATFORMS)
    if unloaded:
        await hass.data[GROUPS].pop(entry.entry_id).async_stop()
    return unloaded


async def async_remove_entry(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Let every member leave, and erase the version."""
    gid = entry.data[CONF_GID]
    for device in loaded_devices(hass):
        leave(device, gid)
    with suppress(OSError):  # a version that stays is no secret; a new group draws another number
        await group_store(hass, gid).async_remove()
