import asyncio
from collections.abc import Callable

from bleak.exc import BleakError
from bumble import hci
import pytest

from simulation.bleak_client import BumbleBleakClient
from simulation.host import SLOTS, ScannerHost
from simulation.world import World

from .conftest import NOTIFY, PATIENCE, REFUSING, SERVICE, WRITE, Peripheral, StartHost, StartPeripheral, until

CCCD = "00002902-0000-1000-8000-00805f9b34fb"


@pytest.fixture
async def peripheral(world: World, start_peripheral: StartPeripheral) -> Peripheral:
    started = await start_peripheral(world.devices[0])
    await started.advertise()
    return started


@pytest.fixture
async def host(world: World, start_host: StartHost) -> ScannerHost:
    opened = await start_host(world.scanners[0], [])
    await opened.scan(active=False)
    return opened


def client_of(host: ScannerHost, address: str, callback: Callable[[], None] | None = None) -> BumbleBleakClient:
    client = BumbleBleakClient(host, address, disconnected_callback=callback, timeout=PATIENCE)
    client._peer_address = hci.Address(address, hci.Address.PUBLIC_DEVICE_ADDRESS)
    return client


@pytest.fixture
async def client(world: World, host: ScannerHost, peripheral: Peripheral) -> BumbleBleakClient:
    connected = client_of(host, world.devices[0].address)
    await connected.connect(pair=False)
    return connected


async def test_services_with_cccd_and_mtu(client: BumbleBleakClient) -> None:
    assert client.services is not None
    assert SERVICE in [service.uuid for service in client.services]
    notify = client.services.get_characteristic(NOTIFY)
    assert notify is not None
    assert notify.properties == ["notify"]
    assert [one.uuid for one in notify.descriptors] == [CCCD]
    assert client.mtu_size == 247
    assert notify.max_write_without_response_size == 244


@pytest.mark.parametrize("response", [True, False])
async def test_write_and_notify(client: BumbleBleakClient, peripheral: Peripheral, response: bool) -> None:
    assert client.services is not None
    write, notify = client.services.get_characteristic(WRITE), client.services.get_characteristic(NOTIFY)
    assert write is not None
    assert notify is not None
    notified: list[bytearray] = []
    await client.start_notify(notify, notified.append)
    largest = bytes(range(244))
    await client.write_gatt_char(write, largest, response)
    await until(lambda: len(notified) == 1)
    await client.stop_notify(notify)
    await client.write_gatt_char(write, b"unheard", True)
    assert peripheral.written == [largest, b"unheard"]
    assert notified == [largest[::-1]]


async def test_read_and_refused_read(client: BumbleBleakClient) -> None:
    assert client.services is not None
    write, notify = client.services.get_characteristic(WRITE), client.services.get_characteristic(NOTIFY)
    assert write is not None
    assert notify is not None
    assert await client.read_gatt_char(write) == b"readable"
    assert await client.read_gatt_descriptor(notify.descriptors[0]) == b"\0\0"
    refusing = client.services.get_characteristic(REFUSING)
    assert refusing is not None
    with pytest.raises(BleakError, match="READ_NOT_PERMITTED"):
        await client.read_gatt_char(refusing)


async def test_write_command_that_does_not_fit_is_refused(client: BumbleBleakClient) -> None:
    assert client.services is not None
    write = client.services.get_characteristic(WRITE)
    assert write is not None
    with pytest.raises(BleakError, match="245 bytes do not fit"):
        await client.write_gatt_char(write, bytes(245), False)


async def test_disconnect_by_either_side_tells_once(world: World, host: ScannerHost, peripheral: Peripheral) -> None:
    told: list[int] = []
    client = client_of(host, world.devices[0].address, lambda: told.append(1))
    await client.connect(pair=False)
    await client.disconnect()
    await client.disconnect()
    await client.connect(pair=False)
    (connection,) = peripheral.device.connections.values()
    await connection.disconnect()
    await until(lambda: not client.is_connected)
    assert told == [1, 1]
    assert host.free_slots == SLOTS
    with pytest.raises(BleakError, match="not connected"):
        await client.read_gatt_char(None)  # type: ignore[arg-type]  # refused before it is looked at


async def test_connection_lost_under_a_write_is_an_error(world: World, client: BumbleBleakClient) -> None:
    assert client.services is not None
    write = client.services.get_characteristic(WRITE)
    assert write is not None
    writing = asyncio.ensure_future(client.write_gatt_char(write, b"x", True))
    await asyncio.sleep(0)
    world.devices[0].cut()
    with pytest.raises(BleakError, match="disconnected"):
        await writing


