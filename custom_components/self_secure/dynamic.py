"""Entities that appear when the device first says something, and are there at once after a restart."""

from collections.abc import Callable, Iterable

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.helpers.entity_platform import AddConfigEntryEntitiesCallback

from .coordinator import SelfSecureConfigEntry


def known_suffixes(hass: HomeAssistant, entry: SelfSecureConfigEntry, domain: str) -> list[str]:
    """Return what follows the identity in the unique ids that this device has in the registry."""
    registered = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return [one.unique_id.partition("-")[2] for one in registered if one.domain == domain]


class Appearing[K]:
    """Adds one entity per key, once.

    Args:
        make: the entity of a key.
        add_entities: of the platform.
    """

    def __init__(self, make: Callable[[K], Entity], add_entities: AddConfigEntryEntitiesCallback) -> None:
        self._make = make
        self._add_entities = add_entities
        self._known: set[K] = set()

    @callback
    def see(self, keys: Iterable[K]) -> None:
        """Add those of `keys` that are new."""
        new = [key for key in keys if key not in self._known]
        self._known.update(new)
        if new:
            self._add_entities([self._make(key) for key in new])


@callback
def when_it_takes_text(entry: SelfSecureConfigEntry, add: Callable[[], None]) -> None:
    """Call `add` once, when the device has said that it shows texts; at once if it has."""
    coordinator = entry.runtime_data
    added: set[bool] = set()

    @callback
    def look() -> None:
        if coordinator.takes_text and not added:
            added.add(True)
            add()

    entry.async_on_unload(coordinator.async_add_listener(look))
    look()
