"""Paths through a relay, message by message: what the hub says to it, and what it makes of the answers (protocol.md 10)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from custom_components.self_secure.protocol.errors import QueueFullError
from custom_components.self_secure.protocol.events import MessageType
from custom_components.self_secure.protocol.framing import fragment
from custom_components.self_secure.protocol.limits import INNER_FRAME_MAX, RELAY_TTL
from custom_components.self_secure.transport import paths as paths_module
from custom_components.self_secure.transport.link import PAYLOAD_MAX, LinkError, LinkErrorKind
from custom_components.self_secure.transport.paths import EARLY_MAX, NOWHERE, Far, PathLink, Paths

FAR = bytes(range(16))
FRAME = bytes([0x10, 0, 0, 4, 0, 0, 0, 1]) + b"text"
RANDOM = bytes([0x02, 0, 0, 46, 0, 0, 0, 0])


class Bench:
    """All paths over one relay, what was said to it, and what came of it."""

    def __init__(self) -> None:
        self.said: list[tuple[int, bytes]] = []
        self.full = False
        self.fragments: list[bytes] = []
        self.randoms: list[tuple[int, int, bytes]] = []
        self.told: list[str] = []
        self.broadcasting = False
        self.paths = Paths(self._send, "Relay")
        self.far = self.listener(FAR)

    def listener(self, identity: bytes) -> Far:
        return Far(
            lambda: identity,
            lambda *packet: self.randoms.append(packet),
            lambda: self.broadcasting,
            lambda: self.told.append("knock"),
            lambda: self.told.append("lost"),
        )

    async def _send(self, message_type: int, body: bytes) -> int:
        if self.full:
            raise QueueFullError("full")
        self.said.append((message_type, body))
        return 0

    def opening(self, link: PathLink) -> asyncio.Task[int]:
        return asyncio.create_task(link.open(self.fragments.append, lambda: self.told.append("closed")))

    async def opened(self, number: int = 1) -> PathLink:
        """Return an open link, over a path with that number."""
        link = self.paths.link(self.far)
        opening = self.opening(link)
        await self.until_said(number)
        self.answer(number, FAR)
        assert await opening == PAYLOAD_MAX
        return link

    async def until_said(self, count: int) -> None:
        async with asyncio.timeout(5):
            while len(self.said) < count:  # noqa: ASYNC110  # the tasks that say it are of the code, without events
                await asyncio.sleep(0)

    def answer(self, number: int, identity: bytes) -> None:
        self.paths.receive(MessageType.ROUTE, number.to_bytes(2) + identity)

    def carry(self, number: int, frame: bytes) -> None:
        self.paths.receive(MessageType.RELAY, number.to_bytes(2) + bytes([1]) + frame)


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(paths_module, "PARK_SECONDS", 0.05)
    monkeypatch.setattr(paths_module, "PARK_STEP", 0.01)
    made = Bench()
    yield made
    await made.paths.stop()


def route(number: int, identity: bytes) -> tuple[int, bytes]:
    return MessageType.ROUTE, number.to_bytes(2) + identity


async def test_a_path_is_asked_for_and_used(bench: Bench) -> None:
    assert not bench.paths.in_use
    link = await bench.opened()
    assert bench.paths.in_use
    assert bench.paths.leads_to(FAR[:4])
    assert not bench.paths.leads_to(b"else")
    for piece in fragment(FRAME, 5):
        await link.write(piece)
    assert bench.said == [route(1, FAR), (MessageType.RELAY, b"\x00\x01" + bytes([RELAY_TTL]) + FRAME)]
    bench.carry(1, FRAME)
    assert bench.fragments == list(fragment(FRAME, PAYLOAD_MAX))


async def test_a_path_outlives_its_link_for_a_moment(bench: Bench) -> None:
    await (await bench.opened()).close()
    again = bench.paths.link(bench.listener(FAR[:4] + bytes(12)))
    await bench.opening(again)
    assert bench.said == [route(1, FAR)]
    await asyncio.sleep(0.1)
    assert bench.paths.in_use
    await again.close()
    await bench.until_said(2)
    assert bench.said[1] == route(1, NOWHERE)
    assert not bench.paths.in_use


async def test_it_stays_as_long_as_the_device_broadcasts(bench: Bench) -> None:
    link = await bench.opened()
    bench.broadcasting = True
    await link.close()
    await asyncio.sleep(0.15)
    assert bench.paths.in_use
    bench.carry(1, RANDOM + b"\x07\x00\x01" + bytes(20) + b"\x07\x00\x02" + bytes(19) + b"x")
    assert bench.randoms == [(7, 1, bytes(20)), (7, 2, bytes(19) + b"x")]
    bench.broadcasting = False
    await bench.until_said(2)
    assert bench.told == []


async def test_what_is_said_while_nobody_listens_is_kept_for_who_comes(bench: Bench) -> None:
    await (await bench.opened()).close()
    for _ in range(EARLY_MAX + 1):
        bench.carry(1, FRAME)
    assert (bench.told, bench.fragments) == (["knock"] * EARLY_MAX, [])
    await bench.opening(bench.paths.link(bench.far))
    assert bench.fragments == list(fragment(FRAME, PAYLOAD_MAX)) * EARLY_MAX
    bench.carry(1, bytes([0x10]) * (INNER_FRAME_MAX + 1))
    assert len(bench.fragments) == EARLY_MAX


async def test_a_relay_that_does_not_reach_the_device(bench: Bench) -> None:
    for number, identity in enumerate((NOWHERE, bytes(16), b"else" + bytes(12)), 1):
        opening = bench.opening(bench.paths.link(bench.far))
        await bench.until_said(number)
        bench.answer(number, identity)
        with pytest.raises(LinkError) as caught:
            await opening
        assert caught.value.kind is LinkErrorKind.NOT_FOUND
    assert not bench.paths.in_use


async def test_a_relay_that_says_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths_module, "ANSWER_SECONDS", 0.01)
    with pytest.raises(LinkError) as caught:
        await bench.opening(bench.paths.link(bench.far))
    assert caught.value.kind is LinkErrorKind.TIMEOUT
    await bench.until_said(2)
    assert bench.said == [route(1, FAR), route(1, NOWHERE)]


async def test_who_does_not_wait_for_the_answer_withdraws(bench: Bench) -> None:
    opening = bench.opening(bench.paths.link(bench.far))
    await bench.until_said(1)
    opening.cancel()
    await asyncio.gather(opening, return_exceptions=True)
    assert not bench.paths.in_use
    await bench.until_said(2)
    assert bench.said[1] == route(1, NOWHERE)
    bench.answer(1, FAR)  # too late: it would stay connected with the device for nobody
    await bench.until_said(3)
    assert bench.said[2] == route(1, NOWHERE)
    bench.answer(1, NOWHERE)
    bench.carry(1, FRAME)
    await asyncio.sleep(0)
    assert len(bench.said) == 3


async def test_a_relay_whose_queue_is_full(bench: Bench) -> None:
    link = await bench.opened()
    bench.full = True
    for asked in (link.write(fragment_of(FRAME)), bench.paths.link(bench.listener(b"else" + bytes(12))).open(print, print)):
        with pytest.raises(LinkError) as caught:
            await asked
        assert caught.value.kind is LinkErrorKind.LOST
    await link.close()
    await asyncio.sleep(0.1)
    assert not bench.paths.in_use


def fragment_of(frame: bytes) -> bytes:
    [piece] = fragment(frame, PAYLOAD_MAX)
    return piece


async def test_a_path_that_the_relay_withdraws_is_lost(bench: Bench) -> None:
    link = await bench.opened()
    bench.answer(1, NOWHERE)
    assert bench.told == ["closed", "lost"]
    with pytest.raises(LinkError):
        await link.write(fragment_of(FRAME))
    await link.close()
    assert bench.said == [route(1, FAR)]


async def test_a_relay_that_is_gone_takes_all_its_paths_along(bench: Bench) -> None:
    await (await bench.opened()).close()
    opening = bench.opening(bench.paths.link(bench.listener(b"else" + bytes(12))))
    await bench.until_said(2)
    bench.paths.cut()
    with pytest.raises(LinkError):
        await opening
    assert bench.told == ["lost"]
    assert not bench.paths.in_use


async def test_a_frame_that_is_too_long_is_refused(bench: Bench) -> None:
    link = await bench.opened()
    *most, last = fragment(bytes(INNER_FRAME_MAX + 1), PAYLOAD_MAX)
    for piece in most:
        await link.write(piece)
    with pytest.raises(LinkError) as caught:
        await link.write(last)
    assert caught.value.kind is LinkErrorKind.UNSUPPORTED


async def test_nonsense_changes_nothing(bench: Bench) -> None:
    link = await bench.opened()
    bench.paths.receive(MessageType.ROUTE, b"\x00\x01short")
    bench.paths.receive(MessageType.RELAY, b"\x00\x01\x04" + bytes(8))
    bench.paths.receive(MessageType.RELAY, b"")
    bench.paths.receive(MessageType.TEXT, b"\x00\x01" + NOWHERE)
    await asyncio.sleep(0)
    assert (bench.fragments, bench.told, len(bench.said)) == ([], [], 1)
    await link.close()


async def test_numbers_are_not_used_twice_at_a_time(bench: Bench) -> None:
    link = await bench.opened()
    bench.paths._last = 0xFFFF
    opening = bench.opening(bench.paths.link(bench.listener(b"else" + bytes(12))))
    await bench.until_said(2)
    assert bench.said[1][1][:2] == b"\x00\x02"
    opening.cancel()
    await link.close()
