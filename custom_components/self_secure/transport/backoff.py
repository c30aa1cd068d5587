"""When to try a connection again."""

from collections.abc import Callable
from random import SystemRandom
from typing import Final

FIRST_DELAY: Final = 0.5  # s; a negotiation waits 3-5 s for an answer and shall survive one lost connection
LONGEST_DELAY: Final = 60.0  # s; a device that comes back is found by its beacon before that
BUSY_DELAY: Final = 2.0  # s; about as long as another hub takes, and one that has nothing to do there leaves sooner
BUSY_MOST: Final = 16  # refusals in a row that may be other hubs' doing
JITTER: Final = 0.2  # share; devices that failed together shall not come back together


class BackOff:
    """Doubles the delay from failure to failure.

    Args:
        jitter: returns a number in -1..1.
        first: the delay after the first failure, in s.
        longest: the longest one.
    """

    def __init__(self, jitter: Callable[[], float] | None = None, first: float = FIRST_DELAY, longest: float = LONGEST_DELAY) -> None:
        self._jitter = jitter or _jitter
        self._first, self._longest = first, longest
        self._failures = self._refusals = 0
        self.until = float("-inf")  # no attempt before

    def failed(self, now: float) -> None:
        """Wait longer than the time before."""
        self._wait(min(self._longest, self._first * 2.0**self._failures), now)
        self._failures = min(self._failures + 1, 16)  # 2^16 is far beyond the longest delay

    def refused(self, now: float) -> None:
        """Wait a little: the device is there, and may have been busy with another hub. Who is refused too often waits as after a failure."""
        self._refusals += 1
        if self._refusals > BUSY_MOST:
            self.failed(now)
        else:
            self._wait(min(BUSY_DELAY, self._first * 2.0**self._refusals), now)

    def _wait(self, delay: float, now: float) -> None:
        self.until = now + delay * (1 + JITTER * self._jitter())

    def hurry(self) -> None:
        """Try at once, because something says that it is worth it; the next failure waits as long as it would have."""
        self.until = float("-inf")

    def succeeded(self) -> None:
        """Begin anew with the shortest delay."""
        self._failures = self._refusals = 0
        self.hurry()


def _jitter() -> float:
    return SystemRandom().uniform(-1, 1)
