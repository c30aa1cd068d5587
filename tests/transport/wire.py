"""A wire in memory between a client and the real device core: the fake link, and the air that carries the broadcast."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import os
from typing import Any, override

from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, PairingCompleted, Verdict
from custom_components.self_secure.transport.beacon import Beacon, RandomPacket, decode_advertisement
from custom_components.self_secure.transport.client import Client, StorageError
from custom_components.self_secure.transport.link import Link, LinkError, LinkErrorKind
from self_secure_device import profiles
from self_secure_device.device import Device
from self_secure_device.request import Parameters
from self_secure_device.suites import HYBRID_ID

SETTINGS = Settings(hub_id=bytes(range(16)), minimum=16, target_bits=4)
IDENTITY = bytes(range(0xD0, 0xE0))
PAYLOAD = 100  # small: several fragments per frame
TICK = 0.002  # s between two looks at the device core
PATIENCE = 20.0


class Board:
    """A device core with the port that it needs; its radio is polled by `Wire`."""

    def __init__(self) -> None:
        self.stored: bytes | None = None
        self.told: list[tuple[str, Any]] = []
        self.core = self._start()

    def _start(self) -> Device:
        profile = profiles.Thermometer(lambda: (21.5, 40.0, 90))
        return Device(self, IDENTITY, self.stored, Parameters((HYBRID_ID,), interval=20), "Board", profiles.info("Board", profile))

    def power_cut(self) -> None:
        self.core = self._start()

    def urandom(self, count: int) -> bytes:
        return os.urandom(count)

    def save(self, data: bytes) -> None:
        self.stored = data

    def event(self, kind: str, value: object) -> None:
        self.told.append((kind, value))

    def heard(self, kind: str) -> list[Any]:
        return [value for name, value in self.told if name == kind]


class WireLink(Link):
    """One connection over the wire."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self.closed = False
        self.received: Callable[[bytes], None]
        self.lost: Callable[[], None]

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        self.received, self.lost = received, closed
        await self._wire.connect(self)
        return PAYLOAD

    @override
    async def write(self, fragment: bytes) -> None:
        await self._wire.write(self, fragment)

    @override
    async def close(self) -> None:
        self.closed = True
        self._wire.hang_up(self)


@dataclass
class Wire:
    """The world of one client and one board; errors are put in from outside."""

    board: Board = field(default_factory=Board)
    link: WireLink | None = None
    made: list[WireLink] = field(default_factory=list)
    log: list[str] = field(default_factory=list)  # "save", "write", "connect", "hang up" in their order
    refusal: LinkError | None = None
    saves_fail: bool = False
    writes_left: int | None = None  # then every write fails
    disk: dict[str, Any] | None = None
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._beat = 0

    def clock(self) -> int:
        return round(asyncio.get_running_loop().time() * 1000)

    def new_link(self) -> WireLink:
        self.made.append(WireLink(self))
        return self.made[-1]

    async def connect(self, link: WireLink) -> None:
        await asyncio.sleep(0)
        self.log.append("connect")
        if self.refusal:
            raise self.refusal
        self.link = link
        self.board.core.connected(PAYLOAD + 3)
        self.board.core.subscribed(self.clock())

    async def write(self, link: WireLink, fragment: bytes) -> None:
        await asyncio.sleep(0)
        self.log.append("write")
        if self.writes_left == 0 or link is not self.link:
            raise LinkError(LinkErrorKind.LOST, "cut")
        self.writes_left = None if self.writes_left is None else self.writes_left - 1
        self.board.core.received(fragment, self.clock())

    def hang_up(self, link: WireLink) -> None:
        if link is self.link:
            self.log.append("hang up")
            self.link = None
            self.board.core.disconnected()

    def cut(self) -> None:
        """End the connection as the radio does."""
        link = self.link
        assert link is not None
        self.hang_up(link)
        link.lost()

    async def save(self, snapshot: Mapping[str, Any]) -> None:
        await asyncio.sleep(0)
        if self.saves_fail:
            raise StorageError("the disk is full")
        self.log.append("save")
        self.disk = dict(snapshot)

    def client(self) -> Client:
        """Make a client from what is on disk."""
        return Client(Connection(SETTINGS, os.urandom, self.disk), self.new_link, self.save, self.events.append, "Board")

    async def run(self, client: Client) -> None:
        """Be the device's radio and the scanners, until cancelled."""
        while True:
            core = self.board.core
            core.poll(self.clock())
            while self.link is not None and (fragment := core.next_fragment()) is not None:
                self.link.received(fragment)
            if self.link is None:
                self._advertise(client)
            await asyncio.sleep(TICK)

    def _advertise(self, client: Client) -> None:
        core = self.board.core
        raw = core.next_random() if core.broadcasting else core.beacon()[0]
        self._beat += 1
        match decode_advertisement(raw):
            case Beacon() as beacon:
                client.beacon_seen(beacon.state)
            case RandomPacket() as packet if self._beat % 3:  # every third is lost
                client.random_packet("scanner", packet.sid, packet.seq, packet.value)

    def of[E](self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]


async def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    async with asyncio.timeout(seconds):
        while not (found := condition()):  # noqa: ASYNC110  # the conditions belong to code without events
            await asyncio.sleep(TICK)
    return found


async def pair(wire: Wire, client: Client) -> None:
    """Pair with the verdict "same" and wait until the device has heard of it."""
    client.open_pairing()
    ready = (await until(lambda: wire.of(CodeReady)))[0]
    assert wire.board.heard("code") == [ready.code]
    client.answer(Verdict.SAME)
    await until(lambda: wire.of(PairingCompleted) and wire.board.heard("verified"))
