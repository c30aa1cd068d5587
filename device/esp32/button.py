"""One button: a press pairs anew, ten seconds erase every key."""

from micropython import const

_PRESS_MS = const(50)  # a shorter contact is a bounce
_HOLD_MS = const(10_000)  # nobody holds a button that long by chance


class Button:
    """A pin with a pull-up that a finger pulls low."""

    def __init__(self, pin):
        self._pin = pin
        self._since = None  # when it went down
        self._held = False  # the long press was reported

    def step(self, now):
        """Return "press" when it was let go, "hold" once while it is still down, else None; ``now`` is in ms."""
        if not self._pin.value():
            return self._down(now)
        since, self._since = self._since, None
        held, self._held = self._held, False
        return "press" if since is not None and not held and now - since >= _PRESS_MS else None

    def _down(self, now):
        if self._since is None:
            self._since = now
        if self._held or now - self._since < _HOLD_MS:
            return None
        self._held = True
        return "hold"
