"""Old states put back: a restored snapshot of the hub, a flash image of the device, or both of the same moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .fuse import Fuse
from .life import Life, NotRecoveredError
from .verdict import Verdict, judge

HUB, DEVICE, BOTH = "hub", "device", "both"
SAME_EPOCH, OLDER = "backup of the same epoch", "backup of an older epoch"
CONTACTS = 60.0  # virtual seconds in which both try by themselves; then the user pairs again


@dataclass(frozen=True, slots=True)
class Backup:
    """What was on both disks at one moment."""

    epoch: int
    hub: Mapping[str, Any]
    device: bytes


def take(life: Life) -> Backup:
    """Copy both disks; LookupError before the first write."""
    device = life.node.stored
    if device is None:
        raise LookupError("the device has not stored anything yet")
    return Backup(life.node.core.peer.session.epoch, life.disk.states[-1], device)


def history(life: Life) -> list[Backup]:
    """Pair and talk over three epochs; return a backup after each step, the last one being the present."""
    backups = []
    life.pair()
    for name in ("first", "second", "third"):
        life.talk(name)
        backups.append(take(life))
        life.renew()
        backups.append(take(life))
    life.talk("fourth", 1)  # few enough to stay within the epoch
    return [*backups, take(life)]


def choose(backups: list[Backup], age: str) -> list[Backup]:
    """Return the backups of the present epoch, or of all older ones."""
    present = backups[-1].epoch
    return [backup for backup in backups[:-1] if (backup.epoch == present) == (age == SAME_EPOCH)]


def restore(life: Life, who: str, backup: Backup) -> None:
    """Put a backup back and start again from it."""
    life.world.disconnect()
    if who in (HUB, BOTH) and life.world.revive is not None:
        life.disk.save(backup.hub)
        life.world.hub = life.world.revive()
    if who in (DEVICE, BOTH):
        life.node.stored = backup.device
        life.node.power_cut()
    life.world.fail()


def restored(suite: int, who: str, age: str, number: int, seed: str) -> Verdict | None:
    """Play a life in which backup `number` of that age is put back; None when there is none."""
    life = Life(suite, Fuse(()), seed)
    fitting = choose(history(life), age)
    if number >= len(fitting):
        return None
    restore(life, who, fitting[number])
    try:
        if not life.world.run(life.healthy, CONTACTS):
            life.repair()
        life.talk("last")
    except NotRecoveredError:
        return judge(life, recovered=False)
    return judge(life, recovered=True)
