"""An event that can be waited for with a time limit, without cancelling anybody inside an adapter's command."""

import asyncio
from collections.abc import Callable


class Waker:
    """Set from anywhere on the loop, waited for by one task."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        """Wake the waiting task, or the next one that waits."""
        self._event.set()

    async def wait(self, until: float | None = None) -> None:
        """Return when set (which is then forgotten) or at the loop's time ``until``."""
        try:
            async with asyncio.timeout_at(until):
                await self._event.wait()
        except TimeoutError:
            return
        self._event.clear()

    async def wait_while(self, condition: Callable[[], bool], until: float | None = None) -> None:
        """Wait until ``condition`` is false (checked whenever set) or the loop's time is ``until``."""
        loop = asyncio.get_running_loop()
        while condition() and (until is None or loop.time() < until):
            await self.wait(until)
