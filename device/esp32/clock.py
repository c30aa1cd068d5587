"""Milliseconds that never wrap."""

import time


class Clock:
    """Adds up ``ticks_ms``, which wraps after some days; ask it more often than every six."""

    def __init__(self):
        self._last = time.ticks_ms()
        self._total = 0

    def now(self):
        """Return the milliseconds since this object was made."""
        ticks = time.ticks_ms()
        self._total += time.ticks_diff(ticks, self._last)
        self._last = ticks
        return self._total
