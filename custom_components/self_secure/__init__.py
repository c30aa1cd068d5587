"""Self-Secure: pair Bluetooth devices by the packets that an eavesdropper misses.

Importing the protocol alone runs this file, so nothing of Home Assistant is imported here before it asks for it.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.device_registry import DeviceEntry
    from homeassistant.helpers.typing import ConfigType

    from .coordinator import SelfSecureConfigEntry


def _no_yaml(config: ConfigType) -> ConfigType:
    """Tell whoever writes `self_secure:` into the YAML that devices are added in the user interface."""
    from homeassistant.helpers import config_validation as cv  # noqa: PLC0415  # see the module's docstring

    from .const import DOMAIN  # noqa: PLC0415  # as above

    checked: ConfigType = cv.config_entry_only_config_schema(DOMAIN)(config)
    return checked


CONFIG_SCHEMA = _no_yaml


async def _lifecycle(hass: HomeAssistant) -> ModuleType:
    """Import what does the work, outside the event loop."""
    from homeassistant.helpers.importlib import async_import_module  # noqa: PLC0415  # see the module's docstring

    return await async_import_module(hass, f"{__package__}.lifecycle")


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:  # noqa: ARG001  # Home Assistant passes the YAML
    """Set up what all devices share."""
    return bool(await (await _lifecycle(hass)).async_setup(hass))


async def async_setup_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> bool:
    """Set up one device."""
    return bool(await (await _lifecycle(hass)).async_setup_entry(hass, entry))


async def async_unload_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> bool:
    """Unload one device; its keys stay on disk."""
    return bool(await (await _lifecycle(hass)).async_unload_entry(hass, entry))


async def async_remove_entry(hass: HomeAssistant, entry: SelfSecureConfigEntry) -> None:
    """Erase the keys of a device that the user removed."""
    await (await _lifecycle(hass)).async_remove_entry(hass, entry)


async def async_remove_config_entry_device(hass: HomeAssistant, entry: SelfSecureConfigEntry, device: DeviceEntry) -> bool:
    """Let the user delete a device that the entry is not about."""
    return bool(await (await _lifecycle(hass)).async_remove_config_entry_device(entry, device))