async def test_nobody_there_times_out_and_leaves_nothing(world: World, host: ScannerHost, peripheral: Peripheral) -> None:
    client = client_of(host, world.devices[1].address)
    with pytest.raises(TimeoutError):
        await client.connect(pair=False, timeout=0.1)
    assert host.free_slots == SLOTS
    await client_of(host, world.devices[0].address).connect(pair=False)
    assert host.peers == [world.devices[0].address]
    assert host.free_slots == SLOTS - 1


@pytest.mark.parametrize("wait", [0, 0.001, 0.005, 0.02, 0.05])
async def test_cancelled_connect_leaves_nothing(world: World, host: ScannerHost, peripheral: Peripheral, wait: float) -> None:
    client = client_of(host, world.devices[0].address)
    attempt = asyncio.ensure_future(client.connect(pair=False))
    await asyncio.sleep(wait)
    attempt.cancel()
    await asyncio.wait({attempt})
    await client.disconnect()  # does nothing unless it was faster than the cancelling
    await until(lambda: host.free_slots == SLOTS and not peripheral.device.connections)
    await client.connect(pair=False)
    assert host.peers == [world.devices[0].address]


async def test_scanning_goes_on_while_connected(world: World, client: BumbleBleakClient, start_peripheral: StartPeripheral) -> None:
    await (await start_peripheral(world.devices[1])).advertise()
    before = world.scanners[0].station.statistics.received
    await until(lambda: world.scanners[0].station.statistics.received >= before + 3)
    assert client.is_connected


async def test_two_centrals_want_one_device_and_one_gets_it(
    world: World, host: ScannerHost, peripheral: Peripheral, start_host: StartHost
) -> None:
    other = await start_host(world.scanners[1], [])
    clients = [client_of(one, world.devices[0].address) for one in (host, other)]
    await asyncio.gather(*(one.connect(pair=False, timeout=2.0) for one in clients), return_exceptions=True)
    assert [one.is_connected for one in clients].count(True) >= 1
    for one in clients:
        await one.disconnect()
    assert host.free_slots == other.free_slots == SLOTS


def silence(peripheral: Peripheral, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a device answer no request for its services: a discovery is under way until the link ends."""
    monkeypatch.setattr(peripheral.device.gatt_server, "on_gatt_pdu", lambda _connection, _pdu: None)


async def test_connection_lost_during_discovery_is_an_error(
    world: World, host: ScannerHost, peripheral: Peripheral, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence(peripheral, monkeypatch)
    client = client_of(host, world.devices[0].address)
    connecting = asyncio.ensure_future(client.connect(pair=False))
    await until(lambda: client.is_connected)
    world.devices[0].cut()
    with pytest.raises(BleakError, match="disconnected"):
        await connecting
    assert host.free_slots == SLOTS


async def test_cancelled_discovery_disconnects(
    world: World, host: ScannerHost, peripheral: Peripheral, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence(peripheral, monkeypatch)
    client = client_of(host, world.devices[0].address)
    connecting = asyncio.ensure_future(client.connect(pair=False))
    await until(lambda: client.is_connected)
    connecting.cancel()
    await asyncio.wait({connecting})
    assert connecting.cancelled()
    assert host.free_slots == SLOTS
    await until(lambda: not peripheral.device.connections)


async def test_more_devices_than_slots_and_radio_that_goes(world: World, host: ScannerHost, start_peripheral: StartPeripheral) -> None:
    clients = []
    for radio in world.devices:
        await (await start_peripheral(radio)).advertise()
        clients.append(client_of(host, radio.address))
        await clients[-1].connect(pair=False)
    assert host.free_slots == 0
    waiting = asyncio.ensure_future(client_of(host, "D0:00:00:00:00:01").connect(pair=False))
    await asyncio.sleep(0.02)
    await world.scanners[0].port.close()
    with pytest.raises(BleakError, match="cannot connect: the radio is gone"):
        await waiting
    assert [one.is_connected for one in clients] == [False] * 3
    with pytest.raises(BleakError, match="cannot connect: the radio is gone"):
        await clients[0].connect(pair=False)
    assert host.free_slots == SLOTS


async def test_what_it_refuses(client: BumbleBleakClient) -> None:
    with pytest.raises(BleakError, match="already connected"):
        await client.connect(pair=False)
    with pytest.raises(BleakError, match="no Bluetooth pairing"):
        await client.pair()
    with pytest.raises(BleakError, match="no Bluetooth pairing"):
        await client.unpair()


async def test_cccd_written_by_hand(client: BumbleBleakClient) -> None:
    assert client.services is not None
    notify = client.services.get_characteristic(NOTIFY)
    assert notify is not None
    await client.write_gatt_descriptor(notify.descriptors[0], b"\1\0")
    assert await client.read_gatt_descriptor(notify.descriptors[0]) == b"\1\0"
    assert client.name == client.address
