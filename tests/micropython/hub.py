"""The hub's protocol and transport on two scanners of the virtual radio, without Home Assistant."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
import os
from typing import Any, override

from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.exc import BleakError

from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.events import (
    CodeReady,
    Event,
    GroupSettled,
    MessageDelivered,
    MessageReceived,
    MessageType,
    PairingCompleted,
    Verdict,
)
from custom_components.self_secure.protocol.group_sender import Group
from custom_components.self_secure.transport.beacon import Beacon, RandomPacket, decode_advertisement
from custom_components.self_secure.transport.client import Client
from custom_components.self_secure.transport.gatt import ATT_HEADER, NOTIFY_UUID, WRITE_UUID
from custom_components.self_secure.transport.link import Link, LinkError, LinkErrorKind
from simulation.bleak_client import ADDRESS_TYPE, BumbleBleakClient
from simulation.host import Report, ScannerHost
from simulation.world import World

SETTINGS = Settings(hub_id=bytes(range(16)))
PATIENCE = 25.0  # s for any one step, on a loaded machine
RANDOM_ADDRESS = 1


class RadioLink(Link):
    """One connection through a scanner of the virtual radio."""

    def __init__(self, host: ScannerHost, address: str) -> None:
        self._client = BumbleBleakClient(host, BLEDevice(address, None, {ADDRESS_TYPE: RANDOM_ADDRESS}))
        self._write: BleakGATTCharacteristic

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        try:
            await self._client.connect(pair=False)
            services = self._client.services
            assert services is not None
            write, notify = services.get_characteristic(WRITE_UUID), services.get_characteristic(NOTIFY_UUID)
            assert write is not None
            assert notify is not None
            self._write = write
            await self._client.start_notify(notify, lambda data: received(bytes(data)))
        except (BleakError, TimeoutError) as error:
            raise LinkError(LinkErrorKind.REFUSED, str(error)) from error
        self._client.set_disconnected_callback(closed)
        return self._client.mtu_size - ATT_HEADER

    @override
    async def write(self, fragment: bytes) -> None:
        try:
            await self._client.write_gatt_char(self._write, fragment, response=True)
        except BleakError as error:
            raise LinkError(LinkErrorKind.LOST, str(error)) from error

    @override
    async def close(self) -> None:
        self._client.set_disconnected_callback(None)
        await self._client.disconnect()


class RadioHub:
    """One client for one device, and everything it told."""

    patience = PATIENCE

    def __init__(self, address: str, number: int = 0) -> None:
        self._settings = replace(SETTINGS, hub_id=bytes([number]) + SETTINGS.hub_id[1:])
        self.events: list[Event] = []
        self.states: list[int] = []  # of the beacons heard
        self.disk: dict[str, Any] | None = None
        self._address = address
        self._changed = asyncio.Event()
        self.hosts: list[ScannerHost] = []
        self.client: Client

    def start(self) -> None:
        """Begin from what is on disk."""
        connection = Connection(self._settings, os.urandom, self.disk)
        self.client = Client(connection, lambda: RadioLink(self.hosts[0], self._address), self._save, self._take, "Board")
        self.client.start()

    async def forget(self) -> None:
        """Lose the memory and start again from what is on disk: the next contact resumes."""
        await self.client.stop()
        self.events.clear()
        self.start()

    async def _save(self, snapshot: Mapping[str, Any]) -> None:
        self.disk = dict(snapshot)

    def _take(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()

    def heard(self, scanner: str, report: Report) -> None:
        """Take one advertisement."""
        if report.address.to_string(with_type_qualifier=False) != self._address:
            return
        match decode_advertisement(bytes(report.data)):
            case Beacon() as beacon:
                self.states.append(beacon.state)
                self.client.beacon_seen(beacon.state)
                self._changed.set()
            case RandomPacket() as packet:
                self.client.random_packet(scanner, packet.sid, packet.seq, packet.value)

    async def until[T](self, look: Callable[[], T]) -> T:
        """Wait until what has been told gives something true, and return that."""
        async with asyncio.timeout(self.patience):
            while not (found := look()):
                self._changed.clear()
                await self._changed.wait()
        return found

    def of[E](self, kind: type[E]) -> list[E]:
        """Return the events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    async def pair(self) -> str:
        """Pair with suite hybrid, confirm the code, and return it."""
        self.client.open_pairing()
        ready = (await self.until(lambda: self.of(CodeReady)))[-1]
        self.client.answer(Verdict.SAME)
        await self.until(lambda: self.of(PairingCompleted))
        return ready.code

    async def pair_without_code(self, floor: int) -> None:
        """Pair with a weaker suite that the user has accepted."""
        self.client.open_pairing(floor)
        await self.until(lambda: self.of(PairingCompleted))

    async def say(self, text: str) -> None:
        """Send a text and wait until it is delivered."""
        before = len(self.of(MessageDelivered))
        await self.client.send(MessageType.TEXT, text.encode())
        await self.until(lambda: len(self.of(MessageDelivered)) > before)

    async def say_to_group(self, group: Group, text: str) -> GroupSettled:
        """Send a text to a group that the board is in, and wait until it is settled."""
        before = len(self.of(GroupSettled))
        message = group.seal(MessageType.TEXT, text.encode())
        self.client.tell(lambda connection, now: connection.send_group(message, now))
        return (await self.until(lambda: self.of(GroupSettled)[before:]))[0]

    async def hears(self, text: str) -> None:
        """Wait for a text of the device."""
        await self.until(lambda: [one for one in self.of(MessageReceived) if one.body == text.encode()])


@asynccontextmanager
async def radio_hub(world: World, address: str, number: int | None = None, disk: dict[str, Any] | None = None) -> AsyncIterator[RadioHub]:
    """Give a running hub on every scanner of the world, or hub `number` on that one of them, with what was on its `disk`."""
    hub = RadioHub(address, number or 0)
    hub.disk = disk
    scanners = world.scanners if number is None else [world.scanners[number]]
    for radio in scanners:
        host = ScannerHost(lambda report, name=radio.name: hub.heard(name, report))  # type: ignore[misc]  # mypy cannot infer a lambda's default
        hub.hosts.append(host)
    hub.start()
    try:
        for host, radio in zip(hub.hosts, scanners, strict=True):
            await host.open(radio.port.port)
            await host.scan(active=False)
        yield hub
    finally:
        await hub.client.stop()
        for host in hub.hosts:
            await host.close()
