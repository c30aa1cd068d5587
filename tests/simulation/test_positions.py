"""Who hears whom follows from the places: advertisements, connections, Eve; moved and switched while everything runs."""

import asyncio
import json
from typing import Any

from bleak.exc import BleakError
from bumble import hci
import pytest

from simulation.bleak_client import BumbleBleakClient
from simulation.control import ControlServer
from simulation.floor_plan import FloorPlan, Kind, Spot
from simulation.host import SLOTS, Report, ScannerHost
from simulation.places import Place
from simulation.world import Plan, World

from .conftest import NOTIFY, SUPERVISION_TIMEOUT, WRITE, OpenWorld, Peripheral, StartHost, StartPeripheral, until

TIMED_OUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR
REACH = 10.0
PATIENT = 1.0
"""Seconds of supervision where something has to happen in time, also on a busy machine."""
NEAR, FAR, FARTHER = Place(1.0, 0.0), Place(15.0, 0.0), Place(500.0, 0.0)


def plan(timeout: float = SUPERVISION_TIMEOUT, **devices: Place) -> Plan:
    """A scanner in the hall, and Eve near to it."""
    spots = [Spot(Kind.SCANNER, "hall", Place(0.0, 0.0)), *(Spot(Kind.DEVICE, name, place) for name, place in devices.items())]
    return Plan(loss=0, eve_loss=0, floor=FloorPlan(tuple(spots), NEAR, REACH), supervision_timeout=timeout)


def ask(world: World, command: str, **fields: object) -> dict[str, Any]:
    return ControlServer(world).answer(json.dumps({"command": command, **fields}).encode())


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


# Without a reach nothing has changed


@pytest.mark.parametrize(
    ("receiver", "advertisements", "responses"),
    [
        ("scanner-1", "001001100001011011110010000000000110000101101100", "010001010000001101100110"),
        ("device-3", "110011011011000001010011011001011111100000110001", "000000111001010100110001"),
    ],
)
async def test_seeds_keep_their_losses(open_world: OpenWorld, receiver: str, advertisements: str, responses: str) -> None:
    (station,) = (await open_world(Plan(loss=0.4, burst=2.0, seed=11))).stations(receiver)
    assert "".join("01"[station.loses("device-2")] for _ in advertisements) == advertisements
    assert "".join("01"[station.loses("device-2", response=True)] for _ in responses) == responses


async def test_without_a_reach_everybody_hears_everybody(open_world: OpenWorld) -> None:
    world = await open_world(Plan())
    world.move("device-1", FARTHER)
    told = ask(world, "statistics")["stations"]
    everyone = ["scanner-1", "scanner-2", "device-1", "device-2", "device-3"]
    assert {name: one["hears"] for name, one in told.items()} == {
        name: [other for other in everyone if other != name] for name in (*everyone, "eve")
    }
    assert ask(world, "describe")["reach"] is None


# Advertisements


async def test_distance_loses_in_addition_to_the_plan(
    open_world: OpenWorld, start_peripheral: StartPeripheral, start_host: StartHost
) -> None:
    shares = []
    for reach in (1000.0, REACH):
        world = await open_world(Plan(scanners=1, devices=1, loss=0.2, reach=reach))
        world.move("device-1", Place(9.0, 0.0))
        await (await start_host(world.scanners[0], [])).scan(active=False)
        await (await start_peripheral(world.devices[0])).advertise()
        await until(lambda sender=world.devices[0].station.statistics: sender.sent >= 60)  # type: ignore[misc]  # bound at once
        counted = world.scanners[0].station.statistics
        assert counted.received + counted.lost == world.devices[0].station.statistics.sent
        shares.append(counted.lost / world.devices[0].station.statistics.sent)
        world.devices[0].vanish()
    assert shares[0] + 0.1 < shares[1] < 0.75


async def test_what_is_out_of_reach_is_neither_heard_nor_counted_as_lost(
    open_world: OpenWorld, start_peripheral: StartPeripheral, start_host: StartHost
) -> None:
    world = await open_world(plan(lamp=FAR, buoy=FARTHER))
    reports: list[Report] = []
    await (await start_host(world.scanners[0], reports)).scan(active=False)
    await (await start_host(world.devices[1], [])).scan(active=False)
    await (await start_peripheral(world.devices[0])).advertise()
    await until(lambda: world.devices[0].station.statistics.sent >= 4)
    assert (reports, world.eve.count) == ([], 0)
    assert [(one.statistics.received, one.statistics.lost) for one in world.stations()] == [(0, 0)] * 4
    assert ask(world, "move", name="lamp", x=1, y=0) == {"ok": True}
    await until(lambda: len(reports) >= 4 and world.eve.count >= 4)
    told = ask(world, "statistics")["stations"]
    assert (told["hall"]["hears"], told["eve"]["hears"]) == (["lamp"], ["hall", "lamp"])
    assert told["hall"]["received_from"] == {"lamp": told["hall"]["received"]}
    assert (told["buoy"]["hears"], told["buoy"]["received_from"]) == ([], {})


