"""How many messages each device has exchanged since its pairing, counted whether or not an entity shows it."""

import logging
from typing import Final

from homeassistant.core import HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store

from .const import DOMAIN
from .protocol.events import EpochStarted, Event, MessageDelivered, MessageReceived

_LOGGER = logging.getLogger(__name__)

SAVE_SECONDS: Final = 900.0  # what a crash may cost the count; as Home Assistant does with the states that it restores


class Tallies:
    """One number per device, on disk a quarter of an hour later at most; nothing in it is secret or needed."""

    def __init__(self, hass: HomeAssistant) -> None:
        self._store: Store[dict[str, int]] = Store(hass, 1, f"{DOMAIN}.tallies")
        self._counts: dict[str, int] = {}
        self._saving = False

    async def async_load(self) -> None:
        """Go on from what is on disk; what cannot be read is counted from zero."""
        try:
            self._counts = dict(await self._store.async_load() or {})
        except HomeAssistantError as error:
            _LOGGER.warning("The counts of messages begin anew: %s", error)

    def of(self, identity: str) -> int:
        """Return the messages that either side accepted since the pairing."""
        return self._counts.get(identity, 0)

    @callback
    def count(self, identity: str, event: Event) -> None:
        """Count a message, or begin again with a pairing."""
        match event:
            case MessageReceived() | MessageDelivered():
                self._set(identity, self.of(identity) + 1)
            case EpochStarted(resumed=False):
                self._set(identity, 0)
            case _:
                pass

    @callback
    def forget(self, identity: str) -> None:
        """The device is gone."""
        if self._counts.pop(identity, None) is not None:
            self._save_later()

    def _set(self, identity: str, count: int) -> None:
        self._counts[identity] = count
        self._save_later()

    def _save_later(self) -> None:
        """Save once, however much is counted until then: each further call would only put the save off."""
        if not self._saving:
            self._saving = True
            self._store.async_delay_save(self._to_save, SAVE_SECONDS)

    def _to_save(self) -> dict[str, int]:
        self._saving = False
        return dict(self._counts)
