"""A house with a hub, relays and devices out of the hub's reach, in virtual time."""

from collections.abc import Iterable
from functools import partial
import random

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, PairingCompleted
from experiments.virtual.carrying import Carrying
from experiments.virtual.house import HUB, House
from experiments.virtual.node import Node
from experiments.virtual.path_hub import Line, PathHub
from simulation.loss import LossModel

PATIENCE = 180.0  # virtual seconds for one step
TEXT = 2


class Neighbourhood:
    """`relays` and `devices` are names; `near` are the pairs that hear each other."""

    def __init__(
        self, relays: str, devices: str, near: Iterable[tuple[str, str]], *, loss: float = 0.2, seed: int = 1, interval: int = 30
    ) -> None:
        rng = random.Random(seed)
        self.hub = PathHub(Settings(hub_id=b"C" * 16), rng.randbytes)
        self.nodes: dict[str, Node] = {name: Carrying(identity(name), rng.randbytes, interval=interval) for name in relays}
        self.nodes |= {name: Node(identity(name), rng.randbytes, interval=interval) for name in devices}
        self.house = House(self.hub, self.nodes, near, lambda one, other: LossModel(f"{seed} {one} {other}", loss))

    def carrying(self, name: str) -> Carrying:
        """Return a node that is a relay."""
        node = self.nodes[name]
        assert isinstance(node, Carrying)
        return node

    def line(self, name: str) -> Line:
        """Return a device as the hub sees it."""
        return self.hub.lines[name]

    def told(self, name: str, kind: type[Event]) -> list[Event]:
        """Return all events of a kind that the hub has of a device."""
        found: list[Event] = self.line(name).told(kind)
        return found

    # --- steps

    def pair(self, name: str) -> None:
        """Pair a device with the hub, wherever it is; the codes are compared."""
        before = len(self.told(name, CodeReady))
        self.hub.tell(name, "open_pairing")
        assert self.house.run(lambda: len(self.told(name, CodeReady)) > before, PATIENCE), (self.nodes[name].log, self.line(name).events)
        assert self.line(name).told(CodeReady)[-1].code == self.nodes[name].told("code")[-1]
        self.hub.answer(name)
        assert self.house.run(lambda: self.nodes[name].told("verified") != [], PATIENCE)

    def set_up(self, *names: str) -> None:
        """Pair some devices, one after the other; each one once a relay, or the hub itself, hears it."""
        for name in names:
            assert self.house.run(partial(self._in_reach, name), PATIENCE), self.hub.lists
            self.pair(name)
            assert self.told(name, PairingCompleted)

    def _in_reach(self, name: str) -> bool:
        return self.hub.is_heard(name) or self.hub.relays(name) != []

    def say(self, name: str, text: str) -> None:
        """Let the hub send a text; wait until it is shown."""
        before = len(self.nodes[name].told("text"))
        self.hub.tell(name, "send", TEXT, text.encode())
        assert self.house.run(lambda: len(self.nodes[name].told("text")) > before, PATIENCE), self.nodes[name].log
        assert self.nodes[name].told("text")[-1] == text

    def hear(self, name: str, text: str) -> None:
        """Let a device send a text; wait until the hub has it."""
        before = len(self.line(name).bodies(TEXT))
        self.nodes[name].core.send(TEXT, text.encode(), self.house.ms)
        assert self.house.run(lambda: len(self.line(name).bodies(TEXT)) > before, PATIENCE), self.line(name).events[-5:]
        assert self.line(name).bodies(TEXT)[-1] == text.encode()


def identity(name: str) -> bytes:
    """Return the identity of a device by its name, one letter."""
    return name.encode() * 16


def behind_one() -> Neighbourhood:
    """A far device `a` behind one relay `b`."""
    return Neighbourhood("b", "a", [(HUB, "b"), ("b", "a")])
