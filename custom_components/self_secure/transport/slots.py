"""How many links may be open at the same time, over all devices: adapters and proxies have few slots."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final, override

from .link import Link, LinkError, LinkErrorKind

PATIENCE: Final = 30.0  # s in the queue: a person who pairs a device hears what is wrong, everybody else queues again after a back-off


class Slots:
    """A first-come-first-served limit that follows the number of receivers.

    Args:
        capacity: how many links there may be now; at least one is always let through.
    """

    def __init__(self, capacity: Callable[[], int]) -> None:
        self._capacity = capacity
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._watching: set[Callable[[], None]] = set()
        self.taken = 0

    @property
    def capacity(self) -> int:
        """Links that there may be now."""
        return max(1, self._capacity())

    @property
    def contested(self) -> bool:
        """Whether somebody waits: a link that has nothing to do shall give its slot back."""
        return bool(self._waiting)

    @property
    def spare(self) -> bool:
        """Whether a slot is free that nobody waits for: then a link may be opened only to be kept."""
        return not self._waiting and self.taken < self.capacity

    def watch(self, changed: Callable[[], None]) -> Callable[[], None]:
        """Call `changed` whenever `contested` or `spare` may have changed; return how to stop that."""
        self._watching.add(changed)
        return lambda: self._watching.discard(changed)

    def look(self) -> None:
        """Admit who can be admitted, and tell who watches; also to be called when the number of receivers has changed."""
        self._admit()
        for changed in tuple(self._watching):
            changed()

    async def acquire(self) -> None:
        """Take a slot, waiting for it if need be; raises `LinkError` after `PATIENCE`."""
        if self.taken < self.capacity and not self._waiting:
            self.taken += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        self.look()
        try:
            async with asyncio.timeout(PATIENCE):
                await turn
        except TimeoutError as error:
            self._withdraw(turn)
            raise LinkError(LinkErrorKind.NO_SLOT, "every connection that there may be at a time is in use") from error
        except asyncio.CancelledError:
            self._withdraw(turn)
            raise

    def release(self) -> None:
        """Give a slot back to who waits longest."""
        self.taken -= 1
        self.look()

    def _withdraw(self, turn: asyncio.Future[None]) -> None:
        """Who waited is gone; a turn that came at the same moment goes to the next."""
        if turn in self._waiting:
            self._waiting.remove(turn)
        elif not turn.cancelled():
            self.release()

    def _admit(self) -> None:
        while self._waiting and self.taken < self.capacity:
            turn = self._waiting.popleft()
            if not turn.done():
                self.taken += 1
                turn.set_result(None)


class SlottedLink(Link):
    """A link that holds a slot from the beginning of `open` to the end of `close`."""

    def __init__(self, link: Link, slots: Slots) -> None:
        """Limit `link` by `slots`."""
        self._link, self._slots = link, slots
        self._holds = False

    @override
    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        await self._slots.acquire()
        self._holds = True
        try:
            return await self._link.open(received, closed)
        except BaseException:
            self._give_back()
            raise

    @override
    async def write(self, fragment: bytes) -> None:
        await self._link.write(fragment)

    @override
    async def close(self) -> None:
        try:
            await self._link.close()
        finally:
            self._give_back()

    def _give_back(self) -> None:
        if self._holds:
            self._holds = False
            self._slots.release()
