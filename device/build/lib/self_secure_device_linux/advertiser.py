"""One advertising event per random packet, and the beacon in between (protocol.md 3).

A controller starts the first event at once when advertising is enabled, so each payload gets its own restart under an
interval much longer than the pace of the packets: it airs once. Legacy PDUs of 31 bytes throughout; the extended
commands where the adapter has them, because they need no new set per payload and can count events.
"""

from typing import override

from bumble.device import AdvertisingEventProperties, AdvertisingParameters, AdvertisingSet, Device
from bumble.hci import OwnAddressType

BEACON_INTERVAL = 200.0  # ms: found within seconds also at 70 % loss
ONCE_INTERVAL = 2000.0  # ms: far beyond the pace of random packets


class Advertiser:
    """What the radio needs; this one speaks the old commands, which every adapter knows."""

    def __init__(self, device: Device) -> None:
        self._device = device

    async def show(self, data: bytes, scan_response: bytes) -> None:
        """Advertise ``data`` until told otherwise."""
        await self._start(data, scan_response, BEACON_INTERVAL)

    async def air(self, data: bytes) -> None:
        """Put ``data`` on the air once."""
        await self._start(data, b"", ONCE_INTERVAL)

    async def stop(self) -> None:
        """Advertise nothing."""
        await self._device.stop_advertising()

    async def _start(self, data: bytes, scan_response: bytes, interval: float) -> None:
        await self._device.start_advertising(
            own_address_type=OwnAddressType.RANDOM,
            advertising_data=data,
            scan_response_data=scan_response,
            advertising_interval_min=interval,
            advertising_interval_max=interval,
        )


class ExtendedAdvertiser(Advertiser):
    """One advertising set, restarted per payload."""

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self._set: AdvertisingSet | None = None
        self._interval = 0.0

    @override
    async def show(self, data: bytes, scan_response: bytes) -> None:
        beacon = await self._prepare(data, BEACON_INTERVAL)
        await beacon.set_scan_response_data(scan_response)
        await beacon.start()

    @override
    async def air(self, data: bytes) -> None:
        packet = await self._prepare(data, ONCE_INTERVAL)
        await packet.start(max_advertising_events=1)

    @override
    async def stop(self) -> None:
        if self._set is not None:
            await self._set.stop()

    async def _prepare(self, data: bytes, interval: float) -> AdvertisingSet:
        """Return the stopped set with ``data`` in it; its parameters change only with the kind of payload."""
        if self._set is None:
            self._set = await self._device.create_advertising_set(_parameters(interval), auto_start=False)
        else:
            await self._set.stop()
            if interval != self._interval:
                await self._set.set_advertising_parameters(_parameters(interval))
        self._interval = interval
        await self._set.set_advertising_data(data)
        return self._set


def _parameters(interval: float) -> AdvertisingParameters:
    return AdvertisingParameters(
        advertising_event_properties=AdvertisingEventProperties(is_connectable=True, is_scannable=True, is_legacy=True),
        primary_advertising_interval_min=interval,
        primary_advertising_interval_max=interval,
        own_address_type=OwnAddressType.RANDOM,
    )


def advertiser(device: Device) -> Advertiser:
    """Return what suits the adapter."""
    return ExtendedAdvertiser(device) if device.supports_le_extended_advertising else Advertiser(device)
