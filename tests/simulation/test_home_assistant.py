"""Home Assistant's own bluetooth integration on the virtual radio; only what needs an operating system's adapter is replaced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from pathlib import Path
from unittest.mock import patch

from bleak import BleakClient
from bleak.backends.device import BLEDevice
import bleak_retry_connector
from homeassistant.components import bluetooth
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
import pytest

import custom_components
from custom_components.self_secure.transport.gatt import GattLink
from custom_components.self_secure.transport.link import LinkError, LinkErrorKind
from simulation.host import SLOTS
from simulation.radio import Radio
from simulation.scanner import VirtualScanner
from simulation.world import Plan, World

from .conftest import BEACON, NOTIFY, WRITE, OpenWorld, StartPeripheral, until

SIMULATION = Path(__file__).parents[2] / "simulation"

type SetUp = Callable[[list[Radio], str], Awaitable[None]]


@pytest.fixture
async def set_up(
    hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch, enable_custom_integrations: None, open_world: OpenWorld
) -> AsyncIterator[SetUp]:
    """Set up bluetooth and the world's scanners from YAML, as in a configuration directory."""
    monkeypatch.setattr(custom_components, "__path__", [*custom_components.__path__, str(SIMULATION)])

    async def run(radios: list[Radio], mode: str) -> None:
        scanners = [{"source": one.address, "port": one.port.port, "name": one.name, "mode": mode} for one in radios]
        assert await async_setup_component(hass, "virtual_radio", {"virtual_radio": {"scanners": scanners}})
        await until(lambda: bluetooth.async_scanner_count(hass) == len(scanners))

    with (
        patch("habluetooth.manager.MGMTBluetoothCtl.setup", side_effect=OSError),
        patch("bluetooth_adapters.systems.linux.LinuxAdapters.refresh"),
    ):
        yield run
        await hass.async_stop(force=True)


async def connect(device: BLEDevice) -> BleakClient:
    # looked up here: Bluetooth's manager exchanges the names when it is set up
    return await bleak_retry_connector.establish_connection(bleak_retry_connector.BleakClientWithServiceCache, device, "device")


def free_slots(scanners: Iterable[object]) -> int:
    return sum(one.get_allocations().free for one in scanners if isinstance(one, VirtualScanner))


async def test_every_packet_of_both_scanners_arrives(
    hass: HomeAssistant, set_up: SetUp, open_world: OpenWorld, start_peripheral: StartPeripheral
) -> None:
    world = await open_world(Plan(loss=0.3))
    await set_up(world.scanners, "passive")
    heard: list[tuple[str, bytes | None]] = []
    cancel = bluetooth.async_register_advertisement_callback(
        hass, lambda info: heard.append((info.source, info.raw)), world.devices[0].address
    )
    await (await start_peripheral(world.devices[0])).advertise()
    stations = [radio.station.statistics for radio in world.scanners]
    await until(lambda: world.devices[0].station.statistics.sent >= 30)
    for radio in world.devices:
        radio.vanish()
    # what is in the sockets arrives, and no more than that
    await until(lambda: len(heard) >= sum(one.received for one in stations))
    cancel()
    sources = [source for source, _ in heard]
    assert [sources.count(radio.address) for radio in world.scanners] == [one.received for one in stations]
    assert {raw for _, raw in heard} == {BEACON}
    assert all(one.lost for one in stations)


@pytest.mark.parametrize("index", [0, 1])
async def test_connection_through_each_scanner(
    hass: HomeAssistant, set_up: SetUp, world: World, start_peripheral: StartPeripheral, index: int
) -> None:
    await set_up([world.scanners[index]], "active")
    peripheral = await start_peripheral(world.devices[0])
    await peripheral.advertise(BEACON, b"\x07\x09Device")
    address = world.devices[0].address
    await until(lambda: getattr(bluetooth.async_ble_device_from_address(hass, address), "name", None) == "Device")
    device = bluetooth.async_ble_device_from_address(hass, address)
    assert device is not None
    client = await connect(device)
    scanner = bluetooth.async_scanner_by_source(hass, world.scanners[index].address)
    assert isinstance(scanner, VirtualScanner)
    assert (scanner.get_allocations().free, scanner.get_allocations().allocated) == (SLOTS - 1, [address])
    assert scanner.scanning
    notified: list[bytes] = []
    await client.start_notify(NOTIFY, lambda _sender, data: notified.append(bytes(data)))
    await client.write_gatt_char(WRITE, b"12", response=True)
    await until(lambda: notified == [b"21"])
    await client.disconnect()
    assert scanner.get_allocations().free == SLOTS


