"""A device that is peripheral and central at once, on Bumble over a radio's TCP port as `device/linux/radio.py` drives one."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field

from bumble import hci
from bumble.core import UUID
from bumble.device import Advertisement, Connection, DeviceConfiguration, Peer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.transport import open_transport
from bumble.transport.common import Transport

from self_secure_device_linux.adapter import Adapter
from self_secure_device_linux.advertiser import Advertiser, advertiser
from simulation.bleak_client import MTU
from simulation.radio import Radio

from .conftest import BEACON, NOTIFY, SERVICE, WRITE

PATIENCE = 5.0
"""Seconds for a connection, its discovery, a message."""


@dataclass(slots=True)
class Far:
    """A device that a node is connected with as central: what it notified."""

    connection: Connection
    peer: Peer
    notified: list[bytes] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, value: bytes) -> None:
        (target,) = self.peer.get_characteristics_by_uuid(UUID(WRITE))
        async with asyncio.timeout(PATIENCE):
            await self.peer.write_value(target, value, with_response=True)


@dataclass(slots=True)
class Node:
    """A device with one radio: its hubs, what they wrote, and what it hears."""

    transport: Transport
    adapter: Adapter
    air: Advertiser
    notify: Characteristic[bytes]
    hubs: list[Connection] = field(default_factory=list)
    written: list[tuple[str, bytes]] = field(default_factory=list)
    reasons: list[int] = field(default_factory=list)
    heard: Counter[str] = field(default_factory=Counter)

    @property
    def address(self) -> hci.Address:
        address: hci.Address = self.adapter.random_address
        return address

    def from_hub(self, hub: Radio) -> list[bytes]:
        return [value for source, value in self.written if source == hub.address]

    async def advertise(self) -> None:
        await self.air.show(BEACON, b"")

    async def scan(self) -> None:
        await self.adapter.start_scanning(active=False, filter_duplicates=False)

    async def tell(self, hub: Radio, value: bytes) -> None:
        """Notify one hub."""
        (connection,) = (one for one in self.hubs if plain(one.peer_address) == hub.address)
        await self.adapter.gatt_server.notify_subscriber(connection, self.notify, value)

    async def connect(self, address: hci.Address) -> Far:
        """Connect as central, discover and subscribe."""
        async with asyncio.timeout(PATIENCE):
            connection = await self.adapter.connect_le(address, own_address_type=hci.OwnAddressType.RANDOM, timeout=None)
            far = Far(connection, Peer(connection))
            connection.on(Connection.EVENT_DISCONNECTION, lambda _: far.gone.set())
            await far.peer.request_mtu(MTU)
            await far.peer.discover_all()  # type: ignore[no-untyped-call]  # Bumble leaves its signature unannotated
            (source,) = far.peer.get_characteristics_by_uuid(UUID(NOTIFY))
            await far.peer.subscribe(source, far.notified.append)
            return far

    def on_hub(self, connection: Connection) -> None:
        self.hubs.append(connection)
        connection.on(Connection.EVENT_DISCONNECTION, lambda reason: self._on_gone(connection, reason))

    def _on_gone(self, connection: Connection, reason: int) -> None:
        self.hubs.remove(connection)
        self.reasons.append(reason)

    def on_write(self, connection: Connection, value: bytes) -> None:
        self.written.append((plain(connection.peer_address), value))

    def on_advertisement(self, heard: Advertisement) -> None:
        self.heard[plain(heard.address)] += 1

    async def die(self) -> None:
        """As a killed program does."""
        await self.transport.close()


def plain(address: hci.Address) -> str:
    return address.to_string(with_type_qualifier=False)


async def start_node(radio: Radio, address: str) -> Node:
    """Take a radio's TCP port with a program that has this random static address."""
    transport = await open_transport(f"tcp-client:127.0.0.1:{radio.port.port}")
    configuration = DeviceConfiguration(name="", address=hci.Address(address), le_enabled=True, classic_enabled=False)
    adapter = Adapter.from_config_with_hci(configuration, transport.source, transport.sink)
    assert isinstance(adapter, Adapter)
    notify = Characteristic[bytes](NOTIFY, Characteristic.Properties.NOTIFY, Characteristic.READABLE, b"")
    node = Node(transport, adapter, advertiser(adapter), notify)
    properties = Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE
    write = Characteristic[bytes](WRITE, properties, Characteristic.WRITEABLE, CharacteristicValue(write=node.on_write))
    adapter.add_service(Service(SERVICE, [write, notify]))
    adapter.on(Adapter.EVENT_HUB, node.on_hub)
    adapter.on(Adapter.EVENT_ADVERTISEMENT, node.on_advertisement)
    await adapter.power_on()
    return node
