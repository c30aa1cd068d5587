"""Old storage comes back, and copies of the device: what no protocol can prevent, and what must be noticed."""

from collections import deque
import random
from typing import TYPE_CHECKING, Final

from .air import TO_HUB
from .hub import Disk

if TYPE_CHECKING:
    from .world import World

KEPT: Final = 12  # backups of each side
HUSH: Final = 25  # messages that are not sent, so that all are idle when chains are compared


class Storage:
    """Backups of both sides, taken now and then."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._disks: deque[Disk] = deque(maxlen=KEPT)
        self._flashes: deque[bytes] = deque(maxlen=KEPT)
        self._hush = 0

    def keep(self) -> None:
        """Make a backup of both."""
        if self._world.hub.disk is not None:
            self._disks.append(self._world.hub.disk)
        if self._world.node.flash is not None:
            self._flashes.append(self._world.node.flash)

    def restore_hub(self) -> None:
        """The hub's user restores a backup."""
        if not self._disks:
            return
        world, disk = self._world, self._rng.choice(self._disks)
        world.counts.fault("restored: hub")
        world.watch.tainted = True
        for row in disk["queue"]:
            world.ledger.may_repeat(bytes.fromhex(row["body"]), readings_only=False)
        for message in world.front.core.peer.queue if world.front.core.peer else ():
            world.ledger.may_repeat(message.body, readings_only=False)
        world.ledger.forgotten(TO_HUB, [bytes.fromhex(row["body"]) for row in disk["queue"]])
        world.hub.disk = disk
        world.drop_hub()

    def restore_device(self) -> None:
        """An old flash is put into the device."""
        if not self._flashes:
            return
        world = self._world
        self.leave()
        world.counts.fault("restored: device")
        world.watch.tainted = True
        for row in world.hub.disk["queue"] if world.hub.disk else ():
            world.ledger.may_repeat(bytes.fromhex(row["body"]), readings_only=False)
        world.node.flash = self._rng.choice(self._flashes)
        world.drop_device()

    # --- copies

    def clone(self) -> bool:
        """Put a copy of the device in its place, if it is paired: of its flash, or of its memory while nothing is under way."""
        world = self._world
        if world.front is not world.node or world.node.core.peer is None:
            return False
        copy = world.new_device(random.Random(self._rng.random()).randbytes)
        if world.node.core.peer.queue or world.hub.connection.queued:
            world.counts.fault("clone: of the flash")
            copy.flash = world.node.flash
            copy.start()
        else:
            world.counts.fault("clone: of the whole memory")
            world.disconnect()
            copy.remember(world.node)
        world.swap(copy)
        self._hush = HUSH
        return True

    def leave(self) -> None:
        """The true device is back."""
        world = self._world
        if world.front is not world.node:
            world.counts.fault("clone: gone again")
            world.swap(world.node)
            world.tell("rotate", world.now)
            self._hush = HUSH

    def hushed(self) -> bool:
        """Tell whether a message is held back, for some time after a copy has come or gone."""
        self._hush = max(0, self._hush - 1)
        return self._hush > 0
