"""Lives of a hub and a device in virtual time, and what their machines were seen to do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import random
from typing import Any
from unittest.mock import patch

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, MessageType, PairingCompleted, PairingFailed, Verdict
from custom_components.self_secure.protocol.negotiation import Negotiation
from custom_components.self_secure.protocol.resume import ResumeResponder
from custom_components.self_secure.protocol.session import SendingChain
from experiments.virtual.hub import LocalHub, MemoryStore
from experiments.virtual.node import Node
from experiments.virtual.world import World
from self_secure_device.peer import Peer
from self_secure_device.suites import HYBRID_ID
from self_secure_device.waiting import Waiting
from simulation.loss import LossModel

from .diagrams import DEVICE_NEGOTIATION, DEVICE_PEER, HUB_COMMUNICATION, HUB_NEGOTIATION, HUB_RESUME

STATEFUL = {
    HUB_NEGOTIATION.title: Negotiation,
    HUB_COMMUNICATION.title: SendingChain,
    HUB_RESUME.title: ResumeResponder,
    DEVICE_NEGOTIATION.title: Waiting,
}
PEER_INPUTS = ("contacted", "linked", "lost", "forget_resume", "poll", "receive")
PATIENCE = 400.0  # virtual seconds for one step

type Steps = dict[str, set[tuple[str, str]]]


@contextmanager
def observed() -> Iterator[Steps]:
    """Collect the state changes of all machines, by the title of their diagram."""
    steps: Steps = {title: set() for title in (*STATEFUL, DEVICE_PEER.title)}
    patches = [patch.object(machine, "__setattr__", _spy(steps[title]), create=True) for title, machine in STATEFUL.items()]
    patches += [patch.object(Peer, name, _around(getattr(Peer, name), steps[DEVICE_PEER.title])) for name in PEER_INPUTS]
    for change in patches:
        change.start()
    try:
        yield steps
    finally:
        for change in patches:
            change.stop()


def _spy(steps: set[tuple[str, str]]) -> Callable[[Any, str, Any], None]:
    def assign(machine: Any, name: str, value: Any) -> None:
        before = machine.__dict__.get("state")
        if name == "state" and before not in (None, value):
            steps.add((str(before), str(value)))
        object.__setattr__(machine, name, value)

    return assign


def _around(method: Callable[..., Any], steps: set[tuple[str, str]]) -> Callable[..., Any]:
    def call(peer: Peer, *arguments: Any) -> Any:
        before = peer.state
        try:
            return method(peer, *arguments)
        finally:
            if peer.state != before:
                steps.add((before, peer.state))

    return call


class Life:
    """One hub with its store, one device, one air; everything follows from `seed`."""

    def __init__(self, seed: int, suites: tuple[int, ...] = (HYBRID_ID,), **options: Any) -> None:
        rng = random.Random(seed)
        self.rng, self.store = rng, MemoryStore()
        self.settings = Settings(hub_id=bytes(16), **{"minimum": 16, "target_bits": 4, "n_max": 64, "w": 4, **options})
        self.node = Node(rng.randbytes(16), rng.randbytes, suites=suites)
        self.events: list[Event] = []
        self.world = World(self._hub(), self.node, {"here": LossModel(seed, 0.3)}, LossModel(seed + 1, 0.3), self.events.append)

    def _hub(self) -> LocalHub:
        return LocalHub(self.settings, self.rng.randbytes, self.store)

    def until(self, done: Callable[[], object]) -> None:
        """Let time pass; AssertionError if it does not come about."""
        assert self.world.run(lambda: bool(done()), PATIENCE), f"stuck at {self.world.now:.0f} s"

    def told(self, kind: type[Event]) -> bool:
        """Tell whether the hub said such an event."""
        return any(isinstance(event, kind) for event in self.events)

    def pair(self, verdict: Verdict = Verdict.SAME) -> None:
        """Pair up to the user's answer, and give it."""
        self.events.clear()
        self.node.log.clear()
        self.world.tell("open_pairing", self.world.now)
        self.until(lambda: self.told(CodeReady) or self.told(PairingCompleted) or self.told(PairingFailed))
        if self.told(CodeReady):
            self.world.tell("answer", verdict, self.world.now)

    def paired(self) -> None:
        """Pair, and wait until the device knows."""
        self.pair()
        self.until(lambda: self.node.told("paired"))
        self.quiet()

    def quiet(self) -> None:
        """Wait until nobody has anything to say."""
        self.until(lambda: not self.world.hub.view.queued and not self.node.core.peer.queue)

    def talk(self, messages: int = 3) -> None:
        """Send messages both ways."""
        for _ in range(messages):
            self.world.tell("send", MessageType.TEXT, b"hello", self.world.now)
            self.node.core.send(MessageType.BYTES, b"hello", round(self.world.now * 1000))
            self.quiet()

    def restart_hub(self) -> None:
        """Lose the hub's memory, keep its store."""
        self.world.disconnect()
        self.world.hub = self._hub()

    def power_cut(self) -> None:
        """Lose the device's memory, keep its store."""
        self.node.power_cut()
        self.world.disconnect()

    def wait(self, seconds: float) -> None:
        """Let time pass, whatever happens."""
        self.world.run(lambda: False, seconds)

    @contextmanager
    def deaf_device(self) -> Iterator[None]:
        """Let all that the hub says get lost."""
        with patch.object(self.node.core, "received", lambda _fragment, _now: None):
            yield

    @contextmanager
    def deaf_hub(self) -> Iterator[None]:
        """Let all that the device says get lost."""
        tell = self.world.tell
        with patch.object(self.world, "tell", lambda name, *arguments: tell(name, *arguments) if name != "receive" else None):
            yield
