"""A Bleak backend on Bumble: what Home Assistant connects with through a virtual scanner."""

import asyncio
from collections.abc import Callable, Coroutine
import contextlib
from typing import Any, override
from uuid import UUID

from bleak.args import SizedBuffer
from bleak.assigned_numbers import gatt_char_props_to_strs
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient, NotifyCallback
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError
from bumble import gatt_client, hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Peer

from simulation.host import ScannerHost

MTU = 247
"""Bytes; the largest attribute packet that fits one link layer packet (251 less the four of L2CAP)."""
ATT_HEADER = 3
"""Bytes of a write command or notification beside its value."""
NO_PAIRING = "the virtual radio has no Bluetooth pairing"
ADDRESS_TYPE = "address_type"
"""Key of `BLEDevice.details` for the type of the address: 0 public, 1 random."""


class BumbleBleakClient(BaseBleakClient):
    """One connection of a `ScannerHost`, as Bleak sees it. Every failure is a `BleakError` or a `TimeoutError`.

    Args:
        host: the scanner's host.
        device: what the scanner found; an address alone counts as a random one.
    """

    def __init__(self, host: ScannerHost, device: BLEDevice | str, **kwargs: Any) -> None:
        callback: Callable[[], None] | None = kwargs.pop("disconnected_callback", None)
        super().__init__(device, disconnected_callback=callback, timeout=kwargs.pop("timeout", 10.0))
        details = device.details if isinstance(device, BLEDevice) else {}
        kind = hci.AddressType(details.get(ADDRESS_TYPE, hci.Address.RANDOM_DEVICE_ADDRESS))
        self._peer_address = hci.Address(self.address, kind)
        self._name = device.name if isinstance(device, BLEDevice) else None
        self._host = host
        self._connection: Connection | None = None
        self._peer: Peer | None = None
        self._gone = asyncio.Event()
        self._subscribers: dict[int, Callable[[bytes], None]] = {}

    @property
    @override
    def name(self) -> str:
        return self._name or self.address

    @property
    @override
    def mtu_size(self) -> int:
        return self._connection.att_mtu if self._connection else 23  # the least that Bluetooth allows

    @property
    @override
    def is_connected(self) -> bool:
        return self._connection is not None

    @override
    async def connect(self, pair: bool, **kwargs: Any) -> None:
        if self.is_connected:
            raise BleakError(f"{self.address}: already connected")
        self._gone.clear()
        try:
            async with asyncio.timeout(kwargs.get("timeout", self._timeout)):
                connection = await self._host.connect(self._peer_address)
        except BaseBumbleError as error:
            raise BleakError(f"{self.address}: cannot connect: {error}") from error
        self._connection, self._peer = connection, Peer(connection)
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._on_disconnection(connection))
        try:
            await self._run(self._discover(self._peer))
        except BaseException:
            await self._end()
            raise

    async def _discover(self, peer: Peer) -> None:
        await peer.request_mtu(MTU)
        await peer.discover_all()  # type: ignore[no-untyped-call]  # Bumble leaves its signature unannotated
        found = _services(peer, lambda: self.mtu_size - ATT_HEADER)
        self.services = BleakGATTServiceCollection() if self.address in self._host.stale else found

    async def clear_cache(self) -> bool:
        """Let the next connection ask the device for its services."""
        self._host.stale.discard(self.address)
        return True

    def _on_disconnection(self, connection: Connection) -> None:
        if self._connection is not connection:
            return
        self._connection = self._peer = None
        self.services = None
        self._subscribers.clear()
        self._gone.set()
        if callback := self._disconnected_callback:
            callback()

    @override
    async def disconnect(self) -> None:
        await self._end()

    async def _end(self) -> None:
        if connection := self._connection:
            with contextlib.suppress(BaseBumbleError):
                await self._host.run(connection.disconnect())
            self._on_disconnection(connection)

    @override
    async def pair(self, *args: Any, **kwargs: Any) -> None:
        raise BleakError(NO_PAIRING)

    @override
    async def unpair(self) -> None:
        raise BleakError(NO_PAIRING)

    @override
    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, *, use_cached: bool = False, **kwargs: Any) -> bytearray:
        return bytearray(await self._run(self._usable().read_value(characteristic.handle)))

    @override
    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, *, use_cached: bool = False, **kwargs: Any) -> bytearray:
        return bytearray(await self._run(self._usable().read_value(descriptor.handle)))

    @override
    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        if not response and len(data) > self.mtu_size - ATT_HEADER:
            raise BleakError(f"{len(data)} bytes do not fit a write command of {self.mtu_size - ATT_HEADER}")
        await self._run(self._usable().write_value(characteristic.handle, bytes(data), with_response=response))

    @override
    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        await self._run(self._usable().write_value(descriptor.handle, bytes(data), with_response=True))

    @override
    async def start_notify(self, characteristic: BleakGATTCharacteristic, callback: NotifyCallback, **kwargs: Any) -> None:
        peer = self._usable()

        def deliver(value: bytes) -> None:
            callback(bytearray(value))

        self._subscribers[characteristic.handle] = deliver
        await self._run(peer.subscribe(characteristic.obj, deliver))

    @override
    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        if deliver := self._subscribers.pop(characteristic.handle, None):
            await self._run(self._usable().unsubscribe(characteristic.obj, deliver))

    def _usable(self) -> Peer:
        if self._peer is None:
            raise BleakError(f"{self.address}: not connected")
        return self._peer

    async def _run[T](self, work: Coroutine[object, object, T]) -> T:
        """Await a GATT procedure; a connection that ends under it ends it at once."""
        procedure = asyncio.ensure_future(self._host.run(self._unless_gone(work)))
        gone = asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait({procedure, gone}, return_when=asyncio.FIRST_COMPLETED)
            if procedure.done() and not procedure.cancelled():
                return procedure.result()
        except BaseBumbleError as error:
            raise BleakError(f"{self.address}: {'disconnected' if self._gone.is_set() else error}") from error
        finally:
            gone.cancel()
            procedure.cancel()
        raise BleakError(f"{self.address}: disconnected")

    async def _unless_gone[T](self, work: Coroutine[object, object, T]) -> T:
        """Do `work` for as long as the connection lives: Bumble would wait 30 s for an answer over a dead one.

        Cancelling it then is safe, because a GATT request over a dead connection has no command under way in the host.
        """
        procedure, gone = asyncio.ensure_future(work), asyncio.ensure_future(self._gone.wait())
        await asyncio.wait({procedure, gone}, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        procedure.cancel()
        await asyncio.wait({procedure})
        if procedure.cancelled():
            raise BleakError(f"{self.address}: disconnected")
        return procedure.result()


def _services(peer: Peer, write_size: Callable[[], int]) -> BleakGATTServiceCollection:
    collection = BleakGATTServiceCollection()
    for service in peer.services:
        found = BleakGATTService(service, service.handle, _uuid(service))
        collection.add_service(found)
        for characteristic in service.characteristics:
            collection.add_characteristic(_characteristic(characteristic, found, write_size))
            for descriptor in characteristic.descriptors:
                owner = collection.characteristics[characteristic.handle]
                collection.add_descriptor(BleakGATTDescriptor(descriptor, descriptor.handle, _uuid(descriptor), owner))
    return collection


def _characteristic(
    one: gatt_client.CharacteristicProxy[bytes], service: BleakGATTService, write_size: Callable[[], int]
) -> BleakGATTCharacteristic:
    properties = list(gatt_char_props_to_strs(int(one.properties)))
    return BleakGATTCharacteristic(one, one.handle, _uuid(one), properties, write_size, service)


def _uuid(proxy: gatt_client.AttributeProxy[Any]) -> str:
    kind = proxy.type if isinstance(proxy, gatt_client.DescriptorProxy) else proxy.uuid  # type: ignore[attr-defined]  # set by the two other kinds
    return str(UUID(bytes=kind.to_bytes(force_128=True)[::-1]))
