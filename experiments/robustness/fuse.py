"""Where something goes wrong: the n-th of certain places that a life passes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

HUB_BEFORE, HUB_AFTER = "hub before write", "hub after write"
DEVICE_BEFORE, DEVICE_AFTER = "device before write", "device after write"
HUB_FRAGMENT, DEVICE_FRAGMENT = "fragment of the hub", "fragment of the device"
HUB_WRITES = frozenset({HUB_BEFORE, HUB_AFTER})
DEVICE_WRITES = frozenset({DEVICE_BEFORE, DEVICE_AFTER})


class PowerCutError(Exception):
    """The power goes off in the middle of a call."""


class LinkLostError(Exception):
    """The connection drops, and with it the fragment that was to be sent."""


@dataclass(slots=True)
class Fuse:
    """Blows once, at place number `at` (from 1) of those in `places`; without `at` it only counts."""

    places: Iterable[str]
    at: int | None = None
    passed: int = 0
    blown: str | None = None
    armed: bool = field(default=False)

    def reached(self, place: str) -> bool:
        """Tell whether it blows here."""
        if not self.armed or place not in self.places:
            return False
        self.passed += 1
        if self.passed != self.at:
            return False
        self.blown = place
        return True
