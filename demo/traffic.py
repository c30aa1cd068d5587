"""Messages sent without a pause, so that a crash comes in the middle of them."""

import asyncio
from collections import Counter
import contextlib
from itertools import count
from typing import TYPE_CHECKING

from .errors import DemoError

if TYPE_CHECKING:
    from .hub import Hub


class Traffic:
    """Texts sent one after the other. ``delivered``: the action's response said so; ``unknown``: Home Assistant died before it answered.

    ``word`` begins each of them; an answer is waited for as long as the action does, or for ``seconds``.
    """

    def __init__(self, word: str = "message", seconds: int | None = None) -> None:
        self._word, self._seconds = word, seconds
        self.delivered: list[str] = []
        self.unknown: list[str] = []
        self._numbers = count(1)
        self._news = asyncio.Event()

    async def send(self, hub: Hub, device_id: str) -> str:
        """Send one text and return it; DemoError when Home Assistant does not report it as delivered."""
        text = f"{self._word} {next(self._numbers)}"
        self.unknown.append(text)
        if not await hub.send(device_id, text, self._seconds):
            raise DemoError(f"“{text}” was not reported as delivered")
        self.unknown.remove(text)
        self.delivered.append(text)
        self._news.set()
        return text

    async def send_for_ever(self, hub: Hub, device_id: str) -> None:
        """Send until Home Assistant dies."""
        while True:
            await self.send(hub, device_id)

    async def wait_for_deliveries(self, wanted: int, sender: asyncio.Task[None], within: float) -> None:
        """Wait until so many texts were delivered; the sender's own failure comes first."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while len(self.delivered) < wanted and not sender.done():
                    self._news.clear()
                    await asyncio.wait([sender, asyncio.create_task(self._news.wait())], return_when=asyncio.FIRST_COMPLETED)
        if sender.done():
            sender.result()
        if len(self.delivered) < wanted:
            raise DemoError(f"{len(self.delivered)} of {wanted} messages delivered within {within:.0f} s")

    def check(self, received: list[str]) -> int:
        """Compare with what the device printed: each delivered text once, each unknown one at most once, nothing else; return how many."""
        seen = Counter(received)
        lost = [text for text in self.delivered if text not in seen]
        twice = [text for text, times in seen.items() if times > 1]
        foreign = seen.keys() - {*self.delivered, *self.unknown}
        if lost or twice or foreign:
            raise DemoError(f"lost {lost}, acted on twice {twice}, never sent {sorted(foreign)}")
        return len(seen)
