"""The one link of a device: what comes early, late, or not at all."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import override

import pytest

from custom_components.self_secure.protocol.limits import FRAGMENTS_MAX
from custom_components.self_secure.transport.contact import IDLE_SECONDS, LINGER_SECONDS, Contact, ContactListener
from custom_components.self_secure.transport.link import Link, LinkError, LinkErrorKind


@dataclass
class Script(Link):
    """A link whose radio the test plays."""

    early: int = 0
    failure: Exception | None = None
    closing: Exception | None = None
    broken: bool = False
    closed: int = 0
    written: list[bytes] = field(default_factory=list)
    received: Callable[[bytes], None] = lambda _: None
    lost: Callable[[], None] = lambda: None

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        self.received, self.lost = received, closed
        for number in range(self.early):
            received(bytes([number]))
        await asyncio.sleep(0)
        if self.failure:
            raise self.failure
        return 20

    @override
    async def write(self, fragment: bytes) -> None:
        if self.broken:
            raise LinkError(LinkErrorKind.LOST, "gone")
        self.written.append(fragment)

    @override
    async def close(self) -> None:
        self.closed += 1
        if self.closing:
            raise self.closing


class Notes(ContactListener):
    """What was heard, in order."""

    def __init__(self) -> None:
        self.heard: list[object] = []

    @override
    def on_link_opened(self, payload: int) -> None:
        self.heard.append(payload)

    @override
    def on_link_failed(self) -> None:
        self.heard.append("failed")

    @override
    def on_fragment(self, fragment: bytes) -> None:
        self.heard.append(fragment)

    @override
    def on_link_lost(self) -> None:
        self.heard.append("lost")


class Bench:
    """One contact over one scripted link, with a clock that the test moves."""

    def __init__(self, link: Script) -> None:
        self.now, self.link, self.notes = 100.0, link, Notes()
        self.contact = Contact(lambda: self.link, self.notes, lambda: self.now, "bench")

    async def open(self) -> None:
        self.contact.want(self.now)
        await asyncio.sleep(0.01)


async def opened(**script: int | bool | Exception | None) -> Bench:
    bench = Bench(Script(**script))  # type: ignore[arg-type]  # the fields by name
    await bench.open()
    return bench


async def test_what_the_device_says_at_once_comes_after_the_opening() -> None:
    assert (await opened(early=2)).notes.heard == [20, b"\0", b"\1"]


async def test_early_fragments_are_bounded() -> None:
    assert len((await opened(early=FRAGMENTS_MAX + 3)).notes.heard) == 1 + FRAGMENTS_MAX


async def test_refusal_is_told_and_remembered() -> None:
    bench = await opened(failure=LinkError(LinkErrorKind.NO_SLOT, "busy"))
    assert bench.notes.heard == ["failed"]
    assert bench.contact.error is bench.link.failure
    assert bench.contact.back_off.until > bench.now
    assert not bench.contact.is_open


async def test_too_early_to_try_again() -> None:
    bench = await opened(failure=LinkError(LinkErrorKind.REFUSED, "no"))
    bench.link.failure = None
    await bench.open()
    assert not bench.contact.is_open
    bench.now = bench.contact.back_off.until
    await bench.open()
    assert bench.contact.is_open
    assert bench.contact.error is None


@pytest.mark.parametrize("closing", [None, OSError("nothing to close")])
async def test_defect_of_a_backend_is_a_failure_like_others(closing: Exception | None, caplog: pytest.LogCaptureFixture) -> None:
    bench = await opened(failure=RuntimeError("a defect of theirs"), closing=closing)
    assert bench.notes.heard == ["failed"]
    assert (bench.link.closed, bench.contact.is_open) == (1, False)
    assert bench.contact.error is not None
    assert bench.contact.error.kind is LinkErrorKind.REFUSED
    assert "bench: unexpected error" in caplog.text
    assert "a defect of theirs" in caplog.text
    bench.link.failure = None
    await bench.open()
    assert not bench.contact.is_open
    assert bench.contact.next_deadline(True) == bench.contact.back_off.until > bench.now
    bench.now = bench.contact.back_off.until
    await bench.open()
    assert bench.contact.is_open
    assert bench.notes.heard == ["failed", 20]


async def test_fragments_and_end_of_an_ended_link_are_nobodys() -> None:
    bench = await opened()
    await bench.contact.end()
    bench.link.received(b"late")
    bench.link.lost()
    assert bench.notes.heard == [20]
    assert bench.link.closed == 1


async def test_loss_of_the_open_link_is_told() -> None:
    bench = await opened()
    bench.link.lost()
    assert bench.notes.heard == [20, "lost"]
    assert bench.contact.back_off.until > bench.now


async def test_nothing_is_written_after_a_failed_write() -> None:
    bench = await opened()
    assert await bench.contact.write(b"1")
    bench.link.broken = True
    assert not await bench.contact.write(b"2")
    bench.link.broken = False
    assert not await bench.contact.write(b"3")
    assert bench.link.written == [b"1"]


async def test_nothing_is_written_without_a_link() -> None:
    bench = Bench(Script())
    assert not await bench.contact.write(b"1")


@pytest.mark.parametrize(("wanted", "limit"), [(False, LINGER_SECONDS), (True, IDLE_SECONDS)])
async def test_idle_at_the_limit_and_not_before(wanted: bool, limit: float) -> None:
    bench = await opened()
    bench.now += 5
    bench.link.received(b"x")
    assert bench.contact.next_deadline(wanted) == bench.now + limit
    assert not bench.contact.is_idle(wanted, bench.now + limit - 0.001)
    assert bench.contact.is_idle(wanted, bench.now + limit)


async def test_ending_while_opening_leaves_nothing() -> None:
    bench = Bench(Script())
    bench.contact.want(bench.now)
    await bench.contact.end()
    await asyncio.sleep(0.01)
    assert not bench.contact.is_open
    assert bench.notes.heard == []


async def test_deadline_without_a_link() -> None:
    bench = Bench(Script(failure=LinkError(LinkErrorKind.REFUSED, "no")))
    assert bench.contact.next_deadline(False) is None
    await bench.open()
    assert bench.contact.next_deadline(True) == bench.contact.back_off.until
    assert bench.contact.next_deadline(False) is None
