"""Every fault that a soak injects, as an action on the world; `FAULTS` names them with their weights."""

from collections import deque
from collections.abc import Callable
import random
from typing import Any, Final

from custom_components.self_secure.protocol.errors import LocalError
from custom_components.self_secure.protocol.events import MessageType, Verdict
from custom_components.self_secure.protocol.limits import BODY_MAX, QUEUE_MAX
from self_secure_device.errors import DeviceError
from self_secure_device.limits import MAX_QUEUE

from .air import LAST
from .injection import Eve
from .power import DEVICE_POINTS, HUB_POINTS, PowerCutError
from .storage import Storage
from .user import CANCELS, NEVER
from .world import World

TO_DEVICE_TYPES: Final = (MessageType.TEXT, MessageType.BYTES)
TO_HUB_TYPES: Final = (MessageType.READINGS, MessageType.EVENT, MessageType.BYTES, MessageType.TEXT)
SIZES: Final = (0, 4, 4, 20, 300)  # bytes behind the unique part
DAY: Final = 86_400.0
POINTS_AHEAD: Final = 3
JAMMING: Final = (0.0, 0.02, 0.05, 0.15, 0.6)


class Faults:
    """The actions; each does one thing and leaves the world consistent."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self._rng = world, rng
        self._eve = Eve(world, rng)
        self._storage = Storage(world, rng)
        self.forge, self.mutilate, self.replay, self.reflect = self._eve.forge, self._eve.mutilate, self._eve.replay, self._eve.reflect
        self.forger = self._eve.forger
        self.keep_backup, self.restore_hub = self._storage.keep, self._storage.restore_hub
        self.restore_device = self._storage.restore_device
        self.copy_leaves, self.hushed = self._storage.leave, self._storage.hushed
        self._number = 0

    # --- traffic

    def _body(self) -> bytes:
        self._number += 1
        return b"%08d" % self._number + b"." * self._rng.choice(SIZES)

    def hub_sends(self) -> None:
        """The hub's user sends a message."""
        kind, body = self._rng.choice(TO_DEVICE_TYPES), self._body()
        self.world.counts.note(f"hub's user sends {body[:12]!r}")
        self.world.ledger.sent("hub", kind, body)
        self._hub_send(kind, body)

    def _hub_send(self, kind: int, body: bytes) -> None:
        world = self.world
        world.counts.now = world.now
        try:
            world.hub.send(kind, body, world.now)
        except LocalError as error:
            world.counts.rule(f"hub refuses: {type(error).__name__}")
        except PowerCutError:
            world.restart_hub()
        else:
            self._promised(body, unless=world.hub.ended)

    def _promised(self, body: bytes, *, unless: bool) -> None:
        if not unless:
            self.world.ledger.promised(body)

    def device_sends(self) -> None:
        """The device measures something."""
        kind, body = self._rng.choice(TO_HUB_TYPES), self._body()
        self.world.counts.note(f"device sends {body[:12]!r}")
        self.world.ledger.sent("device", kind, body)
        self._device_send(kind, body)

    def _device_send(self, kind: int, body: bytes) -> None:
        world, life = self.world, self.world.front.core
        try:
            world.guard(lambda: world.front.core.send(kind, body, world.ms))
        except DeviceError as error:
            world.counts.rule(f"device refuses: {str(error).split(':')[0]}")
        else:
            self._promised(body, unless=world.front.core is not life or world.front is not world.node)

    def fill_queues(self) -> None:
        """More messages than the queues hold, and one that is too long."""
        self.world.counts.fault("queues filled")
        for _ in range(QUEUE_MAX // 16):
            self.hub_sends()
        for _ in range(MAX_QUEUE + 1):
            self.device_sends()
        self._hub_send(MessageType.TEXT, bytes(BODY_MAX + 1))
        self._device_send(MessageType.TEXT, bytes(BODY_MAX + 1))

    def overfill_hub(self) -> None:
        """More messages than the hub's queue holds."""
        self.world.counts.fault("hub's queue overfilled")
        for _ in range(QUEUE_MAX + 1):
            self.hub_sends()

    def clone(self) -> None:
        """A copy of the device takes its place for a while, and says something of its own."""
        if self._storage.clone():
            self.device_sends()

    # --- fragments in flight

    def _flight(self) -> deque[bytes] | None:
        flying = [way for way in self.world.air.ways.values() if way]
        return self._rng.choice(flying) if flying else None

    def _change(self, name: str, change: Callable[[deque[bytes]], object]) -> None:
        way = self._flight()
        if way is not None:
            self.world.counts.fault(f"fragment {name}")
            change(way)

    def lose(self) -> None:
        """A fragment does not arrive."""
        self._change("lost", deque.popleft)

    def duplicate(self) -> None:
        """A fragment arrives twice."""
        self._change("duplicated", lambda way: way.appendleft(way[0]))

    def reorder(self) -> None:
        """A fragment arrives behind the others."""
        self._change("reordered", lambda way: way.rotate(-1))

    def flip(self) -> None:
        """A bit of a fragment is wrong."""
        self._change("with a flipped bit", self._flip)

    def _flip(self, way: deque[bytes]) -> None:
        data = bytearray(way[0] or b"\x00")  # it may have been cut to nothing
        data[self._rng.randrange(len(data))] ^= 1 << self._rng.randrange(8)
        way[0] = bytes(data)

    def truncate(self) -> None:
        """A fragment is cut short."""
        self._change("truncated", lambda way: way.__setitem__(0, way[0][: self._rng.randrange(max(1, len(way[0])))]))

    def babble(self) -> None:
        """A fragment of nothing but noise arrives."""
        if self.world.linked:
            self.world.counts.fault("fragment of noise")
            noise = bytes([self._rng.choice((0, LAST, 1, LAST | 1, 127))]) + self._rng.randbytes(self._rng.choice((0, 1, 12, 243)))
            self.world.give(self._rng.choice(list(self.world.air.ways)), noise)

    # --- power, links, time

    def cut_hub(self) -> None:
        """The hub ends at one of its next points."""
        self.world.hub_power.cut_at(self._rng.choice(HUB_POINTS), self._rng.randrange(POINTS_AHEAD))

    def cut_device(self) -> None:
        """The device loses its power at one of its next points."""
        self.world.device_power.cut_at(self._rng.choice(DEVICE_POINTS), self._rng.randrange(POINTS_AHEAD))

    def cut_idle_device(self) -> None:
        """The device loses its power between two inputs."""
        self.world.counts.fault("power cut: device, idle")
        self.world.restart_device()

    def stop_hub(self) -> None:
        """Home Assistant stops in order, and starts again."""
        self.world.counts.fault("hub stopped in order")
        self.world.tell("stop", self.world.now)
        self.world.restart_hub()

    def fail_hub_write(self) -> None:
        """The hub's next write fails."""
        self.world.hub_power.fail_write()

    def fail_device_write(self) -> None:
        """The device's next write fails."""
        self.world.device_power.fail_write()

    def slow_write(self) -> None:
        """The hub's next write takes long."""
        self.world.counts.fault("hub's write slow")
        self.world.hub.slow_write = self._rng.uniform(0.1, 12.0)

    def drop_link(self) -> None:
        """The link drops."""
        if self.world.linked:
            self.world.counts.fault("link dropped")
            self.world.disconnect()

    def go_away(self) -> None:
        """The device is out of reach for a while."""
        self.world.counts.fault("device out of reach")
        self.world.absent(self._rng.choice((5.0, 60.0, 700.0)))

    def jump(self) -> None:
        """Nothing happens for a day."""
        self.world.counts.fault("clock jumped 24 h")
        self.world.now += DAY

    # --- the user and the beacon

    def change_mood(self) -> None:
        """The user will not answer as asked, next time."""
        self.world.user.mood = self._rng.choice((Verdict.DIFFERENT, Verdict.NOT_SHOWN, NEVER, CANCELS))

    def pair_again(self) -> None:
        """The user pairs a device that is paired."""
        self.world.counts.fault("user: pairs again")
        self.world.user.pair()

    def press_button(self) -> None:
        """Somebody presses the device's button while no window is open."""
        self.world.counts.fault("user: presses the button only")
        self.world.pressed_at = self.world.now
        self.world.guard(self._press)

    def _press(self) -> None:
        try:
            self.world.front.core.pair(self.world.ms)
        except DeviceError:
            self.world.counts.rule("device refuses the button")

    def cancel(self) -> None:
        """The user cancels the pairing."""
        if self.world.hub.connection.pairing:
            self.world.counts.fault("user: cancels the pairing")
            self.world.tell("cancel_pairing", self.world.now)

    def rotate(self) -> None:
        """The user asks for a new epoch."""
        self.world.counts.fault("user: asks for a new epoch")
        self.world.tell("rotate", self.world.now)

    def forge_beacon(self) -> None:
        """Somebody advertises a beacon of the device."""
        self.world.counts.fault("beacon forged")
        self.world.tell("beacon_seen", self._rng.randrange(5), self.world.now)

    def jam(self) -> None:
        """Eve begins, or ends, to send random packets of her own."""
        self.world.broadcast.jamming = self._rng.choice(JAMMING)
        self.world.counts.fault("broadcast: Eve changes her mind")

    def stray_packet(self) -> None:
        """A random packet of another broadcast is heard."""
        self.world.broadcast.repeat()


WEIGHTS: Final[dict[str, float]] = {
    "lose": 10, "duplicate": 8, "reorder": 8, "flip": 6, "truncate": 4, "babble": 3,
    "forge": 14, "mutilate": 10, "replay": 12, "reflect": 3,
    "cut_hub": 5, "cut_device": 5, "cut_idle_device": 1, "stop_hub": 1, "fail_hub_write": 2, "fail_device_write": 2, "slow_write": 2,
    "drop_link": 8, "go_away": 3, "jump": 0.5,
    "change_mood": 1, "pair_again": 1.5, "press_button": 1, "cancel": 1, "rotate": 2, "forge_beacon": 3, "jam": 1, "stray_packet": 2,
    "fill_queues": 0.4, "overfill_hub": 0.03, "keep_backup": 1, "restore_hub": 0.15, "restore_device": 0.15, "clone": 0.15,
}  # fmt: skip
"""Relative weights: what ends a pairing is rare, so that most steps are held to the strict invariants."""


def table(faults: Faults) -> dict[str, Callable[[], Any]]:
    """Return all actions by name."""
    return {name: getattr(faults, name) for name in WEIGHTS}
