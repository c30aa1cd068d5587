"""The device on a real Bluetooth stack: Bumble on both ends of a virtual link."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from self_secure_device import frames
from self_secure_device.adverts import beacon
from self_secure_device.crypto import u64
from self_secure_device_linux.program import Program, Settings
from tests.device.radio_hub import RadioHub, hub_and_transport
from tests.device.responder import HubSession, Responder

ADDRESS = "C0:11:22:33:44:55"
IDENTITY = bytes(range(16))


class Events:
    """What the program told, and a way to wait for it."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []
        self._changed = asyncio.Event()

    def __call__(self, kind: str, value: object) -> None:
        self.seen.append((kind, value))
        self._changed.set()

    def of(self, kind: str) -> list[Any]:
        return [value for name, value in self.seen if name == kind]

    async def wait(self, kind: str, count: int = 1) -> list[Any]:
        async with asyncio.timeout(20):
            while len(self.of(kind)) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.of(kind)


@asynccontextmanager
async def running(transport: str, **options: Any) -> AsyncIterator[tuple[Program, Events]]:
    events = Events()
    settings = Settings(transport, address=ADDRESS, identity=IDENTITY, name="bench", **options)
    program = Program(settings, events)
    await program.start()
    await events.wait("ready")
    yield program, events
    await program.stop()


async def collect(hub: RadioHub, packets: int) -> Responder:
    """Connect, accept the request, and listen until so many packets were heard."""
    await hub.connect(ADDRESS)
    responder = Responder(b"H" * 16, b"n" * 16, b"s" * 32, b"r" * 16)
    await hub.send(responder.accept(await hub.frame(), minimum=20))
    await hub.disconnect()
    await hub.until(lambda: len(hub.packets) >= packets)
    responder.random = hub.packets
    return responder


async def pair(hub: RadioHub) -> tuple[Responder, HubSession]:
    responder = await collect(hub, 30)
    await hub.connect(ADDRESS)
    await hub.send(responder.respond(sorted(hub.packets)))
    await hub.send(responder.confirm(await hub.frame()))
    responder.finish(await hub.frame())
    session = HubSession(responder.suite, 0, responder.root)
    await tell(hub, session, b"\x05" + u64(1) + b"\x01")
    return responder, session


async def tell(hub: RadioHub, session: HubSession, text: bytes) -> None:
    session.sender.load(text)
    await hub.send(session.sender.attempt(b"R" * 16, 0))
    session.sender.acknowledge(frames.decode(await hub.frame()))


async def take(hub: RadioHub, session: HubSession) -> tuple[int, bytes]:
    accepted = session.receiver.open(frames.decode(await hub.frame()), b"B" * 16)
    session.receiver.commit(accepted)
    await hub.send(accepted.dack)
    return accepted.kind, accepted.body


async def test_pairs_reads_and_shows_a_text() -> None:
    async with hub_and_transport() as (hub, transport), running(transport, profile="display") as (program, events):
        await hub.until(lambda: bool(hub.beacons))
        assert hub.beacons[0] == beacon(0, IDENTITY)
        responder, session = await pair(hub)
        assert await events.wait("code") == [responder.code]
        assert (await take(hub, session))[0] == 6
        assert await take(hub, session) == (1, b"\x01\x5f")
        await tell(hub, session, b"\x02" + u64(2) + "Grüße".encode())
        assert await events.wait("text") == ["Grüße"]
        assert program.profile.text == "Grüße"


@pytest.mark.parametrize("extended", [True, False])
async def test_each_random_packet_airs_once_in_order(extended: bool) -> None:
    async with hub_and_transport(extended) as (hub, transport), running(transport):
        await collect(hub, 60)
        assert hub.order[:60] == list(range(60))


async def test_a_connection_interrupts_the_broadcast_which_goes_on_with_the_next() -> None:
    async with hub_and_transport() as (hub, transport), running(transport):
        await collect(hub, 20)
        await hub.connect(ADDRESS)
        heard = len(hub.order)
        await asyncio.sleep(0.2)
        assert len(hub.order) == heard
        await hub.disconnect()
        await hub.until(lambda: len(hub.order) >= heard + 20)
        assert hub.order == sorted(set(hub.order))
        assert hub.order[heard] <= hub.order[heard - 1] + 2  # one may have been cut off by the connection


async def test_the_beacon_tells_that_data_waits(tmp_path: Path) -> None:
    async with hub_and_transport() as (hub, transport), running(transport, profile="door", state=tmp_path / "state") as (program, events):
        _, session = await pair(hub)
        await take(hub, session)
        await take(hub, session)
        await events.wait("delivered", 2)
        await hub.disconnect()
        await hub.until(lambda: beacon(1, IDENTITY) in hub.beacons)
        program.press()
        await hub.until(lambda: beacon(2, IDENTITY) in hub.beacons)
        await hub.connect(ADDRESS)
        assert await take(hub, session) == (4, b"\x3a\x01")


async def test_reset_hangs_up_and_is_ready_to_pair() -> None:
    async with hub_and_transport() as (hub, transport), running(transport) as (program, events):
        await pair(hub)
        hub.beacons.clear()
        await program.reset()
        await events.wait("disconnected", 2)
        await hub.until(lambda: beacon(0, IDENTITY) in hub.beacons)
        assert program.core.keyring.entries == []


async def test_a_lost_transport_is_opened_again_and_the_memory_survives() -> None:
    async with hub_and_transport() as (hub, transport), running(transport) as (program, events):
        await pair(hub)
        session = program.core.peer.session
        program._radio._transport_lost()
        await events.wait("ready", 2)
        assert events.of("error") == ["transport lost"]
        assert events.of("disconnected") == [None, None]
        assert program.core.peer.session is session
