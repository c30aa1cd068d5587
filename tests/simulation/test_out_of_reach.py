"""Connections whose ends come out of reach of each other, for good or for a moment; and attempts to connect out of reach."""

import asyncio

from bleak.exc import BleakError
from bumble import hci
import pytest

from simulation.bleak_client import BumbleBleakClient
from simulation.host import SLOTS, ScannerHost
from simulation.world import World

from .conftest import NOTIFY, SUPERVISION_TIMEOUT, WRITE, OpenWorld, Peripheral, StartHost, StartPeripheral, until
from .hall import FAR, FARTHER, NEAR, ask, plan

TIMED_OUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
PATIENT = 1.0
"""Seconds of supervision where something has to happen in time, also on a busy machine."""


@pytest.fixture
async def near(open_world: OpenWorld, request: pytest.FixtureRequest) -> World:
    """A scanner, and a device beside it; a parameter is the supervision timeout."""
    return await open_world(plan(getattr(request, "param", SUPERVISION_TIMEOUT), lamp=NEAR))


@pytest.fixture
async def peripheral(near: World, start_peripheral: StartPeripheral) -> Peripheral:
    started = await start_peripheral(near.devices[0])
    await started.advertise()
    return started


@pytest.fixture
async def host(near: World, start_host: StartHost) -> ScannerHost:
    opened = await start_host(near.scanners[0], [])
    await opened.scan(active=False)
    return opened


@pytest.fixture
async def client(near: World, host: ScannerHost, peripheral: Peripheral) -> BumbleBleakClient:
    connected = client_of(host, near)
    await connected.connect(pair=False)
    return connected


def client_of(host: ScannerHost, world: World) -> BumbleBleakClient:
    made = BumbleBleakClient(host, world.devices[0].address, timeout=2.0)
    made._peer_address = hci.Address(world.devices[0].address, hci.Address.PUBLIC_DEVICE_ADDRESS)
    return made


@pytest.mark.parametrize(
    ("command", "fields"), [("move", {"name": "lamp", "x": 15, "y": 0}), ("off", {"name": "lamp"}), ("off", {"name": "hall"})]
)
async def test_connection_out_of_reach_times_out_at_both_ends(
    near: World, client: BumbleBleakClient, peripheral: Peripheral, host: ScannerHost, command: str, fields: dict[str, object]
) -> None:
    loop = asyncio.get_running_loop()
    begin = loop.time()
    assert ask(near, command, **fields) == {"ok": True}
    assert client.is_connected
    await until(lambda: not client.is_connected and peripheral.reasons == [TIMED_OUT])
    assert SUPERVISION_TIMEOUT * 0.9 <= loop.time() - begin < SUPERVISION_TIMEOUT + 1.0
    assert (host.free_slots, peripheral.device.connections) == (SLOTS, {})


@pytest.mark.parametrize("near", [PATIENT], indirect=True)
async def test_back_in_time_nothing_is_lost_and_the_order_is_kept(near: World, client: BumbleBleakClient, peripheral: Peripheral) -> None:
    assert client.services is not None
    write, notify = client.services.get_characteristic(WRITE), client.services.get_characteristic(NOTIFY)
    assert write is not None
    assert notify is not None
    notified: list[bytearray] = []
    await client.start_notify(notify, notified.append)
    near.move("lamp", FAR)
    values = [bytes([number, 0]) for number in range(20)]
    for value in values:
        await client.write_gatt_char(write, value, response=False)
    await asyncio.sleep(0.05)
    assert peripheral.written == []
    near.move("lamp", NEAR)
    await until(lambda: len(notified) == 20)
    await asyncio.sleep(PATIENT)
    assert peripheral.written == values
    assert [bytes(one) for one in notified] == [value[::-1] for value in values]
    assert (client.is_connected, peripheral.reasons) == (True, [])


async def test_moves_while_out_of_reach_do_not_prolong_the_timeout(near: World, client: BumbleBleakClient) -> None:
    begin = asyncio.get_running_loop().time()
    while client.is_connected:
        near.move("lamp", FAR)
        near.move("lamp", FARTHER)
        await asyncio.sleep(0.01)
    assert asyncio.get_running_loop().time() - begin < SUPERVISION_TIMEOUT + 1.0


async def test_what_waited_for_a_cut_connection_reaches_nobody(
    near: World, client: BumbleBleakClient, peripheral: Peripheral, host: ScannerHost
) -> None:
    assert client.services is not None
    write = client.services.get_characteristic(WRITE)
    assert write is not None
    near.move("lamp", FAR)
    await client.write_gatt_char(write, b"old", response=False)
    await asyncio.sleep(0.02)
    near.devices[0].cut()
    await until(lambda: not client.is_connected)
    near.move("lamp", NEAR)
    again = client_of(host, near)
    await again.connect(pair=False)
    assert peripheral.written == []
    await asyncio.sleep(2 * SUPERVISION_TIMEOUT)
    assert again.is_connected


async def test_hanging_up_out_of_reach_ends_the_other_side_by_its_timeout(
    near: World, client: BumbleBleakClient, peripheral: Peripheral
) -> None:
    near.switch("lamp", on=False)
    await client.disconnect()
    assert peripheral.reasons == []
    await until(lambda: peripheral.reasons == [TIMED_OUT])


@pytest.mark.parametrize("near", [PATIENT], indirect=True)
async def test_hanging_up_out_of_reach_is_told_when_back_in_time(near: World, client: BumbleBleakClient, peripheral: Peripheral) -> None:
    near.switch("lamp", on=False)
    await client.disconnect()
    near.switch("lamp", on=True)
    await until(lambda: len(peripheral.reasons) == 1)
    assert peripheral.reasons != [TIMED_OUT]


async def test_host_that_dies_out_of_reach_leaves_one_timeout(
    near: World, client: BumbleBleakClient, peripheral: Peripheral, host: ScannerHost
) -> None:
    near.move("lamp", FAR)
    await near.scanners[0].port.close()
    near.move("lamp", NEAR)
    await until(lambda: peripheral.reasons == [TIMED_OUT])
    await asyncio.sleep(2 * SUPERVISION_TIMEOUT)
    assert peripheral.reasons == [TIMED_OUT]


async def test_connect_out_of_reach_times_out_and_succeeds_when_it_comes_near(
    near: World, host: ScannerHost, peripheral: Peripheral
) -> None:
    near.move("lamp", FAR)
    with pytest.raises(TimeoutError):
        await client_of(host, near).connect(pair=False, timeout=0.15)
    assert (host.free_slots, peripheral.device.connections) == (SLOTS, {})
    waiting = asyncio.ensure_future(client_of(host, near).connect(pair=False))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    near.move("lamp", NEAR)
    await waiting
    assert len(peripheral.device.connections) == 1


async def test_connect_indication_that_comes_too_late_fails_to_establish(
    near: World, host: ScannerHost, peripheral: Peripheral, monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = near.scanners[0].controller
    assert controller is not None
    create = controller.create_le_connection

    def walk_away(address: hci.Address) -> None:
        create(address)
        near.move("lamp", FAR)

    monkeypatch.setattr(controller, "create_le_connection", walk_away)
    with pytest.raises(BleakError, match=r"failed to be established|disconnected"):
        await client_of(host, near).connect(pair=False)
    assert (host.free_slots, peripheral.device.connections) == (SLOTS, {})
