"""Hosts that come, are replaced, die and come again; over TCP, in one process."""

import asyncio

from bumble import hci
from bumble.host import Host
from bumble.transport import open_transport
import pytest

from simulation.control import ControlServer
from simulation.host import Report
from simulation.world import World

from .conftest import PATIENCE, SUPERVISION_TIMEOUT, Peripheral, StartHost, StartPeripheral, make_peripheral, until

TIMED_OUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR


@pytest.fixture
async def peripheral(world: World, start_peripheral: StartPeripheral) -> Peripheral:
    started = await start_peripheral(world.devices[0])
    await started.advertise()
    return started


@pytest.fixture
def address(world: World) -> hci.Address:
    return hci.Address(world.devices[0].address, hci.Address.PUBLIC_DEVICE_ADDRESS)


async def test_new_host_replaces_the_old_one_with_a_clean_controller(
    world: World, peripheral: Peripheral, address: hci.Address, start_host: StartHost
) -> None:
    old_reports: list[Report] = []
    new_reports: list[Report] = []
    old = await start_host(world.scanners[0], old_reports)
    await old.scan(active=False)
    await until(lambda: len(old_reports) >= 2)
    await old.connect(address)
    new = await start_host(world.scanners[0], new_reports)
    await asyncio.wait_for(old.lost.wait(), PATIENCE)
    assert old.peers == []
    await asyncio.wait_for(peripheral.gone.wait(), PATIENCE)
    assert new_reports == []  # a clean controller does not scan
    await new.scan(active=False)
    await until(lambda: len(new_reports) >= 2)


async def test_reconnecting_before_the_timeout_drops_the_stale_connection_only(
    world: World, peripheral: Peripheral, address: hci.Address, start_host: StartHost
) -> None:
    await (await start_host(world.scanners[0], [])).connect(address)
    await peripheral.advertise()
    new = await start_host(world.scanners[0], [])
    await new.connect(address)
    assert peripheral.reasons == [TIMED_OUT]
    await asyncio.sleep(2 * SUPERVISION_TIMEOUT)
    assert len(peripheral.reasons) == len(peripheral.device.connections) == len(new.peers) == 1


async def test_dead_device_stops_advertising_and_its_links_drop(world: World, address: hci.Address, start_host: StartHost) -> None:
    reports: list[Report] = []
    host = await start_host(world.scanners[0], reports)
    await host.scan(active=False)
    async with await open_transport(f"tcp-client:127.0.0.1:{world.devices[0].port.port}") as transport:
        made = make_peripheral(Host(transport.source, transport.sink))
        await made.device.power_on()
        await made.advertise(auto_restart=False)
        await host.connect(address)
        await made.advertise(auto_restart=False)
    await until(lambda: host.peers == [])
    heard = len(reports)
    await asyncio.sleep(0.1)
    assert len(reports) == heard > 0


async def test_reset_disconnects_and_stops_everything(
    world: World, peripheral: Peripheral, address: hci.Address, start_host: StartHost
) -> None:
    reports: list[Report] = []
    host = await start_host(world.scanners[0], reports)
    await host.scan(active=False)
    await host.connect(address)
    await peripheral.advertise()
    await peripheral.device.host.reset()
    await until(lambda: host.peers == [])
    heard = len(reports)
    await asyncio.sleep(0.1)
    assert len(reports) == heard > 0


async def test_cut_ends_both_sides(world: World, peripheral: Peripheral, address: hci.Address, start_host: StartHost) -> None:
    host = await start_host(world.scanners[0], [])
    await host.connect(address)
    cut = b'{"command": "cut", "device": "device-1"}'
    assert ControlServer(world).answer(cut) == {"ok": True, "cut": 1}
    await until(lambda: host.peers == [] and peripheral.reasons == [TIMED_OUT])
    assert ControlServer(world).answer(cut) == {"ok": True, "cut": 0}
    assert ControlServer(world).answer(b'{"command": "cut", "device": "device-3"}') == {"ok": True, "cut": 0}
