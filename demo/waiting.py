"""Waiting for what another program does by itself and tells nobody."""

import asyncio
import time
from typing import TYPE_CHECKING

from .errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from .processes import Process

#: Seconds between two looks.
POLL = 0.25


async def until[T](
    look: Callable[[], Awaitable[T]], good: Callable[[T], bool], within: float, complaint: str, culprit: Process | None = None
) -> T:
    """Look again and again until what is seen is good, and return it.

    Raises:
        DemoError: ``complaint``, the seconds, and what was seen last.
    """
    deadline = time.monotonic() + within
    while not good(seen := await look()):
        if time.monotonic() > deadline:
            raise DemoError(f"{complaint} after {within:.0f} s: {seen}", culprit)
        await asyncio.sleep(POLL)
    return seen
