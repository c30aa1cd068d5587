import asyncio
import contextlib

from bumble.transport.common import TransportSink
import pytest

from simulation.port import LOCALHOST, MAX_BACKLOG, ControllerPort
from simulation.world import Plan, World, device_address, scanner_address

from .conftest import PATIENCE, StartPeripheral, until

CHUNK = 1 << 16


class Controller:
    """Takes what a host sends, and remembers hosts."""

    def __init__(self) -> None:
        self.hosts: list[TransportSink] = []
        self.received: list[bytes] = []
        self.vanished = 0

    def arrived(self, host: TransportSink) -> TransportSink:
        self.hosts.append(host)
        return self

    def on_vanished(self) -> None:
        self.vanished += 1

    def on_packet(self, packet: bytes) -> None:
        self.received.append(packet)


async def open_port(controller: Controller) -> ControllerPort:
    port = ControllerPort(controller.arrived, controller.on_vanished)
    await port.open()
    return port


async def test_packets_go_both_ways_however_they_are_cut() -> None:
    controller = Controller()
    port = await open_port(controller)
    reader, writer = await asyncio.open_connection(LOCALHOST, port.port)
    for byte in bytes.fromhex("01030c0001091000"):  # HCI Reset, HCI Read BD_ADDR
        writer.write(bytes([byte]))
        await writer.drain()
    await until(lambda: len(controller.received) == 2)
    assert controller.received == [bytes.fromhex("01030c00"), bytes.fromhex("01091000")]
    controller.hosts[0].on_packet(b"answer")
    assert await reader.readexactly(6) == b"answer"
    writer.close()
    await until(lambda: controller.vanished == 1)
    controller.hosts[0].on_packet(b"too late")
    await port.close()
    assert controller.vanished == 1


async def test_host_that_does_not_read_is_dropped_at_the_bound() -> None:
    controller = Controller()
    port = await open_port(controller)
    _, writer = await asyncio.open_connection(LOCALHOST, port.port, limit=1)
    await until(lambda: len(controller.hosts) == 1)
    host = controller.hosts[0]
    writer.transport.pause_reading()  # type: ignore[attr-defined]  # a stream's transport reads, its annotation only writes
    for _ in range(200):
        host.on_packet(bytes(CHUNK))
    assert CHUNK * 200 > 8 * MAX_BACKLOG  # more than the system itself keeps
    await until(lambda: controller.vanished == 1)
    writer.close()
    await port.close()


@pytest.mark.parametrize("garbage", [b"\xff" * 100, b"GET / HTTP/1.1\r\n\r\n"], ids=["bytes", "http"])
async def test_garbage_closes_the_connection_and_the_next_host_is_served(garbage: bytes, caplog: pytest.LogCaptureFixture) -> None:
    controller = Controller()
    port = await open_port(controller)
    reader, writer = await asyncio.open_connection(LOCALHOST, port.port)
    writer.write(garbage)
    with contextlib.suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
    assert "this is not HCI" in caplog.text
    assert (controller.vanished, controller.received) == (1, [])
    _, writer = await asyncio.open_connection(LOCALHOST, port.port)
    writer.write(bytes.fromhex("01030c00"))
    await until(lambda: len(controller.received) == 1)
    writer.close()
    await port.close()


async def test_every_host_vanishes_once_when_replaced_or_closed() -> None:
    controller = Controller()
    port = await open_port(controller)
    writers = [(await asyncio.open_connection(LOCALHOST, port.port))[1] for _ in range(3)]
    await until(lambda: len(controller.hosts) == 3)
    assert controller.vanished == 2
    await port.close()
    assert controller.vanished == 3
    for writer in writers:
        writer.close()


async def test_taken_port_is_an_error_and_closes_the_world() -> None:
    async with World(Plan(scanners=1, devices=0)) as first:
        taken = first.scanners[0].port.port
        second = World(Plan(scanners=2, devices=0, scanner_ports=(0, taken)))
        with pytest.raises(OSError, match="in use"):
            await second.__aenter__()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(LOCALHOST, second.scanners[0].port.port)


async def test_radio_is_found_by_name_and_by_every_address(world: World, start_peripheral: StartPeripheral) -> None:
    device = (await start_peripheral(world.devices[1])).device
    chosen = device.random_address.to_string(with_type_qualifier=False)
    assert [world.radio(name) for name in ("device-2", device_address(1), chosen)] == [world.devices[1]] * 3
    assert world.radio(scanner_address(0)) is world.scanners[0]
    with pytest.raises(KeyError):
        world.radio("device-4")
