"""Setting up, unloading and removing: Home Assistant and one device."""

from contextlib import suppress
import logging
from typing import Final

from homeassistant.const import CONF_ADDRESS, EVENT_HOMEASSISTANT_STOP, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ConfigEntryError, ConfigEntryNotReady, HomeAssistantError, UnsupportedStorageVersionError
from homeassistant.helpers import device_registry as dr

from . import far, group_entry, radio, security
from .care import Care
from .config_flow import SelfSecureConfigFlow
from .const import CONF_IDENTITY, DOMAIN
from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator
from .farewell import async_say_farewell
from .group_services import async_register_group_services
from .groups import async_drop_member, async_watch_member, is_group
from .hub import HUB, async_load_hub
from .issues import Issue, SharedIssue, async_raise, async_raise_shared, async_solve, async_solve_not_erased, async_solve_shared
from .protocol.connection import Connection
from .protocol.errors import SnapshotError, SnapshotVersionError
from .services import async_register_services
from .store import Stored, async_clean, async_erase, device_store
from .transport.beacon import SHORT_ID_SIZE
from .transport.client import Client, StorageError

_LOGGER = logging.getLogger(__name__)

PLATFORMS: Final = (Platform.BINARY_SENSOR, Platform.BUTTON, Platform.EVENT, Platform.NOTIFY, Platform.SENSOR)


async def async_setup(hass: HomeAssistant) -> bool:
    """Load what all devices share, and register the actions."""
    await async_clean(hass)
    try:
        hub = hass.data[HUB] = await async_load_hub(hass)
    except (HomeAssistantError, StorageError) as error:
        _LOGGER.error("Cannot start without this Home Assistant's own identity: %s", error)  # noqa: TRY400  # the text says it all
        newer = isinstance(error, UnsupportedStorageVersionError)
        async_raise_shared(hass, SharedIssue.HUB_NEWER_VERSION if newer else SharedIssue.HUB_UNUSABLE)
        return False
    async_solve_shared(hass)
    hass.bus.async_listen_once(EVENT_HOMEASSISTANT_STOP, hub.async_stop)
    radio.async_watch_receivers(hub.slots.look)
    far.async_start(hass)
    async_register_services(hass)
    async_register_group_services(hass)
    _tell_newer_entries(hass)
    return True


def _tell_newer_entries(hass: HomeAssistant) -> None:
    """Home Assistant refuses entries that a newer version has stored; the user has to hear what to do about it."""
    for entry in hass.config_entries.async_entries(DOMAIN):
        if entry.version > SelfSecureConfigFlow.VERSION:
            async_raise(hass, entry, Issue.NEWER_VERSION)


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> bool:
    """Go on with the client of the pairing, or with what is on disk; a group with its next version."""
    if is_group(entry):
        return await group_entry.async_setup_entry(hass, entry)
    coordinator = SelfSecureCoordinator(hass, entry)
    if hass.data[HUB].attempt_with(coordinator.identity):
        being_paired = {"name": entry.title}
        raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="being_paired", translation_placeholders=being_paired)
    handover = hass.data[HUB].handovers.pop(coordinator.identity, None)
    client = handover.client if handover else await _async_client(hass, coordinator)
    entry.runtime_data = coordinator
    entry.async_on_unload(coordinator.async_stop)
    coordinator.async_adopt(client)
    async_solve_not_erased(hass, coordinator.identity)
    await hass.config_entries.async_forward_entry_setups(entry, PLATFORMS)
    security.async_watch(hass, coordinator)
    async_watch_member(hass, coordinator)
    Care(hass, coordinator).async_start()
    coordinator.async_start(handover.backlog if handover else (), handover.relay if handover else None)
    return True


async def _async_client(hass: HomeAssistant, coordinator: SelfSecureCoordinator) -> Client:
    """Build the client of a known device; raises what Home Assistant shows at the entry."""
    try:
        connection = _connection(hass, await _async_load(coordinator.identity, hass))
    except ConfigEntryError as error:
        async_raise(hass, coordinator.config_entry, Issue(error.translation_key or ""))
        raise
    return Client(connection, coordinator.reach.new_link, coordinator.save, lambda _: None, coordinator.name)


async def _async_load(identity: str, hass: HomeAssistant) -> Stored:
    try:
        stored = await device_store(hass, identity).async_load()
    except UnsupportedStorageVersionError as error:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="newer_version") from error
    except HomeAssistantError as error:
        raise ConfigEntryNotReady(translation_domain=DOMAIN, translation_key="store_unreadable") from error
    if stored is None:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="key_lost")
    return stored


def _connection(hass: HomeAssistant, stored: Stored) -> Connection:
    try:
        return hass.data[HUB].connection(stored)
    except SnapshotVersionError as error:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="newer_version") from error
    except SnapshotError as error:
        raise ConfigEntryError(translation_domain=DOMAIN, translation_key="key_lost") from error


async def async_unload_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> bool:
    """Unload the entities; the coordinator stops with the entry."""
    if is_group(entry):
        return await group_entry.async_unload_entry(hass, entry)
    return await hass.config_entries.async_unload_platforms(entry, PLATFORMS)


async def async_remove_config_entry_device(entry: SelfSecureConfigEntry, device: dr.DeviceEntry) -> bool:
    """Let the user delete every device of an entry but the one that it is about."""
    return (DOMAIN, entry.unique_id) not in device.identifiers


async def async_remove_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> None:
    """Tell the device, erase the keys, and let it be discovered when it is ready to pair.

    A device that cannot be reached now keeps its key until a person resets it.
    """
    if is_group(entry):
        await group_entry.async_remove_entry(hass, entry)
        return
    async_drop_member(hass, entry.data[CONF_IDENTITY])
    identity = entry.data[CONF_IDENTITY]
    if HUB in hass.data and (attempt := hass.data[HUB].attempt_with(identity)):
        await attempt.stop()
    await async_say_farewell(hass, entry)
    async_solve(hass, entry, *Issue)
    try:
        await async_erase(hass, identity)
    except StorageError as error:
        _LOGGER.error("%s: %s", entry.title, error)  # noqa: TRY400  # the text says it all
        async_raise(hass, entry, Issue.KEY_NOT_ERASED)
    if HUB in hass.data:
        hass.data[HUB].tallies.forget(identity)
        with suppress(StorageError):  # then it is found to be gone when it is looked for
            await hass.data[HUB].async_forget(identity)
    if address := entry.data[CONF_ADDRESS]:
        radio.async_rediscover(hass, address)
    if far.FAR in hass.data:
        hass.data[far.FAR].forget(bytes.fromhex(identity)[:SHORT_ID_SIZE])
