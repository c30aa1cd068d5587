"""One device radio as peripheral of hubs and central of other devices at once: what a relay needs (protocol.md 10)."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
import math
from typing import override

from bleak.backends.device import BLEDevice
from bumble import hci
import pytest

from simulation.bleak_client import ADDRESS_TYPE, BumbleBleakClient
from simulation.floor_plan import FloorPlan, Kind, Spot
from simulation.host import Report, ScannerHost
from simulation.places import Place
from simulation.world import Plan, World

from .conftest import NOTIFY, SUPERVISION_TIMEOUT, WRITE, OpenWorld, StartHost, until
from .dual_role import PATIENCE, Far, Node, plain, start_node

MESSAGES = [number.to_bytes(2) + bytes(number) for number in range(1, 41)]
"""Of different lengths, so that a mixed-up one is seen."""
HUB, OTHER_HUB = 0, 1
RELAY, LEAF, OTHER_LEAF = 0, 1, 2
TIMED_OUT = hci.HCI_ErrorCode.CONNECTION_TIMEOUT_ERROR

type StartNode = Callable[[int], Awaitable[Node]]
type Join = Callable[[int, Node], Awaitable[Hub]]


class Hub(BumbleBleakClient):
    """A hub's connection with a node, as Home Assistant has one; what it was notified of."""

    def __init__(self, host: ScannerHost, node: Node) -> None:
        super().__init__(host, BLEDevice(plain(node.address), None, {ADDRESS_TYPE: 1}), timeout=PATIENCE)
        self.host = host
        self.notified: list[bytes] = []

    @override
    async def connect(self, pair: bool = False, **kwargs: object) -> None:
        await super().connect(pair, **kwargs)
        assert self.services is not None
        source = self.services.get_characteristic(NOTIFY)
        assert source is not None
        await self.start_notify(source, lambda value: self.notified.append(bytes(value)))

    async def write(self, value: bytes) -> None:
        assert self.services is not None
        target = self.services.get_characteristic(WRITE)
        assert target is not None
        await self.write_gatt_char(target, value, response=True)


@pytest.fixture
async def world(open_world: OpenWorld, request: pytest.FixtureRequest) -> World:
    """Two hubs, a relay and two devices in a row; distance does not matter, or a parameter says how far they reach."""
    reach = getattr(request, "param", math.inf)
    spots = [Spot(Kind.SCANNER, f"hub {i}", Place(-1.0, i)) for i in range(2)]
    spots += [Spot(Kind.DEVICE, f"device {i}", Place(float(i), 0.0)) for i in range(3)]
    return await open_world(Plan(loss=0, floor=FloorPlan(tuple(spots), reach=reach), supervision_timeout=SUPERVISION_TIMEOUT))


@pytest.fixture
async def start(world: World) -> AsyncIterator[StartNode]:
    """Start a program on a device's radio; it advertises."""
    async with AsyncExitStack() as stack:

        async def run(number: int) -> Node:
            node = await start_node(world.devices[number], f"F0:5E:5C:00:00:{number + 1:02X}")
            stack.push_async_callback(node.die)
            await node.advertise()
            return node

        yield run


@pytest.fixture
async def relay(start: StartNode) -> Node:
    return await start(RELAY)


@pytest.fixture
async def leaf(start: StartNode) -> Node:
    return await start(LEAF)


@pytest.fixture
async def join(world: World, start_host: StartHost) -> Join:
    """Connect a hub with a node, which advertises again at once."""

    async def run(number: int, node: Node) -> Hub:
        host = await start_host(world.scanners[number], [])
        await host.scan(active=False)
        hub = Hub(host, node)
        await hub.connect()
        await node.advertise()
        return hub

    return run


async def write_all(to: Hub | Far) -> None:
    for message in MESSAGES:
        await to.write(message)


async def tell_all(world: World, node: Node, number: int) -> None:
    for message in MESSAGES:
        await node.tell(world.scanners[number], message)


async def test_advertises_and_scans_while_connected_in_either_role(
    world: World, relay: Node, leaf: Node, start: StartNode, join: Join
) -> None:
    await relay.scan()
    await join(HUB, relay)
    await relay.connect(leaf.address)
    await leaf.advertise()
    await start(OTHER_LEAF)
    hub, sender = world.scanners[HUB].station, world.devices[RELAY].station
    relay.heard.clear()
    before, sent = hub._received[sender.name], sender.statistics.sent
    await until(lambda: len(relay.heard) == 2 and min(relay.heard.values()) >= 2)
    await until(lambda: hub._received[sender.name] >= before + 2)
    assert sender.statistics.sent > sent


