"""What may go wrong in this soak; each action does one thing and leaves the world consistent."""

from collections.abc import Callable
import random
from typing import Any, Final

from custom_components.self_secure.protocol.events import MessageType, Verdict
from custom_components.self_secure.protocol.framing import fragment as cut
from custom_components.self_secure.protocol.packets import FrameType
from experiments.soak.air import NAMES as FRAMES, type_of
from experiments.soak.counts import ViolationError
from experiments.soak.fingerprint import picture
from experiments.soak.forge import HEAD, Forger
from experiments.soak.power import DEVICE_POINTS, HUB_POINTS
from experiments.virtual.house import HUB
from self_secure_device.errors import DeviceError

from .meddler import HYBRID
from .secrets import Secrets
from .user import CANCELS, NEVER
from .world import FAR, NAMES, NEAR, RELAYS, World

FRAGMENTS: Final = {"lost": 10, "duplicated": 8, "reordered": 6, "with a flipped bit": 6, "truncated": 4}
TO_DEVICE_TYPES: Final = (MessageType.TEXT, MessageType.BYTES)
TO_HUB_TYPES: Final = (MessageType.READINGS, MessageType.EVENT, MessageType.BYTES, MessageType.TEXT)
SIZES: Final = (0, 4, 20, 300)  # bytes behind the unique part
AUTHENTIC: Final = frozenset({"DATA", "DACK", "R2", "R3"})  # nothing changes unless their MAC is right
PAYLOAD: Final = 244
DAY: Final = 86_400.0
POINTS_AHEAD: Final = 3
MOST: Final = 0.7  # share of the messages that are for or of the far device
MOVES: Final = (*NEAR, (HUB, FAR))


