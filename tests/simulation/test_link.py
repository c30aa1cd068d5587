import asyncio

from bumble import hci
import pytest

from simulation.advertising import LATE_EVENTS, MIN_INTERVAL, Floor
from simulation.host import Report
from simulation.places import Place, rssi
from simulation.world import Plan, World

from .conftest import BEACON, PATIENCE, OpenWorld, StartHost, StartPeripheral, until


async def test_every_packet_arrives_once_and_nothing_is_a_false_scan_response(
    world: World, start_peripheral: StartPeripheral, start_host: StartHost
) -> None:
    reports: list[Report] = []
    host = await start_host(world.scanners[0], reports)
    await host.scan(active=True)
    await (await start_peripheral(world.devices[0])).advertise()
    await until(lambda: len(reports) >= 8)
    sent = world.devices[0].station.statistics.sent
    assert sent - 1 <= len(reports) <= sent  # one may still be on its way through the socket
    assert {bytes(one.data) for one in reports} == {BEACON}
    assert {one.event_type for one in reports} == {0b10011}  # legacy, connectable, scannable


@pytest.mark.parametrize(("active", "answers"), [(True, {BEACON, b"\x02\x09D"}), (False, {BEACON})])
async def test_scan_response_only_to_an_active_scanner(
    world: World, start_peripheral: StartPeripheral, start_host: StartHost, active: bool, answers: set[bytes]
) -> None:
    reports: list[Report] = []
    host = await start_host(world.scanners[0], reports)
    await host.scan(active=active)
    await (await start_peripheral(world.devices[0])).advertise(BEACON, b"\x02\x09D")
    await until(lambda: len(reports) >= 4)
    assert {bytes(one.data) for one in reports} == answers


async def test_strength_differs_by_sender_and_receiver(world: World, start_peripheral: StartPeripheral, start_host: StartHost) -> None:
    reports: list[list[Report]] = [[], []]
    for radio, received in zip(world.scanners, reports, strict=True):
        await (await start_host(radio, received)).scan(active=False)
    for radio in world.devices:
        await (await start_peripheral(radio)).advertise()
    await until(
        lambda: all({str(one.address) for one in received} == {f"{radio.address}/P" for radio in world.devices} for received in reports)
    )
    heard = [{(str(one.address), one.rssi) for one in received} for received in reports]
    assert [len(one) for one in heard] == [3, 3]
    assert not heard[0] & heard[1]


async def test_losses_repeat_exactly_per_receiver_and_sender(open_world: OpenWorld) -> None:
    plan = Plan(loss=0.4, seed=5)
    worlds = [await open_world(plan), await open_world(plan), await open_world(Plan(loss=0.4, seed=6))]
    patterns = [[one.scanners[i].station.loses("device-1") for _ in range(200)] for one in worlds for i in (0, 1)]
    assert patterns[0:2] == patterns[2:4]
    assert patterns[0] != patterns[1]
    assert patterns[0] != patterns[4]


async def test_other_senders_do_not_change_the_losses(open_world: OpenWorld) -> None:
    alone, beside = [(await open_world(Plan(loss=0.4))).scanners[0].station for _ in range(2)]
    assert [alone.loses("device-1") for _ in range(200)] == [
        beside.loses("device-1") for _ in range(200) if beside.loses("device-2") in (True, False)
    ]


async def test_loss_and_statistics_of_a_receiver(open_world: OpenWorld, start_peripheral: StartPeripheral, start_host: StartHost) -> None:
    world = await open_world(Plan(loss=0.5))
    world.set_loss(0, receiver="scanner-2")
    for radio in world.scanners:
        await (await start_host(radio, [])).scan(active=False)
    await (await start_peripheral(world.devices[0])).advertise()
    sender, lossy, clean = (one.statistics for one in (world.devices[0].station, world.scanners[0].station, world.scanners[1].station))
    await until(lambda: sender.sent >= 30)
    assert lossy.received + lossy.lost == sender.sent == clean.received
    assert lossy.lost > 5
    assert clean.lost == 0


async def test_more_than_31_bytes_and_less_than_20_ms_are_refused(world: World, start_peripheral: StartPeripheral) -> None:
    peripheral = await start_peripheral(world.devices[0])
    with pytest.raises(hci.HCI_Error, match="INVALID_COMMAND_PARAMETERS"):
        await peripheral.advertise(bytes(32))
    with pytest.raises(hci.HCI_Error, match="INVALID_COMMAND_PARAMETERS"):
        await peripheral.advertise(BEACON, bytes(32))
    with pytest.raises(hci.HCI_Error, match="INVALID_COMMAND_PARAMETERS"):
        await peripheral.advertise(interval_ms=19)
    await peripheral.advertise(bytes(31), bytes(31), interval_ms=20)