async def test_device_that_is_silent_leaves_no_slot_taken(
    hass: HomeAssistant, set_up: SetUp, world: World, start_peripheral: StartPeripheral
) -> None:
    await set_up(world.scanners, "passive")
    peripheral = await start_peripheral(world.devices[0])
    await peripheral.advertise()
    address = world.devices[0].address
    await until(lambda: bluetooth.async_ble_device_from_address(hass, address) is not None)
    device = bluetooth.async_ble_device_from_address(hass, address)
    assert device is not None
    world.devices[0].vanish()
    connecting = asyncio.ensure_future(connect(device))
    scanners = [bluetooth.async_scanner_by_source(hass, radio.address) for radio in world.scanners]
    await until(lambda: free_slots(scanners) == 2 * SLOTS - 1)
    connecting.cancel()
    await asyncio.wait({connecting})
    assert free_slots(scanners) == 2 * SLOTS


async def test_device_without_our_characteristics_is_no_device_of_ours(
    hass: HomeAssistant, set_up: SetUp, world: World, start_peripheral: StartPeripheral
) -> None:
    await set_up(world.scanners, "passive")
    peripheral = await start_peripheral(world.devices[0])
    await peripheral.advertise()
    address = world.devices[0].address
    await until(lambda: bluetooth.async_ble_device_from_address(hass, address) is not None)
    found = lambda: bluetooth.async_ble_device_from_address(hass, address)  # noqa: E731  # one line, used once
    link = GattLink(found, "peripheral")
    assert await link.open(lambda _: None, lambda: None) == 244
    await link.close()
    await until(lambda: not peripheral.device.connections)
    peripheral.device.gatt_server.attributes.clear()
    await peripheral.advertise()
    with pytest.raises(LinkError) as caught:
        await link.open(lambda _: None, lambda: None)
    assert caught.value.kind is LinkErrorKind.UNSUPPORTED


async def test_radio_that_comes_late_or_goes_is_taken_up_again(
    hass: HomeAssistant, set_up: SetUp, open_world: OpenWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    world = await open_world(Plan(scanners=1))
    radio = world.scanners[0]
    await radio.port.close()
    scanner = {"source": radio.address, "port": radio.port.port, "name": radio.name}
    monkeypatch.setattr("custom_components.virtual_radio.FIRST_WAIT", 0.05)
    assert await async_setup_component(hass, "virtual_radio", {"virtual_radio": {"scanners": [scanner]}})
    await until(lambda: caplog.text.count("does not answer") == 1)
    await radio.port.open(radio.port.port)
    await until(lambda: bluetooth.async_scanner_count(hass) == 1)
    await radio.port.close()
    await until(lambda: bluetooth.async_scanner_count(hass) == 0)
    await radio.port.open(radio.port.port)
    await until(lambda: bluetooth.async_scanner_count(hass) == 1)
    assert caplog.text.count("does not answer") <= 2


async def test_active_window_of_an_automatic_scanner(
    hass: HomeAssistant, set_up: SetUp, open_world: OpenWorld, start_peripheral: StartPeripheral
) -> None:
    world = await open_world(Plan(scanners=1, loss=0))
    await set_up(world.scanners, "auto")
    await (await start_peripheral(world.devices[0])).advertise(BEACON, b"\x07\x09Device")
    scanner = bluetooth.async_scanner_by_source(hass, world.scanners[0].address)
    assert isinstance(scanner, VirtualScanner)
    raws: list[bytes | None] = []
    cancel = bluetooth.async_register_advertisement_callback(hass, lambda info: raws.append(info.raw), world.devices[0].address)
    await until(lambda: len(raws) >= 3)
    assert set(raws) == {BEACON}
    assert await scanner.async_request_active_window(0.1)
    assert b"\x07\x09Device" in raws
    raws.clear()
    await until(lambda: len(raws) >= 3)
    assert set(raws) == {BEACON}
    cancel()


async def test_scanners_that_are_changed(
    hass: HomeAssistant, set_up: SetUp, open_world: OpenWorld, start_peripheral: StartPeripheral
) -> None:
    world = await open_world(Plan(loss=0))
    await set_up(world.scanners, "passive")
    await (await start_peripheral(world.devices[0])).advertise()

    async def change(**what: object) -> None:
        await hass.services.async_call("virtual_radio", "change", what, blocking=True)

    def counts() -> tuple[int, int]:
        return bluetooth.async_scanner_count(hass, connectable=True), bluetooth.async_scanner_count(hass, connectable=False)

    await change(connectable=False, source=world.scanners[0].address)
    await until(lambda: counts() == (1, 2))
    await change(plugged=False, source=world.scanners[1].address)
    await until(lambda: counts() == (0, 1))
    heard: list[str] = []
    cancel = bluetooth.async_register_advertisement_callback(hass, lambda info: heard.append(info.source), world.devices[0].address)
    await until(lambda: len(heard) >= 3)
    cancel()
    assert set(heard) == {world.scanners[0].address}  # it still listens
    await change(connectable=True, plugged=True, occupied=2)
    await until(lambda: counts() == (2, 2))
    assert free_slots(bluetooth.async_current_scanners(hass)) == 2
