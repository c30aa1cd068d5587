"""A hub and a device of one suite in virtual time, paired, with everything that experiments do to them."""

from collections.abc import Callable
import random

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, MessageReceived, MessageType, Verdict
from self_secure_device import keyring
from simulation.loss import LossModel

from ..virtual.hub import LocalHub, MemoryStore
from ..virtual.node import Node
from ..virtual.world import World

SUITES = {"paper": 0x00, "loss": 0x01, "hybrid": 0x11}
PATIENCE = 600.0  # virtual seconds for one step
SMALL_SET = 16  # packets: how the key came about does not matter to what follows
SMALL_TARGET = 4  # bits

type WorldMaker = Callable[[LocalHub, Node, dict[str, LossModel], LossModel, Callable[[Event], None]], World]


class StuckError(Exception):
    """Something that has to happen did not."""


class Pair:
    """Both sides; `device_says` and `hub_says` deliver one message and return when both sides know it."""

    def __init__(self, suite: int, seed: str, make: WorldMaker = World) -> None:
        rng = random.Random(seed)
        self.events: list[Event] = []
        self.store = MemoryStore()
        settings = Settings(hub_id=rng.randbytes(16), floor=suite, minimum=SMALL_SET, target_bits=SMALL_TARGET)
        self.node = Node(rng.randbytes(16), rng.randbytes, suites=(suite,))
        hub = LocalHub(settings, rng.randbytes, self.store)
        self.world = make(hub, self.node, {"hub": LossModel(f"{seed} hub", 0.2)}, LossModel(f"{seed} eve", 0.2), self.events.append)
        self._pair()

    def _pair(self) -> None:
        self.world.tell("open_pairing", self.world.now)
        self.until(lambda: self.world.hub.view.paired or self._code_shown())
        if self._code_shown():
            self.world.tell("answer", Verdict.SAME, self.world.now)
        self.until(lambda: bool(self.node.told("paired")) and self.quiet)

    def _code_shown(self) -> bool:
        return any(isinstance(event, CodeReady) for event in self.events)

    @property
    def quiet(self) -> bool:
        """Whether nobody has anything unacknowledged, and both have chains."""
        peer = self.node.core.peer
        return peer is not None and not peer.queue and not peer.needs_resume and not self.world.hub.view.queued

    def until(self, done: Callable[[], bool]) -> None:
        """Go on until `done`; StuckError if that takes too long."""
        if not self.world.run(done, PATIENCE):
            raise StuckError(f"at {self.world.now:.0f} s: {self.world.hub.view}")

    def device_says(self, body: bytes = b"21.5") -> None:
        """Deliver one message to the hub."""
        before = len(self.node.told("delivered"))
        self.node.core.send(MessageType.BYTES, body, round(self.world.now * 1000))
        self.world.exchange()  # at once: the world's next step would jump to the first retransmission
        self.until(lambda: len(self.node.told("delivered")) > before)

    def hub_says(self, body: bytes = b"hello") -> None:
        """Deliver one message to the device."""
        self.world.tell("send", MessageType.TEXT, body, self.world.now)
        self.world.exchange()
        self.until(lambda: self.world.hub.view.queued == 0)

    def renew(self) -> None:
        """Change the epoch with both memories intact (suite `paper` begins a new life the same way)."""
        before = len(self.node.told("resumed"))
        self.world.tell("rotate", self.world.now)
        self.until(lambda: len(self.node.told("resumed")) > before and self.quiet)

    def power_loss(self) -> None:
        """The device loses its memory; both resume."""
        before = len(self.node.told("resumed"))
        self.world.disconnect()
        self.node.power_cut()
        self.until(lambda: len(self.node.told("resumed")) > before and self.quiet)

    @property
    def received(self) -> int:
        """How many messages of the device the hub has acted on."""
        return sum(isinstance(event, MessageReceived) for event in self.events)

    @property
    def stored_key(self) -> bytes:
        """What the device has on its disk as key material."""
        return bytes(keyring.decode(self.node.stored)[1][0].store)
