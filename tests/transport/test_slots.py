"""The limit of all links together."""

import asyncio
from collections.abc import Callable
from typing import override

import pytest

from custom_components.self_secure.transport import slots as slots_module
from custom_components.self_secure.transport.link import Link, LinkError, LinkErrorKind
from custom_components.self_secure.transport.slots import Slots, SlottedLink


class QuickLink(Link):
    """Opens at once, unless told to fail or to hang."""

    def __init__(self, outcome: str = "opens") -> None:
        self.outcome, self.written = outcome, list[bytes]()

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        return await {"opens": self._open, "fails": self._fail, "hangs": self._hang}[self.outcome]()

    async def _open(self) -> int:
        return 20

    async def _fail(self) -> int:
        raise LinkError(LinkErrorKind.REFUSED, "refused")

    async def _hang(self) -> int:
        await asyncio.Event().wait()
        return 20

    @override
    async def write(self, fragment: bytes) -> None:
        self.written.append(fragment)

    @override
    async def close(self) -> None:
        return


def opening(link: Link) -> asyncio.Task[int]:
    return asyncio.create_task(link.open(lambda _: None, lambda: None))


def slotted(slots: Slots, outcome: str = "opens") -> SlottedLink:
    return SlottedLink(QuickLink(outcome), slots)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_as_many_as_there_are_and_one_more() -> None:
    slots = Slots(lambda: 2)
    links = [slotted(slots) for _ in range(4)]
    tasks = [opening(link) for link in links]
    await settle()
    assert [task.done() for task in tasks] == [True, True, False, False]
    await links[0].close()
    await settle()
    assert [task.done() for task in tasks] == [True, True, True, False]
    await links[0].close()  # a second time frees nothing
    await settle()
    assert not tasks[3].done()
    await links[1].close()
    assert await tasks[3] == 20
    assert slots.taken == 2


async def test_failed_link_gives_its_slot_back() -> None:
    slots = Slots(lambda: 1)
    link = slotted(slots, "fails")
    with pytest.raises(LinkError):
        await opening(link)
    await link.close()
    assert slots.taken == 0


async def test_cancelled_link_gives_its_slot_back() -> None:
    slots = Slots(lambda: 1)
    hanging, next_one = opening(slotted(slots, "hangs")), opening(slotted(slots))
    await settle()
    hanging.cancel()
    assert await next_one == 20
    assert slots.taken == 1


async def test_who_waits_may_give_up() -> None:
    slots = Slots(lambda: 1)
    first = slotted(slots)
    await opening(first)
    given_up, patient = opening(slotted(slots)), opening(slotted(slots))
    await settle()
    given_up.cancel()
    await settle()
    await first.close()
    assert await patient == 20


async def test_turn_of_who_gives_up_at_the_same_moment_goes_on() -> None:
    slots = Slots(lambda: 1)
    first = slotted(slots)
    await opening(first)
    given_up, patient = opening(slotted(slots)), opening(slotted(slots))
    await settle()
    slots.release()
    first._holds = False
    given_up.cancel()
    assert await patient == 20
    assert slots.taken == 1


async def test_limit_follows_the_receivers() -> None:
    size = [1]
    slots = Slots(lambda: size[0])
    first = slotted(slots)
    await opening(first)
    waiting = [opening(slotted(slots)) for _ in range(3)]
    await settle()
    size[0] = 3
    await first.close()
    await settle()
    assert [task.done() for task in waiting] == [True, True, True]


async def test_new_receiver_admits_who_waits() -> None:
    size = [1]
    slots = Slots(lambda: size[0])
    await opening(slotted(slots))
    waiting = [opening(slotted(slots)) for _ in range(2)]
    await settle()
    size[0] = 2
    slots.look()
    await settle()
    assert [task.done() for task in waiting] == [True, False]
    size[0] = 4
    assert await opening(slotted(slots)) == 20  # who comes next notices as well
    assert slots.taken == 4


async def test_who_waits_too_long_hears_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slots_module, "PATIENCE", 0.05)
    slots = Slots(lambda: 1)
    first = slotted(slots)
    await opening(first)
    with pytest.raises(LinkError) as caught:
        await opening(slotted(slots))
    assert caught.value.kind is LinkErrorKind.NO_SLOT
    await first.close()
    assert (slots.taken, slots.contested) == (0, False)


async def test_who_watches_hears_of_every_change() -> None:
    slots = Slots(lambda: 1)
    seen: list[tuple[bool, bool]] = []
    stop = slots.watch(lambda: seen.append((slots.contested, slots.spare)))
    first, second = slotted(slots), slotted(slots)
    await opening(first)
    waiting = opening(second)
    await settle()
    await first.close()
    await waiting
    await second.close()
    stop()
    await opening(slotted(slots))
    assert seen == [(True, False), (False, False), (False, True)]


async def test_one_is_let_through_without_a_receiver() -> None:
    slots = Slots(lambda: 0)
    assert slots.capacity == 1
    link = slotted(slots)
    assert await opening(link) == 20
    await link.write(b"x")
