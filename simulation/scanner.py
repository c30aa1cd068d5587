"""A Home Assistant scanner on a virtual radio: every packet goes in, connections go out."""

import asyncio
from functools import partial
from typing import cast, override

from bleak.backends.client import BaseBleakClient
from bleak_retry_connector.bluez import Allocations
from bluetooth_data_tools import monotonic_time_coarse
from habluetooth import BaseHaRemoteScanner, BluetoothScanningMode, HaBluetoothConnector, get_manager

from simulation.bleak_client import ADDRESS_TYPE, BumbleBleakClient
from simulation.host import SLOTS, Report, ScannerHost


class VirtualScanner(BaseHaRemoteScanner):
    """One scanner of the virtual world, as a Bluetooth proxy is to Home Assistant.

    Make it, register it with `bluetooth.async_register_scanner`, call its `async_setup`, then `start`.
    Bluetooth's manager must be set up first.

    Args:
        source: the radio's address.
        name: shown to the user.
        mode: PASSIVE, ACTIVE (scan requests always), or AUTO (passive, but active when Home Assistant asks).
        connectable: whether it can connect, too; a Shelly proxy, for one, only listens.
    """

    def __init__(
        self, source: str, name: str, mode: BluetoothScanningMode = BluetoothScanningMode.ACTIVE, *, connectable: bool = True
    ) -> None:
        self.host = ScannerHost(self._on_report, self._on_slots)
        client = cast("type[BaseBleakClient]", partial(BumbleBleakClient, self.host))
        connector = HaBluetoothConnector(client, source, lambda: self.host.free_slots > 0)
        active = mode is BluetoothScanningMode.ACTIVE
        current = BluetoothScanningMode.ACTIVE if active else BluetoothScanningMode.PASSIVE
        super().__init__(
            source, name, connector if connectable else None, connectable=connectable, requested_mode=mode, current_mode=current
        )

    async def start(self) -> None:
        """Scan in the requested mode; the host must have its radio.

        Raises:
            BaseBumbleError: the radio is gone.
        """
        await self._scan(self.requested_mode is BluetoothScanningMode.ACTIVE)

    async def _scan(self, active: bool) -> None:
        await self.host.scan(active=active)
        self.set_current_mode(BluetoothScanningMode.ACTIVE if active else BluetoothScanningMode.PASSIVE)

    def _on_report(self, report: Report) -> None:
        details = {ADDRESS_TYPE: int(report.address.address_type)}
        address = report.address.to_string(with_type_qualifier=False)
        self._async_on_raw_advertisement(address, report.rssi, bytes(report.data), details, monotonic_time_coarse())

    def _on_slots(self) -> None:
        get_manager().async_on_allocation_changed(self.get_allocations())

    @override
    def get_allocations(self) -> Allocations:
        return Allocations(self.source, SLOTS, self.host.free_slots, self.host.peers)

    @override
    async def async_request_active_window(self, duration: float) -> bool:
        if self.requested_mode is not BluetoothScanningMode.AUTO or self.host.lost.is_set():
            return False
        await self._scan(active=True)
        try:
            await asyncio.sleep(duration)
        finally:
            await self._scan(active=False)
        return True