async def test_restarts_cannot_break_the_floor(world: World, start_peripheral: StartPeripheral, start_host: StartHost) -> None:
    await (await start_host(world.scanners[0], [])).scan(active=False)
    peripheral = await start_peripheral(world.devices[0])
    await peripheral.advertise()
    (one,) = peripheral.device.extended_advertising_sets.values()
    begin = asyncio.get_running_loop().time()
    for _ in range(40):
        await one.stop()
        await one.start()
    statistics = world.devices[0].station.statistics
    allowed = (asyncio.get_running_loop().time() - begin) / MIN_INTERVAL + LATE_EVENTS + 1
    assert statistics.sent <= allowed
    assert statistics.too_fast > 0


def test_floor_lets_late_timers_catch_up_but_no_faster_on_average() -> None:
    floor = Floor()
    now = 100.0
    assert [floor.allows(now) for _ in range(LATE_EVENTS + 1)] == [True] * LATE_EVENTS + [False]
    assert [floor.allows(now + 1.0 + k * MIN_INTERVAL) for k in range(100)] == [True] * 100
    assert sum(floor.allows(now + 10.0 + k * 0.001) for k in range(1000)) == 1000 * 0.001 / MIN_INTERVAL + LATE_EVENTS - 1


async def test_limit_of_advertising_events_is_kept(world: World, start_peripheral: StartPeripheral) -> None:
    peripheral = await start_peripheral(world.devices[0])
    await peripheral.advertise()
    (one,) = peripheral.device.extended_advertising_sets.values()
    await one.stop()
    before = world.devices[0].station.statistics.sent
    ended = asyncio.Event()
    one.on(one.EVENT_TERMINATION, lambda _status: ended.set())
    await one.start(max_advertising_events=3)
    async with asyncio.timeout(PATIENCE):
        await ended.wait()
    assert world.devices[0].station.statistics.sent == before + 3


@pytest.mark.parametrize(("metres", "dbm"), [(0.01, -32), (1, -45), (10, -69), (1e6, -100)])
def test_strength_falls_with_distance(metres: float, dbm: int) -> None:
    assert rssi(Place(0, 0), Place(0, metres)) == dbm


async def test_eve_records_with_her_own_losses(open_world: OpenWorld, start_peripheral: StartPeripheral) -> None:
    world = await open_world(Plan(loss=0, eve_loss=0.5))
    await (await start_peripheral(world.devices[0])).advertise()
    statistics = world.devices[0].station.statistics
    await until(lambda: statistics.sent >= 30)
    assert 3 < world.eve.count < statistics.sent - 3
    assert world.eve.page(0, 2)[0]["data"] == BEACON.hex()
    assert len(world.eve.page(1, 2)) == 2
    assert world.eve.page(world.eve.count, 2) == []


def legacy_parameters(interval: int) -> hci.HCI_LE_Set_Advertising_Parameters_Command:
    return hci.HCI_LE_Set_Advertising_Parameters_Command(
        advertising_interval_min=interval,
        advertising_interval_max=interval,
        advertising_type=hci.HCI_LE_Set_Advertising_Parameters_Command.AdvertisingType.ADV_IND,
        own_address_type=hci.OwnAddressType.PUBLIC,
        peer_address_type=0,
        peer_address=hci.Address.ANY,
        advertising_channel_map=7,
        advertising_filter_policy=0,
    )


async def test_old_advertising_commands_keep_the_interval_and_the_floor(
    world: World, start_peripheral: StartPeripheral, start_host: StartHost
) -> None:
    reports: list[Report] = []
    await (await start_host(world.scanners[0], reports)).scan(active=False)
    host = (await start_peripheral(world.devices[0])).device.host
    with pytest.raises(hci.HCI_Error, match="INVALID_COMMAND_PARAMETERS"):
        await host.send_sync_command(legacy_parameters(0x1F))
    await host.send_sync_command(legacy_parameters(0x20))
    await host.send_sync_command(hci.HCI_LE_Set_Advertising_Data_Command(advertising_data=BEACON))
    begin = asyncio.get_running_loop().time()
    await host.send_sync_command(hci.HCI_LE_Set_Advertising_Enable_Command(advertising_enable=1))
    await until(lambda: len(reports) >= 6)
    assert {bytes(one.data) for one in reports} == {BEACON}
    assert asyncio.get_running_loop().time() - begin >= 5 * 0.020 * 0.9  # Bumble alone would take 0.032


async def test_advertising_that_is_not_legacy_is_refused(world: World, start_peripheral: StartPeripheral) -> None:
    device = (await start_peripheral(world.devices[0])).device
    with pytest.raises(hci.HCI_Error, match="INVALID_COMMAND_PARAMETERS"):
        await device.create_advertising_set(advertising_data=BEACON)


async def test_scanner_that_does_not_listen_counts_nothing(world: World, start_peripheral: StartPeripheral, start_host: StartHost) -> None:
    await start_host(world.scanners[0], [])
    await (await start_peripheral(world.devices[0])).advertise()
    await until(lambda: world.devices[0].station.statistics.sent >= 3)
    told = world.scanners[0].station.describe()
    assert [told[name] for name in ("sent", "too_fast", "received", "lost", "received_from")] == [0, 0, 0, 0, {}]
