"""Who hears whom follows from the places: advertisements and Eve; moved and switched while everything runs; homes."""

import asyncio

import pytest

from simulation.floor_plan import FloorPlan, Kind, Spot
from simulation.host import Report, ScannerHost
from simulation.places import Place
from simulation.world import Plan, World

from .conftest import OpenWorld, Peripheral, StartHost, StartPeripheral, until
from .hall import FAR, FARTHER, NEAR, REACH, ask, plan


@pytest.fixture
async def near(open_world: OpenWorld) -> World:
    """A scanner, and a device beside it."""
    return await open_world(plan(lamp=NEAR))


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
