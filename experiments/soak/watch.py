"""The invariants that are looked at whenever either side writes: a common epoch, and no key that only one side knows."""

from collections.abc import Iterable, Iterator
from typing import Any

from custom_components.self_secure.protocol import snapshot
from self_secure_device import keyring
from self_secure_device.paper.chains import rounds

from .counts import ViolationError
from .hub import Disk


class Watch:
    """Sees both storages; of a device with keys of others, too, only those of `owner`."""

    def __init__(self, owner: bytes | None = None) -> None:
        self._owner = owner
        self._hub_keys: set[str] = set()  # ever on its disk
        self._device_keys: set[str] = set()  # ever in a flash
        self._newest = 0  # number of the hub's newest pairing
        self.tainted = False  # a storage was restored or a copy was used: there may be no common epoch until the next one

    def hub_wrote(self, disk: Disk) -> bool:
        """Take what the hub has on disk now: it must be readable again, and what the device has used must be a device's.

        Return whether a pairing is new.
        """
        snapshot.decode(disk)
        for pairing in _pairings(disk):
            keys = pairing_keys(pairing)
            self._hub_keys |= keys
            if pairing["committed"] and not keys & self._device_keys:
                raise ViolationError("forged: the hub has committed a pairing that no device has")
        newest = max((pairing["number"] for pairing in _pairings(disk)), default=0)
        risen, self._newest = newest > self._newest, newest
        return risen

    def device_wrote(self, flash: bytes) -> None:
        """Take what a device has in its flash now."""
        for entry in self._held(flash):
            self._device_keys.update(*entry_keys(entry))

    def check_common(self, disk: Disk | None, flash: bytes | None) -> None:
        """What the device holds is what the hub has on disk (protocol.md 7); while it pairs, at least one key."""
        held = self._held(flash)
        if self.tainted or not any(entry.committed for entry in held):
            return
        disk_keys = {key for pairing in _pairings(disk) for key in pairing_keys(pairing)}
        common = [all(disk_keys.intersection(keys) for keys in entry_keys(entry)) for entry in held]
        pairing = any(not entry.committed for entry in held)
        if not (any(common) if pairing else all(common)):
            raise ViolationError(f"no common epoch: the device holds {len(held)} keys, {sum(common)} of them are on the hub's disk")

    def _held(self, flash: bytes | None) -> list[Any]:
        return [entry for entry in entries(flash) if self._owner in (None, entry.identity)]

    def hub_resumed(self, disk: Disk | None, epoch: int) -> None:
        """The hub has started chains of `epoch` by a resume: the device must have that key."""
        used = {key for pairing in _pairings(disk) for key in _keys_of_epoch(pairing, epoch)}
        if not self._device_keys & used:
            raise ViolationError("forged: the hub uses a key that no device has")

    def device_uses(self, key: Any) -> None:
        """A device has taken a key into use: the hub must have it."""
        if not all(self._hub_keys.intersection(keys) for keys in entry_keys(key)):
            raise ViolationError("forged: the device uses a key that the hub never had")


def _pairings(disk: Disk | None) -> Iterable[Any]:
    return disk["pairings"] if disk else ()


def pairing_keys(pairing: Any) -> set[str]:
    """Return the keys of one pairing on the hub's disk: of epochs, or W-round keys in suite paper."""
    return {*pairing["keys"].values(), *(row[2] for row in pairing["rounds"])}


def _keys_of_epoch(pairing: Any, epoch: int) -> Iterator[str]:
    yield from (key for number, key in pairing["keys"].items() if int(number) == epoch)
    yield from (key for _, number, key in pairing["rounds"] if number == epoch)


def entries(flash: bytes | None) -> list[Any]:
    """Return the keys in a device's flash."""
    held: list[Any] = keyring.decode(flash)[1] if flash else []
    return held


def entry_keys(entry: Any) -> list[list[str]]:
    """Return what one key in a flash is made of, of each list any one will do: the W-round keys of each direction, or SK_e."""
    if not entry.suite.paper:
        return [[entry.store.hex()]]
    return [[key.hex() for _, key in rounds(entry.store, direction)] for direction in (0, 1)]


def _belong(pairing: Any, entry: Any) -> bool:
    return any(pairing_keys(pairing).intersection(keys) for keys in entry_keys(entry))


def mark_on_disk(disk: Disk | None, key: Any) -> int:
    """Return the highest id that the hub has accepted in the pairing of a device's `key`; 0 if it does not know it."""
    return max((pairing["mark"] for pairing in _pairings(disk) if key and _belong(pairing, key)), default=0)


def mark_in_flash(disk: Disk | None, flash: bytes | None) -> int:
    """Return the highest id that the device has accepted in a pairing that the hub knows."""
    return max((entry.mark for entry in entries(flash) if any(_belong(pairing, entry) for pairing in _pairings(disk))), default=0)