async def test_strength_falls_to_the_sensitivity_at_the_reach(
    open_world: OpenWorld, start_peripheral: StartPeripheral, start_host: StartHost
) -> None:
    world = await open_world(plan(lamp=Place(REACH, 0.0)))
    reports: list[Report] = []
    await (await start_host(world.scanners[0], reports)).scan(active=False)
    await (await start_peripheral(world.devices[0])).advertise()
    await until(lambda: len(reports) >= 1)
    assert {one.rssi for one in reports} == {-93}


async def test_eve_is_moved_and_switched_like_everybody(near: World, peripheral: Peripheral) -> None:
    await until(lambda: near.eve.count >= 2)
    ask(near, "move", name="eve", x=FARTHER.x, y=0)
    before, sent = near.eve.count, near.devices[0].station.statistics.sent
    await until(lambda: near.devices[0].station.statistics.sent >= sent + 3)
    assert near.eve.count == before
    assert ask(near, "describe")["eve_place"] == {"x": FARTHER.x, "y": 0.0}
    ask(near, "move", name="eve", x=0, y=0)
    ask(near, "off", name="eve")
    sent = near.devices[0].station.statistics.sent
    await until(lambda: near.devices[0].station.statistics.sent >= sent + 3)
    assert near.eve.count == before


async def test_switched_off_it_neither_sends_nor_hears(near: World, peripheral: Peripheral, host: ScannerHost) -> None:
    heard, sent = near.scanners[0].station.statistics, near.devices[0].station.statistics
    await until(lambda: heard.received >= 2)
    assert ask(near, "off", name=near.devices[0].address) == {"ok": True}
    assert ask(near, "describe")["devices"][0]["on"] is False
    before = (heard.received, sent.sent)
    await asyncio.sleep(0.1)
    assert (heard.received, sent.sent) == before
    ask(near, "on", name="lamp")
    await until(lambda: heard.received >= before[0] + 2)
    ask(near, "off", name="hall")
    before = (heard.received, sent.sent)
    await until(lambda: sent.sent >= before[1] + 3)
    assert heard.received == before[0]


# Connections


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


# The control port, and homes


@pytest.mark.parametrize(
    ("command", "fields", "error"),
    [
        ("move", {"name": "nobody", "x": 0, "y": 0}, "nobody"),
        ("move", {"name": "lamp", "x": 0}, "KeyError: 'y'"),
        ("move", {"x": 0, "y": 0}, "KeyError: 'name'"),
        ("move", {"name": "lamp", "x": "far", "y": 0}, "ValueError"),
        ("move", {"name": "lamp", "x": None, "y": 0}, "TypeError"),
        ("move", {"name": "lamp", "x": float("nan"), "y": 0}, "finite coordinates"),
        ("off", {"name": "nobody"}, "nobody"),
        ("on", {}, "KeyError"),
    ],
)
async def test_refused_command_moves_nothing(near: World, command: str, fields: dict[str, object], error: str) -> None:
    before = near.statistics()
    answer = ask(near, command, **fields)
    assert answer["ok"] is False
    assert error in answer["error"]
    assert near.statistics() == before


async def test_two_homes_with_24_devices(open_world: OpenWorld) -> None:
    scanners = [Spot(Kind.SCANNER, f"home {home} scanner {i}", Place(40.0 * home, 5.0 * i), home) for home in (1, 2) for i in range(3)]
    devices = [Spot(Kind.DEVICE, f"device {i}", Place(40.0 + 40.0 * (i % 2), i / 2)) for i in range(24)]
    world = await open_world(Plan(floor=FloorPlan((*scanners, *devices), reach=20.0)))
    told = ask(world, "describe")
    assert [(one["home"], [scanner["name"] for scanner in one["scanners"]]) for one in told["homes"]] == [
        (home, [f"home {home} scanner {i}" for i in range(3)]) for home in (1, 2)
    ]
    assert [one for home in told["homes"] for one in home["scanners"]] == told["scanners"]
    assert [one["place"] for one in told["devices"]] == [spot.place.encode() for spot in devices]
    assert len({one["port"] for one in (*told["scanners"], *told["devices"])}) == 30
    heard = ask(world, "statistics")["stations"]
    assert [len([name for name in heard[spot.name]["hears"] if name.startswith("device")]) for spot in scanners] == [12] * 6