class Faults:
    """The actions."""

    def __init__(self, world: World, secrets: Secrets, rng: random.Random) -> None:
        self.world, self._secrets, self._rng = world, secrets, rng
        self.forger = Forger(HYBRID, world.tap, rng)
        self._number = 0

    # --- traffic

    def body(self) -> bytes:
        """Return a body that no other message has."""
        self._number += 1
        return b"%08d" % self._number + b"." * self._rng.choice(SIZES)

    def _somebody(self) -> str:
        return FAR if self._rng.random() < MOST else self._rng.choice(RELAYS)

    def hub_sends(self, name: str | None = None) -> None:
        """The hub's user sends a message."""
        name, kind, body = name or self._somebody(), self._rng.choice(TO_DEVICE_TYPES), self.body()
        self.world.counts.note(f"hub's user sends {body[:12]!r} to {name}")
        self.world.ledgers[name].sent("hub", kind, body)
        self._secrets.text(name, body)
        if self.world.hub.send(name, kind, body):
            self.world.ledgers[name].promised(body)

    def device_sends(self, name: str | None = None) -> None:
        """A device measures something."""
        name, kind, body = name or self._somebody(), self._rng.choice(TO_HUB_TYPES), self.body()
        world = self.world
        if not world.stations[name].on:
            return
        core = world.node(name).core
        world.counts.note(f"{name} sends {body[:12]!r}")
        world.ledgers[name].sent("device", kind, body)
        self._secrets.text(name, body)
        try:
            world.guard(name, core.send, kind, body, world.ms)
        except DeviceError as error:
            world.counts.rule(f"device refuses: {str(error).split(':')[0]}")
        else:
            if world.node(name).core is core:
                world.ledgers[name].promised(body)

    # --- fragments and frames

    def fragment(self) -> None:
        """Something happens to the next fragment."""
        self.world.armed.append(self._rng.choices(list(FRAGMENTS), list(FRAGMENTS.values()))[0])

    def _link(self) -> tuple[str, str] | None:
        """Return sender and receiver of some link in some direction."""
        linked = [(one.name, one.central) for one in self.world.stations.values() if one.central is not None]
        if not linked:
            return None
        pair = self._rng.choice(linked)
        return pair if self._rng.random() < 0.5 else (pair[1], pair[0])  # half of them each way

    def forge(self) -> None:
        """Inject a well-formed frame of a random type."""
        link, kind = self._link(), self._rng.choice(list(FrameType))
        if link is not None:
            self._inject(f"forged: {kind.name}", *link, self.forger.frame(kind), forged=True)

    def mutilate(self) -> None:
        """Inject a genuine frame with one of its bits changed."""
        heard, link = self.world.tap.recent(self._rng), self._link()
        if heard is None or link is None:
            return
        data = bytearray(heard.data)
        data[self._rng.randrange(min(HEAD, len(data) - 1), len(data))] ^= 1 << self._rng.randrange(8)
        self._inject(f"mutilated: {heard.name}", *link, bytes(data), forged=heard.name != "R1")  # of R1 another entry may count

    def replay(self) -> None:
        """Inject a genuine frame again, on its own link or on another one; whose it is decides its MAC, not the link."""
        heard, link = self.world.tap.recent(self._rng), self._link()
        if heard is not None and link is not None:
            foreign = heard.receiver != link[1] or (link[1] == HUB and heard.sender != link[0])
            self._inject(f"replayed: {heard.name}", *link, heard.data, forged=foreign)

    def _inject(self, name: str, sender: str, receiver: str, data: bytes, *, forged: bool) -> None:
        world = self.world
        world.counts.fault(name)
        unchanged = forged and FRAMES.get(type_of(data)) in AUTHENTIC
        before, stored = self._picture(sender, receiver) if unchanged else None, self._stored(sender, receiver)
        for piece in cut(data, PAYLOAD):
            world.hand_over(sender, receiver, piece)
        if unchanged and self._picture(sender, receiver) != before:
            raise ViolationError(f"forged: a {name} to {receiver} has changed something")
        if forged and self._stored(sender, receiver) != stored:
            raise ViolationError(f"forged: a {name} to {receiver} has changed what is stored")

    def _picture(self, sender: str, receiver: str) -> Any:
        """Return the secrets of who receives, of the side that this link belongs to."""
        world = self.world
        if receiver == HUB:
            return picture(world.hub.lines[sender].hub.connection)
        core = world.node(receiver).core
        central = sender != HUB and world.stations[sender].central == receiver
        ring = world.relay(receiver).relay.keyring if central else core.keyring
        return picture(ring.entries)

    def _stored(self, sender: str, receiver: str) -> Any:
        if receiver == HUB:
            return self.world.disk(sender)
        node = self.world.node(receiver)
        return node.stored, getattr(node, "wards", None)

    def meddle(self) -> None:
        """A relay does something to the next inner frame, or to the next one of a rare type."""
        self.world.meddler.arm()

    # --- power, links, time

    def cut_hub(self) -> None:
        """The hub ends at one of its next points."""
        self.world.powers[HUB].cut_at(self._rng.choice(HUB_POINTS[:-1]), self._rng.randrange(POINTS_AHEAD))

    def cut_device(self) -> None:
        """A device loses its power at one of its next points."""
        self.world.powers[self._rng.choice(NAMES)].cut_at(self._rng.choice(DEVICE_POINTS), self._rng.randrange(POINTS_AHEAD))

    def stop_hub(self) -> None:
        """Home Assistant is killed between two inputs."""
        self.world.counts.fault("hub killed, idle")
        self.world.hub_died()

    def switch_off(self) -> None:
        """A device has no power for a while."""
        name = self._rng.choice(NAMES)
        self.world.counts.fault(f"without power: {self.world.kind(name)}")
        self.world.switch_off(name, self._rng.choice((1.0, 20.0, 120.0)))

    def fail_write(self) -> None:
        """A device's next write fails."""
        self.world.powers[self._rng.choice(NAMES)].fail_write()

    def drop_link(self) -> None:
        """A link drops."""
        linked = [one.name for one in self.world.stations.values() if one.central is not None]
        if linked:
            self.world.counts.fault("link dropped")
            self.world.disconnect(self._rng.choice(linked))

    def move(self) -> None:
        """Two come into reach of each other, or out of it."""
        self.world.counts.fault("somebody moves")
        self.world.near ^= {frozenset(self._rng.choice(MOVES))}

    def jump(self) -> None:
        """Nothing happens for a day."""
        self.world.counts.fault("clock jumped 24 h")
        self.world.now += DAY

    # --- the user

    def change_mood(self) -> None:
        """The user will not answer as asked, next time."""
        self.world.user.mood = self._rng.choice((Verdict.DIFFERENT, NEVER, CANCELS))

    def pair_again(self) -> None:
        """The user pairs a device that is paired."""
        self.world.counts.fault("user: pairs again")
        name = self._rng.choice(NAMES)
        if self.world.stations[name].on:
            self.world.user.pair(name)

    def reset(self) -> None:
        """The user resets a device."""
        name = self._rng.choice(NAMES)
        if self.world.stations[name].on:
            self.world.counts.fault(f"user: resets a {self.world.kind(name)}")
            self.world.user.reset(name)

    def rotate(self) -> None:
        """The user asks for a new epoch."""
        self.world.counts.fault("user: asks for a new epoch")
        self.world.hub.try_to(self._rng.choice(NAMES), "rotate")

    def cancel(self) -> None:
        """The user cancels a pairing."""
        for name in [name for name in NAMES if self.world.hub.lines[name].hub.view.pairing]:
            self.world.counts.fault("user: cancels the pairing")
            self.world.hub.try_to(name, "cancel_pairing")

    def forge_beacon(self) -> None:
        """Somebody advertises a beacon of a device."""
        self.world.counts.fault("beacon forged")
        self.world.hub.try_to(self._rng.choice(NAMES), "beacon_seen", self._rng.randrange(5))


WEIGHTS: Final[dict[str, float]] = {
    "fragment": 34, "forge": 8, "mutilate": 8, "replay": 10, "meddle": 44,
    "cut_hub": 4, "cut_device": 8, "stop_hub": 1, "switch_off": 2, "fail_write": 2, "drop_link": 6, "move": 4, "jump": 0.3,
    "change_mood": 0.6, "pair_again": 0.6, "reset": 0.2, "rotate": 5, "cancel": 0.4, "forge_beacon": 2,
}  # fmt: skip
"""Relative weights."""


def table(faults: Faults) -> dict[str, Callable[[], Any]]:
    """Return all actions by name."""
    return {name: getattr(faults, name) for name in WEIGHTS}
