"""The radio: one adapter driven by Bumble, moving bytes between it and the device's core (protocol.md 3)."""

import asyncio
from collections.abc import Callable
import contextlib
import logging

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.transport import open_transport
from bumble.transport.common import Transport

from self_secure_device.adverts import NOTIFY_UUID, SERVICE_UUID, WRITE_UUID
from self_secure_device.device import Device
from self_secure_device.pairing import earliest

from .adapter import Adapter
from .advertiser import Advertiser, advertiser
from .central import Central
from .waker import Waker

RETRY_DELAY = 0.1  # s, after the adapter refused an advertising command (a connection came at that moment)
ENDING = 2.0  # s to hang up before the transport is closed anyway

_LOGGER = logging.getLogger(__name__)


class RadioError(Exception):
    """The adapter could not be opened, or went away."""


class Radio:
    """One adapter and the core on it. ``tell(kind)`` hears "ready", "connected" and "disconnected"; ``clock()`` is in ms."""

    def __init__(self, core: Device, address: str, clock: Callable[[], int], tell: Callable[[str], None]) -> None:
        self._core = core
        self._address = hci.Address(address)
        self._clock = clock
        self._tell = tell
        self._connection: Connection | None = None
        self._wake = Waker()  # the core may have something to send, or a new deadline
        self._air = Waker()  # what is advertised may have changed
        self._closing = False
        self._lost = False
        self._adapter: Adapter
        self._notify: Characteristic[bytes]
        self._central = Central(core.relay, clock, self.wake) if core.relay is not None else None

    @property
    def connected(self) -> bool:
        """Whether a hub is connected."""
        return self._connection is not None

    def wake(self) -> None:
        """Look at the core again: the program has changed something."""
        self._wake.set()
        self._air.set()

    def close(self) -> None:
        """Make ``run`` end; it hangs up first."""
        self._closing = True
        self.wake()

    async def hang_up(self) -> None:
        """End the present connection."""
        if self._connection is not None:
            with contextlib.suppress(BaseBumbleError, hci.HCI_Error, TimeoutError):
                await self._connection.disconnect()

    async def run(self, spec: str) -> None:
        """Serve until ``close``; RadioError when the transport cannot be opened or dies."""
        try:
            transport = await open_transport(spec)
        except (OSError, BaseBumbleError, ValueError) as error:
            raise RadioError(f"cannot open {spec}: {error}") from error
        try:
            await self._serve(transport)
        except (BaseBumbleError, hci.HCI_Error, OSError) as error:
            raise RadioError(f"transport failed: {error}") from error
        finally:
            self._disconnected()
            if self._central is not None:
                await self._central.lost()
            with contextlib.suppress(BaseBumbleError, OSError):
                await transport.close()

    # --- set-up ------------------------------------------------------------------------------------------------

    async def _serve(self, transport: Transport) -> None:
        source = transport.source
        configuration = DeviceConfiguration(name="", address=self._address, le_enabled=True, classic_enabled=False)
        adapter = Adapter.from_config_with_hci(configuration, source, transport.sink)
        assert isinstance(adapter, Adapter)  # noqa: S101  # Bumble's signature names its own class
        self._adapter = adapter
        adapter.add_service(self._service())
        adapter.on(Adapter.EVENT_HUB, self._connected)
        await adapter.power_on()
        self._lost = False
        source.terminated.add_done_callback(lambda _: self._transport_lost())
        if self._central is not None:
            await self._central.start(adapter)
        await asyncio.gather(self._pump(), self._advertise())
        if not self._closing:
            raise RadioError("transport lost")
        await self._end()

    def _transport_lost(self) -> None:
        self._lost = True
        self.wake()

    @property
    def _over(self) -> bool:
        return self._closing or self._lost

    async def _end(self) -> None:
        with contextlib.suppress(TimeoutError, BaseBumbleError, hci.HCI_Error):
            async with asyncio.timeout(ENDING):
                await self.hang_up()
                if self._central is not None:
                    await self._central.close()
                await self._adapter.power_off()

    def _service(self) -> Service:
        write: Characteristic[bytes] = Characteristic(
            WRITE_UUID,
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE,
            CharacteristicValue(write=self._written),
        )
        self._notify = Characteristic(NOTIFY_UUID, Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")
        self._notify.on(Characteristic.EVENT_SUBSCRIPTION, self._subscribed)
        return Service(SERVICE_UUID, [write, self._notify])

    # --- what Bumble tells -------------------------------------------------------------------------------------

    def _connected(self, connection: Connection) -> None:
        if self._connection is not None:  # one hub at a time
            asyncio.ensure_future(connection.disconnect())  # noqa: RUF006  # Bumble keeps the pending command
            return
        self._connection = connection
        self._core.connected(connection.att_mtu)
        connection.on(Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, self._mtu_changed)
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self._disconnected())
        self._tell("connected")
        self.wake()

    def _disconnected(self) -> None:
        if self._connection is None:
            return
        self._connection = None
        self._core.disconnected()
        self._tell("disconnected")
        self.wake()

    def _mtu_changed(self) -> None:
        if self._connection is not None and self._core.link is not None:
            self._core.link.mtu = self._connection.att_mtu

    def _subscribed(self, bearer: object, notify: bool, _indicate: bool) -> None:
        if bearer is self._connection and notify:
            self._core.subscribed(self._clock())
            self.wake()

    def _written(self, connection: Connection, value: bytes) -> None:
        if connection is self._connection:
            self._core.received(bytes(value), self._clock())
            self.wake()

    # --- the two loops -----------------------------------------------------------------------------------------

    async def _pump(self) -> None:
        """Move fragments out and call the core when its time has come."""
        while not self._over:
            if self._central is not None:
                self._central.tend()
            self._core.poll(self._clock())
            self._air.set()
            await self._send()
            if self._core.yields:
                await self.hang_up()
            await self._wake.wait(self._due())

    def _due(self) -> float | None:
        """Return the deadline of core and relay on the loop's clock."""
        deadline: int | None = earliest(self._core.deadline, self._central.deadline if self._central is not None else None)
        return None if deadline is None else asyncio.get_running_loop().time() + (deadline - self._clock()) / 1000

    async def _send(self) -> None:
        while self._connection is not None and (fragment := self._core.next_fragment()) is not None:
            await self._adapter.gatt_server.notify_subscriber(self._connection, self._notify, fragment)

    async def _advertise(self) -> None:
        """Beacon, random packets one by one, silence while connected."""
        air = advertiser(self._adapter)
        shown: tuple[bytes, bytes] | None = None
        announced = False
        while not self._over:
            try:
                shown = await self._advertise_once(air, shown)
            except hci.HCI_Error as error:
                _LOGGER.debug("advertising: %s", error)
                shown = None
                await asyncio.sleep(RETRY_DELAY)
                continue
            if not announced and shown is not None:
                announced = True
                self._tell("ready")

    async def _advertise_once(self, air: Advertiser, shown: tuple[bytes, bytes] | None) -> tuple[bytes, bytes] | None:
        """Do the next thing on the air; return the beacon that is being shown."""
        if self._connection is not None:
            await air.stop()
            await self._air.wait_while(lambda: self._connection is not None and not self._over)
            return None
        if self._core.broadcasting:
            await self._broadcast(air)
            return None
        beacon: tuple[bytes, bytes] = self._core.beacon()
        if beacon != shown:
            await air.show(*beacon)
            return beacon
        await self._air.wait()
        return shown

    async def _broadcast(self, air: Advertiser) -> None:
        """Air one random packet, then keep the pace; a connection ends the wait at once."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._core.interval / 1000
        await air.air(self._core.next_random())
        await self._air.wait_while(lambda: self._connection is None and not self._over, until)
