"""Advertising as the firmware's ``gap_advertise`` does it: stop, set, start; the first event comes at once."""

from bumble.device import AdvertisingEventProperties, AdvertisingParameters, AdvertisingSet, Device
from bumble.hci import OwnAddressType


class Air:
    """One advertising set of legacy packets, restarted per payload."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._set: AdvertisingSet | None = None
        self._kind = (0.0, True)  # interval, connectable
        self._response = b""

    async def advertise(self, interval: float, data: bytes, response: bytes, connectable: bool) -> None:
        """Advertise ``data`` every ``interval`` ms, from now on."""
        kind = (interval, connectable)
        if self._set is None:
            self._set = await self._device.create_advertising_set(_parameters(*kind), auto_start=False)
        else:
            await self.stop()
        await self._prepare(self._set, kind, data, response)
        await self._set.start()

    async def _prepare(self, one: AdvertisingSet, kind: tuple[float, bool], data: bytes, response: bytes) -> None:
        """Tell the controller only what has changed: a random packet costs three commands."""
        if kind != self._kind:
            await one.set_advertising_parameters(_parameters(*kind))
            self._kind = kind
        if response != self._response:
            await one.set_scan_response_data(response)
            self._response = response
        await one.set_advertising_data(data)

    async def stop(self) -> None:
        """Advertise nothing."""
        if self._set is not None:
            await self._set.stop()


def _parameters(interval: float, connectable: bool) -> AdvertisingParameters:
    return AdvertisingParameters(
        advertising_event_properties=AdvertisingEventProperties(is_connectable=connectable, is_scannable=True, is_legacy=True),
        primary_advertising_interval_min=interval,
        primary_advertising_interval_max=interval,
        own_address_type=OwnAddressType.RANDOM,
    )
