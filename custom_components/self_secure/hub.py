"""What all devices of this Home Assistant share: its identity, the pairing options, and the one human check."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
import logging
import secrets
from typing import TYPE_CHECKING, Any, Final

from homeassistant.components import bluetooth
from homeassistant.core import Event as BusEvent, HomeAssistant
from homeassistant.util.hass_dict import HassKey

from .const import CONF_HUB, DOMAIN
from .protocol.connection import Connection, Settings
from .protocol.limits import DEFAULT_ASSUMED_LOSS, IDENTITY_SIZE
from .protocol.refusal import Refusals
from .protocol.suites import HYBRID
from .protocol.terms import HumanCheckSlot
from .relays import Relay, Relays
from .store import DurableStore, Stored, hub_store
from .tallies import Tallies
from .transport.slots import Slots

if TYPE_CHECKING:
    from .pairing import PairingAttempt
    from .protocol.events import Event
    from .transport.client import Client

_LOGGER = logging.getLogger(__name__)

SLOTS_PER_RECEIVER: Final = 3  # what an ESPHome proxy has; adapters have more, which other integrations may use

HUB: HassKey[Hub] = HassKey(DOMAIN)
OPTIONS: Final = frozenset({"floor", "minimum", "target_bits", "assumed_loss", "n_max", "w", "omega"})
"""What may stand in the store's `options`; everything else has its default."""


@dataclass(frozen=True, slots=True)
class Handover:
    """A paired device on its way from the config flow to its entry."""

    client: Client
    backlog: list[Event]  # what it said meanwhile
    relay: Relay | None = None  # over which it is connected


@dataclass(slots=True)
class Hub:
    """One per Home Assistant, in `hass.data`.

    `unfinished` names the devices whose key may be on disk without an entry: Home Assistant writes that a second later,
    and may be killed in between.
    """

    hub_id: bytes
    options: Mapping[str, Any]
    store: DurableStore
    stored: Stored  # as read, so that what a newer version has added is kept
    tallies: Tallies
    unfinished: frozenset[str] = frozenset()  # identities, 32 hex digits
    human_check: HumanCheckSlot = field(default_factory=HumanCheckSlot)
    refusals: Refusals = field(default_factory=Refusals)
    handovers: dict[str, Handover] = field(default_factory=dict)  # by identity, 32 hex digits
    slots: Slots = field(default_factory=lambda: Slots(lambda: 1))
    relays: Relays = field(default_factory=Relays)
    attempts: dict[bytes, PairingAttempt] = field(default_factory=dict)  # by short id
    option_listeners: set[Callable[[], None]] = field(default_factory=set)
    _changing: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def assumed_loss(self) -> int:
        """Percent of the broadcast that a listener is assumed to miss."""
        return int(self.options.get("assumed_loss", DEFAULT_ASSUMED_LOSS))

    @property
    def floor(self) -> int:
        """Id of the weakest suite that is accepted where the user has not said otherwise."""
        return int(self.options.get("floor", HYBRID.id))

    @property
    def settings(self) -> Settings:
        """What connections obey now."""
        return Settings(hub_id=self.hub_id, human_check=self.human_check, refusals=self.refusals, **self.options)

    def connection(self, snapshot: Mapping[str, Any] | None) -> Connection:
        """Build the protocol state of a device; raises `SnapshotError`."""
        entropy: Callable[[int], bytes] = secrets.token_bytes
        return Connection(self.settings, entropy, snapshot)

    def unfinished_key(self, short_id: bytes) -> str | None:
        """Return the identity of a device with this short id whose pairing ended without an entry."""
        return next((identity for identity in self.unfinished if identity.startswith(short_id.hex())), None)

    def attempt_with(self, identity: str) -> PairingAttempt | None:
        """Return the dialog's attempt that has the device's only client: two would write over each other's state."""
        return next((attempt for attempt in self.attempts.values() if attempt.occupies(identity)), None)

    async def async_note(self, identity: str) -> None:
        """Remember that a key without an entry is about to be stored; raises `StorageError`."""
        async with self._changing:
            if identity not in self.unfinished:
                await self._async_save(self.options, self.unfinished | {identity})

    async def async_forget(self, identity: str) -> None:
        """The key of this device is gone; raises `StorageError`."""
        async with self._changing:
            if identity in self.unfinished:
                await self._async_save(self.options, self.unfinished - {identity})

    async def async_set_options(self, options: Mapping[str, Any]) -> None:
        """Store the options of all devices, and tell all who obey them. Raises `StorageError`."""
        async with self._changing:
            await self._async_save({**self.options, **options}, self.unfinished)
        for changed in tuple(self.option_listeners):
            changed()

    async def _async_save(self, options: Mapping[str, Any], unfinished: frozenset[str]) -> None:
        """Write, and only then use: what could not be written must not come back with the next write."""
        kept = {**self.stored["options"], **options}
        stored = {**self.stored, "options": kept, "unfinished": sorted(unfinished)}
        await self.store.async_save(stored)
        self.stored, self.options, self.unfinished = stored, options, unfinished

    async def async_take_back(self, identity: str | None) -> None:
        """End a client that no entry has taken."""
        if handover := self.handovers.pop(identity or "", None):
            await handover.client.stop()

    async def async_stop(self, _event: BusEvent) -> None:
        """Home Assistant is stopping: end what no entry owns, all at once, because there is little time."""
        attempts = (attempt.stop() for attempt in tuple(self.attempts.values()))
        await asyncio.gather(*attempts, *(self.async_take_back(identity) for identity in tuple(self.handovers)))


async def async_load_hub(hass: HomeAssistant) -> Hub:
    """Return this Home Assistant's hub, made on the first call; raises `StorageError`.

    The devices find their key by the hub's identity. When its file is lost, an entry still knows it.
    """
    store = hub_store(hass)
    stored = await store.async_load() or {}
    if CONF_HUB not in stored:
        stored = {CONF_HUB: _known_hub_id(hass) or secrets.token_hex(IDENTITY_SIZE), "options": {}}
        await store.async_save(stored)
    options = {name: value for name, value in stored.setdefault("options", {}).items() if name in OPTIONS}
    unfinished = frozenset(stored.get("unfinished", ())) - {entry.unique_id for entry in hass.config_entries.async_entries(DOMAIN)}
    tallies = Tallies(hass)
    await tallies.async_load()
    slots = Slots(lambda: connection_limit(hass))
    return Hub(bytes.fromhex(stored[CONF_HUB]), options, store, stored, tallies, unfinished, slots=slots)


def connection_limit(hass: HomeAssistant) -> int:
    """Return how many links all devices together may have now."""
    return SLOTS_PER_RECEIVER * bluetooth.async_scanner_count(hass, connectable=True)


def _known_hub_id(hass: HomeAssistant) -> str | None:
    known: list[str] = [entry.data[CONF_HUB] for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)]
    if known:
        _LOGGER.warning("The file with this Home Assistant's identity was lost, it is restored from a device's entry")
    return next(iter(known), None)