async def test_data_both_ways_over_connections_in_both_roles_at_once(
    world: World, relay: Node, leaf: Node, start: StartNode, join: Join
) -> None:
    other_leaf = await start(OTHER_LEAF)
    hubs = [await join(HUB, relay), await join(OTHER_HUB, relay)]
    fars = [await relay.connect(leaf.address), await relay.connect(other_leaf.address)]
    ends: list[Hub | Far] = [*hubs, *fars]
    assert len(relay.adapter.connections) == len(ends)
    async with asyncio.timeout(4 * PATIENCE), asyncio.TaskGroup() as group:
        for to in ends:
            group.create_task(write_all(to))
        for number in (HUB, OTHER_HUB):
            group.create_task(tell_all(world, relay, number))
        for node in (leaf, other_leaf):
            group.create_task(notify_central(node))
    await until(lambda: all(len(one.notified) == len(MESSAGES) for one in ends))
    assert [one.notified for one in ends] == [MESSAGES] * 4
    assert [relay.from_hub(radio) for radio in world.scanners] == [MESSAGES] * 2
    assert [[value for _, value in node.written] for node in (leaf, other_leaf)] == [MESSAGES] * 2
    assert {source for node in (leaf, other_leaf) for source, _ in node.written} == {plain(relay.address)}


async def notify_central(node: Node) -> None:
    (connection,) = node.hubs
    for message in MESSAGES:
        await node.adapter.gatt_server.notify_subscriber(connection, node.notify, message)


async def test_hub_that_connects_while_the_relay_waits_for_its_device(relay: Node, start: StartNode, join: Join) -> None:
    waiting = asyncio.ensure_future(relay.connect(hci.Address("F0:5E:5C:00:00:02")))
    await asyncio.sleep(0.05)
    hub = await join(HUB, relay)
    assert not waiting.done()
    leaf = await start(LEAF)
    far = await waiting
    await far.write(b"to the leaf")
    await hub.write(b"to the relay")
    assert [value for _, value in leaf.written] == [b"to the leaf"]
    assert [value for _, value in relay.written] == [b"to the relay"]
    assert sorted(one.role for one in relay.adapter.connections.values()) == [hci.Role.CENTRAL, hci.Role.PERIPHERAL]


async def test_broadcast_goes_out_once_per_packet_while_connected_in_both_roles(
    world: World, relay: Node, leaf: Node, join: Join, start_host: StartHost
) -> None:
    await relay.connect(leaf.address)
    await join(HUB, relay)
    reports: list[Report] = []
    await (await start_host(world.scanners[OTHER_HUB], reports)).scan(active=False)
    packets = [bytes([number]) * 31 for number in range(1, 21)]
    for packet in packets:
        await relay.air.air(packet)
        await asyncio.sleep(0.025)
    await relay.air.stop()
    mine = [bytes(one.data) for one in reports if one.address == relay.address]
    assert [packet for packet in mine if packet in packets] == packets


# One of the connections ends


async def kill(world: World, leaf: Node) -> None:
    await leaf.die()


async def carry_away(world: World, leaf: Node) -> None:
    world.move("device 1", Place(1000.0, 0.0))


@pytest.mark.parametrize(("world", "end"), [(math.inf, kill), (50.0, carry_away)], indirect=["world"], ids=["dies", "goes"])
async def test_device_that_dies_or_goes_leaves_the_hub(
    world: World, relay: Node, leaf: Node, join: Join, end: Callable[[World, Node], Awaitable[None]]
) -> None:
    hub, far = await join(HUB, relay), await relay.connect(leaf.address)
    writing = asyncio.ensure_future(write_all(hub))
    telling = asyncio.ensure_future(tell_all(world, relay, HUB))
    await end(world, leaf)
    async with asyncio.timeout(PATIENCE):
        await far.gone.wait()
    await asyncio.gather(writing, telling)
    await until(lambda: hub.notified == MESSAGES)
    assert relay.from_hub(world.scanners[HUB]) == MESSAGES
    assert (hub.is_connected, relay.reasons) == (True, [])


