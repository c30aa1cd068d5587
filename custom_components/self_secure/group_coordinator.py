"""One group in Home Assistant: its version on disk, its messages, and what its members have confirmed (protocol.md 9)."""

import asyncio
from dataclasses import dataclass, field
import secrets
from typing import Final

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.helpers import device_registry as dr

from .const import CONF_GID, DOMAIN, MANUFACTURER, OPTION_MEMBERS
from .coordinator import SelfSecureCoordinator
from .groups import GROUP_MODEL, loaded_device, loaded_devices
from .protocol.errors import StoppedError
from .protocol.events import Event, GroupKeyed, GroupSettled, GroupSynced, PairingCompleted
from .protocol.group import GroupMessage, Place
from .protocol.group_sender import Group
from .store import DurableStore

_KEY_VERSION: Final = "key_version"  # in the store: the last version that may have been used

type GroupConfigEntry = ConfigEntry[GroupCoordinator]


@dataclass(slots=True, eq=False)
class Receipt:
    """What is known of one message and one member; `ended` is set when nothing more will be heard of it."""

    delivered: bool = False
    missed: bool = False  # for good; a member that has lost its memory meanwhile may have had it
    seconds: float = 0.0  # from the first sending to the member's receipt
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def end(self, *, delivered: bool, seconds: float = 0.0) -> None:
        """Note what became of it, and wake who waits."""
        self.delivered, self.missed, self.seconds = delivered, not delivered, seconds
        self.ended.set()


def group_store(hass: HomeAssistant, gid: int) -> DurableStore:
    """Return the store of a group's version; no key is ever in it."""
    return DurableStore(hass, f"group.{gid:04x}")


@callback
def leave(device: SelfSecureCoordinator, gid: int) -> None:
    """Let what waits for a device of a group be given up."""
    device.client.tell(lambda connection, now: connection.leave_group(gid, now))


class GroupCoordinator:
    """Seals messages for the members, and hands them to the members' clients."""

    def __init__(self, hass: HomeAssistant, entry: GroupConfigEntry, store: DurableStore, version: int) -> None:
        self.hass, self.config_entry = hass, entry
        self.group = Group(entry.data[CONF_GID], version)
        self._store = store
        self._changing = asyncio.Lock()  # of the version and of the order of messages
        self._numbers: dict[str, int] = {}  # of the members' pairings, as far as they have been loaded
        self._receipts: dict[tuple[str, Place], Receipt] = {}  # that members have not given yet
        self._listeners: set[CALLBACK_TYPE] = set()
        self._stopped = False

    @classmethod
    async def async_load(cls, hass: HomeAssistant, entry: GroupConfigEntry) -> GroupCoordinator:
        """Go on behind the last version on disk; raises `HomeAssistantError`. A lost file heals by what the members know."""
        store = group_store(hass, entry.data[CONF_GID])
        stored = await store.async_load() or {}
        return cls(hass, entry, store, stored.get(_KEY_VERSION, 0))

    # --- what is to be seen

    @property
    def name(self) -> str:
        """What the user calls it."""
        return self.config_entry.title

    @property
    def members(self) -> tuple[str, ...]:
        """Identities of the devices in it."""
        return tuple(self.config_entry.options[OPTION_MEMBERS])

    @property
    def holding(self) -> int:
        """Number of members that hold the present key."""
        if self.group.present is None:
            return 0
        known = (loaded_device(self.hass, identity) for identity in self.members)
        return sum(one is not None and one.connection.group_version(self.group.gid) == self.group.version for one in known)

    @property
    def waiting(self) -> int:
        """Number of messages that members have neither confirmed nor missed, each counted for each member."""
        return len(self._receipts)

    @property
    def device_info(self) -> dr.DeviceInfo:
        """The group as the registry shows it."""
        return dr.DeviceInfo(
            identifiers={(DOMAIN, self.config_entry.unique_id or "")},
            entry_type=dr.DeviceEntryType.SERVICE,
            manufacturer=MANUFACTURER,
            model=GROUP_MODEL,
            name=self.name,
        )

    @callback
    def async_add_listener(self, listener: CALLBACK_TYPE) -> CALLBACK_TYPE:
        """Call `listener` at every change; return what ends that."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def _changed(self) -> None:
        for listener in tuple(self._listeners):
            listener()

    # --- sending

    async def async_send(self, kind: int, body: bytes) -> dict[str, Receipt]:
        """Seal one message and hand it to each member; return what becomes of it. Raises `LocalError`, `StorageError`."""
        async with self._changing:
            self._check_loaded()
            for version in self.group.renewal(self._roster, secrets.token_bytes):
                await self._store.async_save({_KEY_VERSION: version})
                self._check_loaded()
            message = self.group.seal(kind, body)
            receipts = {identity.hex(): self._hand_over(identity.hex(), message) for identity in self.group.roster}
        self._changed()
        return receipts

    def _check_loaded(self) -> None:
        """Another coordinator may go on with the version that is on disk now."""
        if self._stopped:
            raise StoppedError("the group is not loaded any more")

    def _roster(self) -> dict[bytes, int]:
        """Return the members with the numbers of their pairings; of one that is not loaded, the last one known."""
        for identity in self.members:
            device = loaded_device(self.hass, identity)
            if device is not None and device.connection.pairings:
                self._numbers[identity] = device.connection.pairings[0].number
        return {bytes.fromhex(identity): self._numbers.get(identity, 0) for identity in self.members}

    def _hand_over(self, identity: str, message: GroupMessage) -> Receipt:
        receipt, device = Receipt(), loaded_device(self.hass, identity)
        if device is None:
            receipt.end(delivered=False)
        else:
            self._receipts[identity, message.place] = receipt
            device.client.tell(lambda connection, now: connection.send_group(message, now))
        return receipt

    # --- what members say

    @callback
    def async_heard(self, identity: str, event: Event) -> None:
        """Take one event of a member's client."""
        gid = self.group.gid
        match event:
            case GroupSettled() if event.gid == gid:
                self._settle(identity, event)
            case GroupSynced() if event.gid == gid:
                self._answer(identity, event)
            case GroupKeyed() | PairingCompleted():
                pass
            case _:
                return
        self._changed()

    def _settle(self, identity: str, event: GroupSettled) -> None:
        receipt = self._receipts.pop((identity, Place(event.gid, event.version, event.n)), None)
        if receipt is not None:
            receipt.end(delivered=event.delivered, seconds=event.seconds)

    def _answer(self, identity: str, event: GroupSynced) -> None:
        """Send the present key to a member that has lost its own."""
        key, device = self.group.asked(event.version, self._roster(), refused=event.refused), loaded_device(self.hass, identity)
        if key is not None and device is not None:
            device.client.tell(lambda connection, now: connection.send_group_key(key, now))

    @callback
    def async_gone(self, identity: str) -> None:
        """A member is not loaded any more, and what waited for it is gone."""
        for key in [key for key in self._receipts if key[0] == identity]:
            self._receipts.pop(key).end(delivered=False)
        self._changed()

    # --- ends

    @callback
    def async_tell_leavers(self) -> None:
        """Let what waits for devices that are not members any more be given up."""
        for device in loaded_devices(self.hass):
            if device.identity not in self.members:
                leave(device, self.group.gid)

    async def async_stop(self) -> None:
        """The entry is unloaded: who waits hears nothing more here, although what waits for members still goes to them.

        Nothing is written any more when this returns.
        """
        self._stopped = True
        for receipt in self._receipts.values():
            receipt.ended.set()
        self._receipts.clear()
        async with self._changing:
            pass
