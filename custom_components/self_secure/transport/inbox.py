"""What waits for the pump: inputs in their order, and the time by which it looks even if there is none."""

import asyncio
from collections import deque
import math


class Inbox[Input]:
    """For one who waits; needs a running event loop, whose time is its clock.

    Nearly every wait is ended by an input long before its time, so the timer stays set from wait to wait: it is set anew
    for an earlier time only, and when it rings too early, the next wait sets it again.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._inputs: deque[Input] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = math.inf

    def __len__(self) -> int:
        return len(self._inputs)

    @property
    def idle(self) -> bool:
        """Whether somebody waits and nothing is there for him."""
        return self._waiter is not None and not self._waiter.done()

    def put(self, given: Input) -> None:
        """Append an input."""
        self._inputs.append(given)
        self._wake()

    async def get(self, due: float | None) -> Input | None:
        """Return the next input; None says that `due` may have come."""
        if not self._inputs:
            await self._wait(due)
        return self._inputs.popleft() if self._inputs else None

    def rings_by(self, time: float) -> bool:
        """Whether the present wait ends at `time` even without an input."""
        return self._rings_at <= time

    def close(self) -> None:
        """Stop the timer; nobody waits any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self._rings_at = None, math.inf

    async def _wait(self, due: float | None) -> None:
        if due is not None and not self.rings_by(due):
            self.close()
            self._timer, self._rings_at = self._loop.call_at(due, self._ring), due
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _ring(self) -> None:
        self._timer, self._rings_at = None, math.inf
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