async def test_hub_that_dies_leaves_the_device_and_comes_again(world: World, relay: Node, leaf: Node, join: Join) -> None:
    await join(HUB, relay)
    far = await relay.connect(leaf.address)
    writing = asyncio.ensure_future(write_all(far))
    await world.scanners[HUB].port.close()
    await until(lambda: relay.reasons == [TIMED_OUT])
    await asyncio.gather(writing, notify_central(leaf))
    await until(lambda: far.notified == MESSAGES)
    assert [value for _, value in leaf.written] == MESSAGES
    await world.scanners[HUB].port.open(world.scanners[HUB].port.port)
    await (await join(HUB, relay)).write(b"again")
    assert relay.from_hub(world.scanners[HUB]) == [b"again"]
    assert not far.gone.is_set()


async def test_relay_that_dies_ends_all_its_connections(relay: Node, leaf: Node, join: Join) -> None:
    hub = await join(HUB, relay)
    await relay.connect(leaf.address)
    await relay.die()
    await until(lambda: not hub.is_connected and leaf.reasons == [TIMED_OUT])


async def test_hanging_up_in_one_role_leaves_the_other(relay: Node, leaf: Node, join: Join) -> None:
    hub, far = await join(HUB, relay), await relay.connect(leaf.address)
    await far.connection.disconnect()
    await until(lambda: leaf.hubs == [])
    await hub.write(b"still here")
    await leaf.advertise()
    again = await relay.connect(leaf.address)
    await hub.disconnect()
    await until(lambda: relay.hubs == [])
    await again.write(b"still there")
    assert [value for _, value in (*relay.written, *leaf.written)] == [b"still here", b"still there"]


# Two devices have one connection with each other at most


async def test_second_connection_with_the_same_device_is_refused_in_both_directions(relay: Node, leaf: Node) -> None:
    far = await relay.connect(leaf.address)
    await leaf.advertise()
    for one, other in ((relay, leaf), (leaf, relay)):
        with pytest.raises(hci.HCI_Error, match="CONNECTION_ALREADY_EXISTS"):
            await one.connect(other.address)
    await far.write(b"undisturbed")
    assert (leaf.reasons, leaf.written) == ([], [(plain(relay.address), b"undisturbed")])


async def test_attempts_of_both_devices_at_once_give_one_connection(start: StartNode) -> None:
    relay, leaf = await start(RELAY), await start(LEAF)
    await leaf.air.stop()
    attempts = [asyncio.ensure_future(one.connect(other.address)) for one, other in ((relay, leaf), (leaf, relay))]
    far = await attempts[1]
    await leaf.advertise()
    await relay.advertise()
    await asyncio.sleep(2 * SUPERVISION_TIMEOUT)
    assert not attempts[0].done()
    await far.write(b"undisturbed")
    assert (relay.reasons, relay.written) == ([], [(plain(leaf.address), b"undisturbed")])
    await relay.adapter.cancel_connection()
    await asyncio.wait(attempts)
    assert attempts[0].exception() is not None


async def test_two_devices_that_answer_each_other_in_the_same_moment_get_one_connection(world: World, relay: Node, leaf: Node) -> None:
    for name in ("device 0", "device 1"):
        world.switch(name, on=False)
    own = hci.OwnAddressType.RANDOM
    pairs = ((relay, leaf), (leaf, relay))
    attempts = [asyncio.ensure_future(one.adapter.connect_le(other.address, own_address_type=own, timeout=None)) for one, other in pairs]
    controllers = [radio.controller for radio in world.devices[:2] if radio.controller]
    await until(lambda: all(controller.pending_le_connection for controller in controllers))
    for name in ("device 0", "device 1"):
        world.switch(name, on=True)
    for controller in controllers:
        (advertising,) = controller.advertising_sets.values()
        advertising.send_extended_advertising_data()
    await asyncio.gather(*attempts)  # a real controller, too, tells the failure after the connection
    await until(lambda: len(relay.adapter.connections) == len(leaf.adapter.connections) == 1)
    await asyncio.sleep(2 * SUPERVISION_TIMEOUT)
    connections = [[one.role for one in node.adapter.connections.values()] for node in (relay, leaf)]
    assert sorted(connections) == [[hci.Role.CENTRAL], [hci.Role.PERIPHERAL]]
