"""One life of a pairing with everything in it: negotiate, talk both ways, change the epoch, lose the memory; and its ledger."""

from collections import Counter
from dataclasses import dataclass, field
import json
from pathlib import Path
import random

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import (
    CodeReady,
    Event,
    MessageReceived,
    MessageType,
    PairingFailed,
    Verdict,
)
from experiments.virtual.forked import ForkedHub
from experiments.virtual.node import Node
from experiments.virtual.reuse import Recorder, watched
from experiments.virtual.world import World
from self_secure_device import keyring
from self_secure_device.suites import HYBRID_ID
from simulation.loss import LossModel

IDENTITY = bytes.fromhex("d0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
HUB = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
PATIENCE = 900.0  # virtual seconds for one step
MESSAGES = 2


@dataclass
class Ledger:
    """What was sent, and what arrived how often."""

    promised: list[str] = field(default_factory=list)  # the hub had accepted them
    attempted: list[str] = field(default_factory=list)  # the hub ended while it accepted them
    acted: Counter[bytes] = field(default_factory=Counter)
    sent_by_device: list[bytes] = field(default_factory=list)


class Life:
    """The whole scenario against a hub that ends itself at point `end_at`."""

    def __init__(self, folder: Path, end_at: int | None, suite: int = HYBRID_ID) -> None:
        self.folder = folder
        self.settings = Settings(hub_id=HUB, floor=suite, minimum=16, target_bits=4, n_max=256, w=4)
        rng = random.Random(5)
        self.node = Node(IDENTITY, rng.randbytes, suites=(suite,))
        self.ledger, self.recorder = Ledger(), Recorder()
        self.events: list[Event] = []
        self.hub = ForkedHub(self.settings, folder, IDENTITY.hex(), end_at)
        self.world = World(self.hub, self.node, {"here": LossModel(1, 0.4), "there": LossModel(2, 0.4)}, LossModel(3, 0.4), self._hear)
        self.world.revive = self._revive
        self.broken: list[str] = []
        self.half_paired = 0  # how often the user found a hub that thinks so alone

    def live(self) -> None:
        """Play it to its end."""
        with watched(self.recorder, self.recorder):
            self.pair()
            self.talk("first")
            self.node.power_cut()
            self.world.disconnect()
            self.talk("second")
            self.settle()
        self.take_sightings()
        self.hub.close()

    # --- steps

    def pair(self) -> None:
        """Pair; a user who finds no pairing after a restart tries again."""
        self.until(self._paired, self._try_pairing)

    def _paired(self) -> bool:
        return self.node.core.peer is not None and self.world.hub.view.paired

    def _try_pairing(self) -> None:
        view = self.world.hub.view
        self.half_paired += view.paired
        if not view.pairing and (not view.paired or self.half_paired > 3):  # suite paper: END is lost with the hub
            self.node.core.pair(round(self.world.now * 1000))
            self.events.clear()
            self.guarded("open_pairing", self.world.now)
        self.world.run(lambda: self._answerable() or self._paired() or not self.world.hub.view.pairing, 120)
        if self._answerable():
            self.guarded("answer", Verdict.SAME, self.world.now)

    def _answerable(self) -> bool:
        codes = [event.code for event in self.events if isinstance(event, CodeReady)]
        return self.world.hub.view.pairing and codes[-1:] != [] and codes[-1:] == self.node.told("code")[-1:]

    def talk(self, name: str) -> None:
        """Send messages both ways, enough for a change of epoch."""
        for number in range(MESSAGES):
            self.say(f"{name} {number}")
            body = f"{name} {number}".encode()
            self.node.core.send(MessageType.BYTES, body, round(self.world.now * 1000))
            self.ledger.sent_by_device.append(body)
            self.settle()

    def say(self, text: str) -> None:
        """Send a text to the device."""
        self.ledger.attempted.append(text)
        deaths = self.world.deaths
        self.guarded("send", MessageType.TEXT, text.encode(), self.world.now)
        if self.world.deaths == deaths:
            self.ledger.promised.append(text)

    def guarded(self, name: str, *arguments: object) -> None:
        """Call the hub; if it dies of it, it is buried as everywhere."""
        self.world.attempt(name, *arguments)

    def settle(self) -> None:
        """Wait until nobody has anything left to say."""
        self.until(
            lambda: not self.world.hub.view.queued and self.node.core.peer is not None and not self.node.core.peer.queue, lambda: None
        )

    def until(self, done: object, nudge: object) -> None:
        """Go on until `done`, nudging now and then."""
        end = self.world.now + PATIENCE
        while not done() and self.world.now < end:  # type: ignore[operator]  # both are functions
            nudge()  # type: ignore[operator]  # as above
            self.world.run(done, 20)  # type: ignore[arg-type]  # as above
        if not done():  # type: ignore[operator]  # as above
            raise AssertionError(f"stuck at {self.world.now:.0f} s: {self.world.hub.view}, {self.node.log[-3:]}")

    # --- what is watched

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, MessageReceived) and event.type == MessageType.BYTES:
            self.ledger.acted[event.body] += 1
        if isinstance(event, PairingFailed):
            self.broken.append(f"pairing failed: {event.cause}")

    def _revive(self) -> ForkedHub:
        self.take_sightings()
        self.check_common_key()
        self.events.clear()
        self.hub = ForkedHub(self.settings, self.folder, IDENTITY.hex())
        return self.hub

    def take_sightings(self) -> None:
        """Move the child's encryptions into the common record."""
        for sighting in self.hub.sightings:
            self.recorder(sighting)
        self.hub.sightings.clear()

    def check_common_key(self) -> None:
        """Invariant of protocol.md 7: what the device holds and uses, the hub has on disk."""
        held = self.hub_keys()
        for entry in keyring.decode(self.node.stored)[1]:
            if entry.committed and not any(key in entry.store.hex() for key in held):
                self.broken.append(f"the device's key of epoch {entry.epoch} is not on the hub's disk")

    def hub_keys(self) -> set[str]:
        """Return the keys in the hub's file."""
        path = self.folder / ".storage" / f"self_secure.{IDENTITY.hex()}"
        if not path.exists():
            return set()
        stored = json.loads(path.read_text(encoding="utf-8"))["data"]
        keys = {key for pairing in stored["pairings"] for key in pairing["keys"].values()}
        return keys | {key for pairing in stored["pairings"] for _, _, key in pairing["rounds"]}
