"""The hub's protocol and transport on the virtual radio for several devices, those out of reach through relays (protocol.md 10)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
import os
from typing import override

from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, MessageReceived, MessageType, PairingCompleted, Verdict
from custom_components.self_secure.transport.beacon import SHORT_ID_SIZE, BeaconState, decode_advertisement
from custom_components.self_secure.transport.client import Client
from custom_components.self_secure.transport.link import Link
from custom_components.self_secure.transport.paths import Far, Paths
from custom_components.self_secure.transport.slots import Slots
from simulation.host import Report, ScannerHost
from simulation.world import World
from tests.micropython.hub import RadioHub, RadioLink

SETTINGS = Settings(hub_id=b"C" * 16, minimum=32, target_bits=8)
HEARD = 2.0  # s that a device counts as in reach after its last packet
NEIGHBOURS, ENTRY_BYTES = 5, 7  # of an INFO: tag and bytes of an entry
STATE_BITS = 0x0F
PATIENCE = 60.0  # s for one step; a first path makes a key for the hop on its way


class Line(RadioHub):
    """One device as the hub sees it; `name` is one letter, of which its identity consists."""

    patience = PATIENCE

    def __init__(self, house: House, name: str, address: str) -> None:
        super().__init__(address)
        self.name, self.identity = name, name.encode() * 16
        self.neighbours: dict[bytes, tuple[int, int]] = {}  # short id → (state and flags, hops)
        self.heard_at = -HEARD
        self.relay = ""  # whose path was asked for last
        self.random = 0  # packets that came through a relay
        self._house = house

    @override
    def start(self) -> None:
        connection = Connection(SETTINGS, os.urandom, self.disk)
        self.client = Client(connection, self._new_link, self._save, self._take, self.name)
        self.client.contact.keep = Slots(lambda: 8)  # a relay's link stays: there is room enough
        self._far = Far(self._known_identity, self._on_random, lambda: connection.collecting, self._on_knock, self._on_lost)
        self.client.start()

    def _known_identity(self) -> bytes:
        return self.client.connection.identity or self.identity[:SHORT_ID_SIZE] + bytes(16 - SHORT_ID_SIZE)

    def _on_random(self, sid: int, seq: int, value: bytes) -> None:
        self.random += 1
        self.client.random_packet(self.relay, sid, seq, value)

    def _on_knock(self) -> None:
        self.client.listed(BeaconState.HAS_DATA)

    def _on_lost(self) -> None:
        for relay in self._house.relays(self)[:1]:
            self.client.listed(relay.neighbours[self.identity[:SHORT_ID_SIZE]][0] & STATE_BITS)

    @property
    def paths(self) -> Paths:
        """The paths through this device."""
        return self.client.paths

    @property
    def is_heard(self) -> bool:
        """Whether it is in reach of the hub itself."""
        return asyncio.get_running_loop().time() - self.heard_at < HEARD

    def _new_link(self) -> Link:
        relays = [] if self.is_heard else self._house.relays(self)
        if not relays:
            return RadioLink(self._house.host, self._address)
        self.relay = relays[0].name
        return relays[0].paths.link(self._far)

    @override
    def heard(self, scanner: str, report: Report) -> None:
        if report.address.to_string(with_type_qualifier=False) == self._address:
            self.heard_at = asyncio.get_running_loop().time()
            super().heard(scanner, report)

    @override
    def _take(self, event: Event) -> None:
        if isinstance(event, MessageReceived) and event.type == MessageType.INFO and event.body[:1] == bytes([NEIGHBOURS]):
            self._listed(event.body[2 : 2 + event.body[1]])
        super()._take(event)

    def _listed(self, value: bytes) -> None:
        entries = [value[at : at + ENTRY_BYTES] for at in range(0, len(value), ENTRY_BYTES)]
        self.neighbours = {entry[:4]: (entry[4], entry[6]) for entry in entries}
        self._house.listed(self)

    async def until_reachable(self) -> None:
        """Wait until a relay lists it, or the hub hears it."""
        async with asyncio.timeout(PATIENCE):
            while not (self.is_heard or self._house.relays(self)):  # noqa: ASYNC110  # several lines may tell
                await asyncio.sleep(0.05)

    async def pair_here(self) -> str:
        """Pair wherever it is, confirm the code and return it."""
        await self.until_reachable()
        self.client.open_pairing(relayed=not self.is_heard)
        ready = (await self.until(lambda: self.of(CodeReady)))[-1]
        self.client.answer(Verdict.SAME)
        await self.until(lambda: self.of(PairingCompleted))
        return ready.code


class House:
    """All devices of one hub."""

    def __init__(self, devices: dict[str, str]) -> None:
        self.lines = {name: Line(self, name, address) for name, address in devices.items()}
        self.host = ScannerHost(self._on_report)

    def _on_report(self, report: Report) -> None:
        if decode_advertisement(bytes(report.data)) is not None:
            for line in self.lines.values():
                line.heard("hall", report)

    def relays(self, far: Line) -> list[Line]:
        """Return the relays in reach that list a device, the nearest to it first."""
        short = far.identity[:SHORT_ID_SIZE]
        usable = [one for one in self.lines.values() if one is not far and one.client.contact.is_open and short in one.neighbours]
        return sorted(usable, key=lambda one: one.neighbours[short][1])

    def listed(self, relay: Line) -> None:
        """Take what a relay has heard as if it had been heard here."""
        for line in self.lines.values():
            entry = relay.neighbours.get(line.identity[:SHORT_ID_SIZE])
            if entry is not None and line is not relay and not line.is_heard:
                line.client.listed(entry[0] & STATE_BITS)


@asynccontextmanager
async def path_hub(world: World, devices: dict[str, str]) -> AsyncIterator[House]:
    """Give a running hub on the first scanner; `devices` are addresses by name."""
    house = House(devices)
    for line in house.lines.values():
        line.start()
    try:
        await house.host.open(world.scanners[0].port.port)
        await house.host.scan(active=False)
        yield house
    finally:
        for line in house.lines.values():
            await line.client.stop()
        await house.host.close()
