"""The invariants that are looked at whenever either side writes: a common epoch, and no key that only one side knows."""

from collections.abc import Iterable
from typing import Any

from custom_components.self_secure.protocol import snapshot
from self_secure_device import keyring

from .counts import ViolationError
from .hub import Disk


class Watch:
    """Sees both storages."""

    def __init__(self) -> None:
        self._hub_keys: set[str] = set()  # ever on its disk
        self._device_keys: set[str] = set()  # ever in a flash
        self.tainted = False  # a storage was restored or a copy was used: there may be no common epoch until the next one

    def hub_wrote(self, disk: Disk) -> None:
        """Take what the hub has on disk now; it must be readable again."""
        snapshot.decode(disk)
        self._hub_keys.update(hub_keys(disk))

    def device_wrote(self, flash: bytes) -> None:
        """Take what a device has in its flash now."""
        self._device_keys.update(entry.store.hex() for entry in entries(flash))

    def check_common(self, disk: Disk | None, flash: bytes | None) -> None:
        """What the device holds is what the hub has on disk (protocol.md 7); while it pairs, at least one key."""
        held = entries(flash)
        if self.tainted or not any(entry.committed for entry in held):
            return
        disk_keys = set(hub_keys(disk))
        common = [entry.store.hex() in disk_keys for entry in held]
        pairing = any(not entry.committed for entry in held)
        if not (any(common) if pairing else all(common)):
            raise ViolationError(f"no common epoch: the device holds {len(held)} keys, {sum(common)} of them are on the hub's disk")

    def hub_uses(self, disk: Disk | None, epoch: int) -> None:
        """The hub has started chains of `epoch`: the device must have that key."""
        used = [pairing["keys"][str(epoch)] for pairing in _pairings(disk) if str(epoch) in pairing["keys"]]
        if not self._device_keys.intersection(used):
            raise ViolationError("forged: the hub uses a key that no device has")

    def device_uses(self, key: Any) -> None:
        """A device has taken a key into use: the hub must have it."""
        if key.store.hex() not in self._hub_keys:
            raise ViolationError("forged: the device uses a key that the hub never had")


def _pairings(disk: Disk | None) -> Iterable[Any]:
    return disk["pairings"] if disk else ()


def hub_keys(disk: Disk | None) -> Iterable[str]:
    """Yield the keys on the hub's disk."""
    return (key for pairing in _pairings(disk) for key in pairing["keys"].values())


def entries(flash: bytes | None) -> list[Any]:
    """Return the keys in a device's flash."""
    held: list[Any] = keyring.decode(flash)[1] if flash else []
    return held


def mark_on_disk(disk: Disk | None, key: Any) -> int:
    """Return the highest id that the hub has accepted in the pairing of a device's `key`; 0 if it does not know it."""
    return max((pairing["mark"] for pairing in _pairings(disk) if key and key.store.hex() in pairing["keys"].values()), default=0)


def marks_in_flash(disk: Disk | None, flash: bytes | None) -> int:
    """Return the highest id that the device has accepted in the pairing that the hub's queue belongs to, its newest."""
    newest = next(iter(_pairings(disk)), None)
    keys = set(newest["keys"].values()) if newest else set()
    return max((entry.mark for entry in entries(flash) if entry.store.hex() in keys), default=0)
