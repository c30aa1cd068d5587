"""A hub and a whole device in virtual time: for stories that go over several connections."""

import random
from typing import Any

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, MessageReceived, Verdict
from experiments.virtual.hub import LocalHub, MemoryStore
from experiments.virtual.node import Node
from experiments.virtual.world import World
from simulation.loss import LossModel

from .bench import HYBRID, IDENTITY, SMALL

PATIENCE = 400.0  # virtual seconds


class Couple:
    """They pair at 20 % loss; what the hub says is in `events`."""

    def __init__(self, *, suites: tuple[int, ...] = (HYBRID,), **options: Any) -> None:
        self._rng = random.Random(11)
        self.settings = Settings(**{**SMALL, **options})
        self.store = MemoryStore()
        self.node = Node(IDENTITY, self._rng.randbytes, suites=suites)
        self.events: list[Event] = []
        self.world = World(self._new_hub(), self.node, {"here": LossModel(1, 0.2)}, LossModel(2, 0.2), self.events.append)

    def _new_hub(self) -> LocalHub:
        return LocalHub(self.settings, self._rng.randbytes, self.store)

    @property
    def hub(self) -> LocalHub:
        """The hub as it is now."""
        hub = self.world.hub
        assert isinstance(hub, LocalHub)
        return hub

    def told(self, kind: type[Event]) -> list[Any]:
        """Return all events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def call(self, name: str, *arguments: Any) -> None:
        """Call an input of the hub."""
        self.world.tell(name, *arguments, self.world.now)

    def restart_hub(self) -> None:
        """The hub loses its memory; its link drops."""
        self.world.disconnect()
        self.world.hub = self._new_hub()

    def restart_device(self) -> None:
        """The device loses its memory; its link drops."""
        self.world.disconnect()
        self.node.power_cut()

    # --- pairing

    def ask(self) -> None:
        """The user opens the window and presses the device's button; return when there is a code."""
        before = len(self.told(CodeReady))
        self.call("open_pairing")
        self.node.core.pair(round(self.world.now * 1000))
        assert self.world.run(lambda: len(self.told(CodeReady)) > before, PATIENCE)

    def pair(self, verdict: Verdict = Verdict.SAME) -> None:
        """Pair, and let both sides come to rest."""
        self.ask()
        self.call("answer", verdict)
        self.settle()

    def settle(self) -> None:
        """Go on until nobody has anything left to say and the link is closed."""
        assert self.world.run(lambda: self.quiet, PATIENCE)

    @property
    def quiet(self) -> bool:
        """Tell whether both sides have said everything."""
        peer = self.node.core.peer
        silent = peer is not None and not peer.queue and self.hub.connection.epoch is not None
        return silent and not self.hub.connection.queued and not self.world.linked

    # --- messages

    def say(self, text: str) -> None:
        """Queue a text for the device."""
        self.call("send", 2, text.encode())

    def report(self, body: bytes) -> None:
        """The device queues a message for the hub."""
        self.node.core.send(3, body, round(self.world.now * 1000))

    @property
    def heard(self) -> list[bytes]:
        """What the hub got, but for INFO."""
        return [event.body for event in self.told(MessageReceived) if event.type == 3]
