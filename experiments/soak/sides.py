"""Hub and device, their storage and power, what is watched of them, and how they end and begin again."""

from abc import ABC, abstractmethod
from collections.abc import Callable
import random
from typing import TYPE_CHECKING, Any, Final

from custom_components.self_secure.protocol.events import Event, MessageType
from self_secure_device import keyring

from .air import TO_DEVICE, TO_HUB, Air, Sent
from .counts import Counts, ViolationError
from .device import DeviceSide
from .hearing import DeviceEars, HubEars
from .hub import HubSide
from .ledger import Ledger
from .power import Power, PowerCutError
from .profile import Profile
from .reuse import Reuse
from .watch import Watch, mark_in_flash, mark_on_disk

if TYPE_CHECKING:
    from .user import User

PRESS_LASTS: Final = 1_200.0  # s: ten minutes for the first REQ, the rest for a negotiation that it began
RESUMES_TO_HEAL: Final = 2  # after that nothing of a copy's numbers is left in any queue


class Sides(ABC):
    """Both sides; the link between them is the subclass's."""

    user: User

    def __init__(self, profile: Profile, keys: random.Random, counts: Counts, reuse: Reuse) -> None:
        self.profile, self.counts, self.reuse = profile, counts, reuse
        self.now = 0.0
        self.watch, self.ledger, self.air = Watch(), Ledger(counts), Air(counts, self._left)
        self.hang_up = False  # the hub does not need the link any more
        self.head: Any = None  # the device's oldest message before it heard the present fragment
        self.pressed_at = -PRESS_LASTS  # when somebody last pressed the device's button
        self._resumes = 0  # since a copy was here
        self.hub_power, self.device_power = Power("hub", counts), Power("device", counts)
        self.hub = HubSide(profile, keys.randbytes, self.hub_power, HubEars(self), self._hub_wrote)
        self.node = self.new_device(keys.randbytes)
        self.front = self.node  # the device that the hub reaches
        self.node.start()

    def new_device(self, urandom: Callable[[int], bytes]) -> DeviceSide:
        """Return a device that has not started."""
        ears = DeviceEars(self)
        side = DeviceSide(self.profile, urandom, self.device_power, ears, self._device_wrote)
        ears.side = side
        return side

    @property
    def ms(self) -> int:
        """The device's clock."""
        return round(self.now * 1000)

    @property
    @abstractmethod
    def linked(self) -> bool:
        """Tell whether there is a link."""

    @abstractmethod
    def unlink(self) -> None:
        """The link is gone; the hub does not know yet."""

    @abstractmethod
    def disconnect(self) -> None:
        """The link drops, at both ends."""

    @abstractmethod
    def show_beacon(self) -> None:
        """Let the hub hear a beacon soon."""

    # --- inputs, and the ends of both

    def tell(self, name: str, *arguments: Any) -> bool:
        """Call an input of the hub; False if it was refused, or the hub died of it."""
        self.counts.now = self.now
        try:
            return self.hub.call(name, *arguments)
        except PowerCutError:
            self.restart_hub()
            return False

    def guard(self, call: Callable[[], object]) -> None:
        """Call the device; if its power goes, it restarts."""
        self.counts.now = self.now
        try:
            call()
        except PowerCutError:
            self.restart_device()

    def restart_hub(self) -> None:
        """The hub has ended: its memory is gone, its disk stays."""
        self.reload_hub()

    def reload_hub(self) -> None:
        """The hub begins anew with this device, from what is on disk."""
        self._excuse_hub()
        self.drop_hub()

    def drop_hub(self) -> None:
        """Begin a new life of the hub, without any excuse."""
        self.ledger.hub_ended()
        self.hub.start()
        if self.linked:
            self.unlink()
        self.hang_up = False
        self.user.hub_restarted()
        self.check()

    def _excuse_hub(self) -> None:
        """What the hub's marks on disk do not cover of the device's last message; a copy in front does not change what the device had sent."""
        for side in {id(one): one for one in (self.node, self.front)}.values():
            head = oldest_of(side)
            if head is None or head.number is None:
                continue
            if head.number <= mark_on_disk(self.hub.disk, side.core.keyring.committed()):
                self.ledger.crashed_before_acting(head.body)
            self.ledger.may_repeat(head.body, readings_only=True)

    def remove_from_hub(self) -> None:
        """The user deletes the device in the hub, and all that the hub knows of it."""
        self.counts.fault("user: removes the device from the hub")
        head = self.oldest()
        if head is not None:
            self.ledger.may_repeat(head.body, readings_only=False)
        self.watch.tainted = True
        self.hub.disk = None
        self.ledger.forgotten(TO_HUB)
        self.drop_hub()

    def restart_device(self) -> None:
        """The device's power was cut: its memory is gone, its flash stays."""
        mark = mark_in_flash(self.hub.disk, self.front.flash)
        for row in self.hub.disk["queue"] if self.hub.disk else ():
            if row["id"] is not None and row["id"] <= mark:
                self.ledger.crashed_before_acting(bytes.fromhex(row["body"]))
        self.drop_device()

    def drop_device(self) -> None:
        """Begin a new life of the device in front, without any excuse."""
        linked = self.linked
        if linked:
            self.unlink()
        self.front.start()
        self.ledger.forgotten(TO_DEVICE)
        self.show_beacon()
        if linked:
            self.tell("link_closed", self.now)
        self.check()

    def oldest(self) -> Any:
        """Return the oldest message in the queue of the device in front, None when there is none."""
        return oldest_of(self.front)

    # --- what is watched

    def _hub_wrote(self, disk: Any) -> None:
        if self.watch.hub_wrote(disk):
            self.ledger.replaced([bytes.fromhex(row["body"]) for row in disk["queue"]])
        self.check()

    def _device_wrote(self, flash: bytes) -> None:
        self.watch.device_wrote(flash)
        self.check()

    def group_told(self, event: Event) -> None:
        """The hub says something about a group."""
        raise ViolationError(f"forged: there is no group, and the hub says {event}")

    def group_acted(self, _side: DeviceSide, gid: int, _body: bytes) -> None:
        """A device acts on a message of a group."""
        raise ViolationError(f"forged: there is no group, and a device acts on a message of {gid}")

    def _left(self, sent: Sent) -> None:
        """A paired device asks for a key only after a local action (protocol.md 5 rule 10)."""
        forgotten = self.now - self.pressed_at > PRESS_LASTS
        if sent.name == "REQ" and forgotten and self.front.core.keyring.committed() is not None:
            raise ViolationError("the device pairs by itself")

    def check(self) -> None:
        """Look for a common epoch."""
        if self.front is self.node:
            self.watch.check_common(self.hub.disk, self.node.flash)

    def hub_resumed(self) -> None:
        """The hub has changed its epoch together with the device in front."""
        self.air.began(TO_DEVICE)
        if self.front is self.node:
            self.watch.tainted = False
            self._resumes += 1
            self.ledger.cloned &= self._resumes < RESUMES_TO_HEAL

    def device_paired(self, side: DeviceSide) -> None:
        """A device has committed a new pairing; readings that it had sent under the old one go out again."""
        kept = {message.body for message in side.core.peer.queue}
        self.ledger.forgotten(TO_DEVICE, kept)
        for message in side.core.peer.queue:
            if message.kind == MessageType.READINGS:
                self.ledger.goes_out_twice(message.body)
        if side is self.node:
            self.watch.tainted = self.ledger.cloned = False

    def swap(self, side: DeviceSide) -> None:
        """Put another copy of the device in front."""
        self.disconnect()
        self.front = side
        self.show_beacon()
        self.reuse.thief = side is not self.node
        self.watch.tainted = self.ledger.cloned = True
        self._resumes = 0

    def committed_key(self, side: DeviceSide) -> Any:
        """Return the newest committed key in a device's flash."""
        return next(entry for entry in keyring.decode(side.flash)[1] if entry.committed)


def oldest_of(side: DeviceSide) -> Any:
    """Return the oldest message in the queue of a device, None when there is none."""
    peer = side.core.peer
    return peer.queue[0] if peer is not None and peer.queue else None
