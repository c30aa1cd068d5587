"""Bluetooth managers on the event loop with one remote scanner each, as an ESPHome proxy feeds it; no adapter, no radio."""

from typing import Any, Final, cast, override

from bleak_retry_connector import BleakSlotManager
from bluetooth_adapters import AdapterDetails, AdvertisementHistory, BluetoothAdapters
from bluetooth_data_tools import monotonic_time_coarse
from habluetooth import BaseHaRemoteScanner, BluetoothManager, BluetoothServiceInfoBleak, HaBluetoothConnector, set_manager
from homeassistant.components.bluetooth.manager import HomeAssistantBluetoothManager
from homeassistant.components.bluetooth.match import IntegrationMatcher
from homeassistant.components.bluetooth.storage import BluetoothStorage
from homeassistant.config_entries import ConfigEntries
from homeassistant.core import HomeAssistant
from homeassistant.generated.bluetooth import BLUETOOTH
from homeassistant.loader import BluetoothMatcher

_RSSI: Final = -60
_DETAILS: Final[dict[str, Any]] = {}


class NoAdapters(BluetoothAdapters):
    """A machine without Bluetooth."""

    @property
    @override
    def adapters(self) -> dict[str, AdapterDetails]:
        return {}

    @property
    @override
    def default_adapter(self) -> str:
        return "hci0"

    @property
    @override
    def history(self) -> dict[str, AdvertisementHistory]:
        return {}

    @override
    async def refresh(self) -> None:
        return None


class Scanner(BaseHaRemoteScanner):
    """Hands on whole advertisements, as proxies do."""

    def hear(self, address: str, raw: bytes) -> None:
        """Take one advertisement."""
        self._async_on_raw_advertisement(address, _RSSI, raw, _DETAILS, monotonic_time_coarse())


class PlainManager(BluetoothManager):
    """habluetooth without Home Assistant."""

    @override
    def _discover_service_info(self, service_info: BluetoothServiceInfoBleak) -> None:
        """Discover nothing."""


async def plain() -> Scanner:
    """Return the scanner of a plain manager."""
    return await _scanner(PlainManager(NoAdapters(), BleakSlotManager()))


async def home_assistant(hass: HomeAssistant) -> Scanner:
    """Return the scanner of Home Assistant's manager with the matchers of all core integrations; it is the current one from now on."""
    hass.config_entries = ConfigEntries(hass, {})
    matcher = IntegrationMatcher(cast("list[BluetoothMatcher]", BLUETOOTH))
    matcher.async_setup()
    return await _scanner(HomeAssistantBluetoothManager(hass, matcher, NoAdapters(), BluetoothStorage(hass), BleakSlotManager()))


async def _scanner(manager: BluetoothManager) -> Scanner:
    set_manager(manager)
    await manager.async_setup()
    scanner = Scanner("proxy", "proxy", HaBluetoothConnector(object, "bench", lambda: False), connectable=True)  # type: ignore[arg-type]  # never connects
    scanner.async_setup()
    manager.async_register_scanner(scanner)
    return scanner
