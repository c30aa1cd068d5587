"""The link over Bleak: GATT service of protocol.md 3, and Bleak's errors mapped once."""

import asyncio
from collections.abc import Callable, Iterator
import contextlib
from typing import TYPE_CHECKING, Final, override

from bleak.exc import BleakCharacteristicNotFoundError, BleakError
import bleak_retry_connector
from bleak_retry_connector import BleakNotFoundError, BleakOutOfConnectionSlotsError

from .link import PAYLOAD_MAX, PAYLOAD_MIN, Link, LinkError, LinkErrorKind

if TYPE_CHECKING:
    from bleak import BleakClient
    from bleak.backends.characteristic import BleakGATTCharacteristic
    from bleak.backends.device import BLEDevice

WRITE_UUID: Final = "7a6f0002-5e1f-4c0d-8d3a-5e1f5ec0de00"  # hub to device
NOTIFY_UUID: Final = "7a6f0003-5e1f-4c0d-8d3a-5e1f5ec0de00"  # device to hub
ATT_HEADER: Final = 3  # bytes of a write or notification beside its value
OPEN_TIMEOUT: Final = 60.0  # s, connecting with its retries; a proxy alone may take 20
SUBSCRIBE_TIMEOUT: Final = 10.0  # s, one write of a descriptor
WRITE_TIMEOUT: Final = 10.0  # s; ATT gives up after 30, when the chain's own timers have long run out
CLOSE_TIMEOUT: Final = 10.0  # s, after which a slot is given up for lost
CONNECT_ATTEMPTS: Final = 2  # the client above has its own back-off

_KINDS: Final[tuple[tuple[type[Exception], LinkErrorKind], ...]] = (
    (BleakOutOfConnectionSlotsError, LinkErrorKind.NO_SLOT),
    (BleakNotFoundError, LinkErrorKind.NOT_FOUND),
    (BleakCharacteristicNotFoundError, LinkErrorKind.UNSUPPORTED),
    (TimeoutError, LinkErrorKind.TIMEOUT),
)


@contextlib.contextmanager
def _mapped(otherwise: LinkErrorKind) -> Iterator[None]:
    """Turn whatever Bleak and its backends raise into a `LinkError`."""
    try:
        yield
    except (BleakError, TimeoutError, OSError, EOFError, AttributeError) as error:  # what bleak-retry-connector retries on, too
        kind = next((kind for known, kind in _KINDS if isinstance(error, known)), otherwise)
        raise LinkError(kind, str(error) or type(error).__name__) from error


class GattLink(Link):
    """One connection over whatever adapter or proxy is best at the time.

    Args:
        find_device: a fresh `BLEDevice` per attempt, or None when nobody who could connect hears the device.
        name: for Bleak's log.
    """

    def __init__(self, find_device: Callable[[], BLEDevice | None], name: str) -> None:
        self._find_device = find_device
        self._name = name
        self._client: BleakClient | None = None
        self._write_to: BleakGATTCharacteristic | None = None
        self._closed: Callable[[], None] | None = None  # set while somebody has to hear of the end

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        try:
            with _mapped(LinkErrorKind.REFUSED):
                async with asyncio.timeout(OPEN_TIMEOUT):
                    client = self._client = await self._connect()
                return await self._subscribe(client, received, closed)
        except BaseException:
            await self.close()
            raise

    async def _connect(self) -> bleak_retry_connector.BleakClientWithServiceCache:
        device = self._find_device()
        if device is None:
            raise LinkError(LinkErrorKind.NOT_FOUND, "no adapter or proxy that could connect hears the device")
        return await bleak_retry_connector.establish_connection(
            # looked up now, not at import: Home Assistant replaces the name when its manager starts
            bleak_retry_connector.BleakClientWithServiceCache,
            device,
            self._name,
            disconnected_callback=self._on_disconnected,
            max_attempts=CONNECT_ATTEMPTS,
            ble_device_callback=lambda: self._find_device() or device,
        )

    async def _subscribe(
        self, client: bleak_retry_connector.BleakClientWithServiceCache, received: Callable[[bytes], None], closed: Callable[[], None]
    ) -> int:
        try:
            self._write_to, notify = _characteristic(client, WRITE_UUID), _characteristic(client, NOTIFY_UUID)
        except BleakCharacteristicNotFoundError:
            await client.clear_cache()  # the receiver may know the services of other software: the next connection asks the device
            raise
        async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
            await client.start_notify(notify, lambda _, data: received(bytes(data)))
        if not client.is_connected:
            raise LinkError(LinkErrorKind.LOST, "disconnected while subscribing")
        self._closed = closed
        return _payload(client, self._write_to)

    def _on_disconnected(self, _client: BleakClient) -> None:
        closed, self._closed = self._closed, None
        if closed:
            closed()

    @override
    async def write(self, fragment: bytes) -> None:
        if self._client is None or self._write_to is None:
            raise LinkError(LinkErrorKind.LOST, "the link is not open")
        with _mapped(LinkErrorKind.LOST):
            async with asyncio.timeout(WRITE_TIMEOUT):
                await self._client.write_gatt_char(self._write_to, fragment, response=True)

    @override
    async def close(self) -> None:
        client, self._client, self._closed = self._client, None, None
        if client is None:
            return
        with contextlib.suppress(LinkError), _mapped(LinkErrorKind.LOST):
            async with asyncio.timeout(CLOSE_TIMEOUT):
                await client.disconnect()


def _characteristic(client: BleakClient, uuid: str) -> BleakGATTCharacteristic:
    if found := client.services.get_characteristic(uuid):
        return found
    raise BleakCharacteristicNotFoundError(uuid)


def _payload(client: BleakClient, characteristic: BleakGATTCharacteristic) -> int:
    """Return MTU-3: BlueZ tells it with the characteristic only, other backends by `mtu_size` as well."""
    size = characteristic.max_write_without_response_size
    if size <= PAYLOAD_MIN:
        size = client.mtu_size - ATT_HEADER
    return max(PAYLOAD_MIN, min(PAYLOAD_MAX, size))
