"""Worlds in this process, a peripheral with a real GATT server, and scanners' hosts."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from bumble import hci
from bumble.att import ATT_Error, ErrorCode
from bumble.device import AdvertisingEventProperties, AdvertisingParameters, Connection, Device
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.host import Host
import pytest

from simulation.host import Report, ScannerHost
from simulation.radio import Radio
from simulation.world import Plan, World

SERVICE = "7a6f0001-5e1f-4c0d-8d3a-5e1f5ec0de00"
WRITE = "7a6f0002-5e1f-4c0d-8d3a-5e1f5ec0de00"
NOTIFY = "7a6f0003-5e1f-4c0d-8d3a-5e1f5ec0de00"
REFUSING = "7a6f0004-5e1f-4c0d-8d3a-5e1f5ec0de00"
INTERVAL_MS = 20
SUPERVISION_TIMEOUT = 0.1
PATIENCE = 20.0  # s that any one step may take on a busy machine
type OpenWorld = Callable[[Plan], Awaitable[World]]
type StartPeripheral = Callable[[Radio], Awaitable[Peripheral]]
type StartHost = Callable[[Radio, list[Report]], Awaitable[ScannerHost]]

BEACON = bytes.fromhex("0201061bffffff52") + bytes(23)


@dataclass(slots=True)
class Peripheral:
    """A device that advertises, and sends back what is written to it."""

    device: Device
    notify: Characteristic[bytes]
    written: list[bytes] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    def on_connection(self, connection: Connection) -> None:
        connection.on(connection.EVENT_DISCONNECTION, self._on_disconnection)

    def _on_disconnection(self, reason: int) -> None:
        self.reasons.append(reason)
        self.gone.set()

    async def on_write(self, _connection: Connection, value: bytes) -> None:
        self.written.append(value)
        await self.device.notify_subscribers(self.notify, bytes(reversed(value)))

    async def advertise(
        self, data: bytes = BEACON, scan_response: bytes = b"", interval_ms: float = INTERVAL_MS, *, auto_restart: bool = True
    ) -> None:
        await self.device.create_advertising_set(
            advertising_parameters=AdvertisingParameters(
                AdvertisingEventProperties(is_connectable=True, is_scannable=True, is_legacy=True),
                primary_advertising_interval_min=interval_ms,
                primary_advertising_interval_max=interval_ms,
                own_address_type=hci.OwnAddressType.PUBLIC,
            ),
            advertising_data=data,
            scan_response_data=scan_response,
            auto_restart=auto_restart,
        )


def refuse(_connection: Connection) -> bytes:
    raise ATT_Error(ErrorCode.READ_NOT_PERMITTED)


def make_peripheral(host: Host) -> Peripheral:
    device = Device(name="peripheral", host=host)
    notify = Characteristic[bytes](NOTIFY, Characteristic.Properties.NOTIFY, Characteristic.Permissions(0))
    peripheral = Peripheral(device, notify)
    properties = Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE | Characteristic.Properties.READ
    permissions = Characteristic.Permissions.WRITEABLE | Characteristic.Permissions.READABLE
    value = CharacteristicValue(read=lambda _connection: b"readable", write=peripheral.on_write)
    refusing = Characteristic[bytes](REFUSING, Characteristic.Properties.READ, permissions, CharacteristicValue(read=refuse))
    device.add_service(Service(SERVICE, [Characteristic(WRITE, properties, permissions, value), notify, refusing]))
    device.on(device.EVENT_CONNECTION, peripheral.on_connection)
    return peripheral


@pytest.fixture
async def open_world() -> AsyncIterator[OpenWorld]:
    """Build worlds that close themselves."""
    async with AsyncExitStack() as stack:
        yield lambda plan: stack.enter_async_context(World(plan))


@pytest.fixture
async def world(open_world: OpenWorld) -> World:
    """Two scanners, three devices, nothing lost."""
    return await open_world(Plan(loss=0, eve_loss=0, supervision_timeout=SUPERVISION_TIMEOUT))


@pytest.fixture
async def start_peripheral() -> AsyncIterator[StartPeripheral]:
    """Power a peripheral on a radio of this process."""
    async with AsyncExitStack() as stack:

        async def start(radio: Radio) -> Peripheral:
            peripheral = make_peripheral(radio.host())
            await peripheral.device.power_on()
            stack.push_async_callback(peripheral.device.power_off)
            return peripheral

        yield start


@pytest.fixture
async def start_host() -> AsyncIterator[StartHost]:
    """Open a scanner's host over TCP; its reports go to the list."""
    async with AsyncExitStack() as stack:

        async def start(radio: Radio, reports: list[Report]) -> ScannerHost:
            host = ScannerHost(reports.append)
            stack.push_async_callback(host.close)
            await host.open(radio.port.port)
            return host

        yield start


async def until(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait until it holds."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110  # the conditions belong to code without events
            await asyncio.sleep(0.005)
