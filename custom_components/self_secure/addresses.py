"""At which addresses a device is listened for: it may change its own, and anybody may send beacons with its short id."""

from collections.abc import Callable, Container
from typing import Final

from homeassistant.core import CALLBACK_TYPE

ADDRESSES_MAX: Final = 8  # a device that changes its address shall be found, one that fakes them shall not fill the memory


class Addresses:
    """Listens at the latest addresses, and at those that count in any case.

    Args:
        listen: begins to listen at one address; returns how to stop.
        counting: the addresses at which the device has proved itself, or is looked for now.
    """

    def __init__(self, listen: Callable[[str], CALLBACK_TYPE], counting: Callable[[], Container[str]]) -> None:
        self._listen, self._counting = listen, counting
        self._stops: dict[str, CALLBACK_TYPE] = {}  # by address, the oldest first

    def __len__(self) -> int:
        return len(self._stops)

    def add(self, address: str) -> None:
        """Listen there as well; in place of the oldest one that does not count if there are too many."""
        if address in self._stops:
            return
        if len(self._stops) >= ADDRESSES_MAX:
            counting = self._counting()
            self._stops.pop(next(one for one in self._stops if one not in counting))()
        self._stops[address] = self._listen(address)

    def clear(self) -> None:
        """Stop listening."""
        for stop in self._stops.values():
            stop()
        self._stops.clear()
