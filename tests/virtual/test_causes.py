"""Each cause of protocol.md 5 rule 9, provoked between hub and device, in each suite where it applies."""

from collections.abc import Callable
from dataclasses import dataclass, field
import random

import pytest

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.errors import Cause
from custom_components.self_secure.protocol.events import Event, PairingFailed, PairingProgressed
from custom_components.self_secure.protocol.packets import FrameType
from experiments.virtual.hub import LocalHub, MemoryStore
from experiments.virtual.node import Node
from experiments.virtual.world import World
from self_secure_device import keyring
from simulation.loss import LossModel

HYBRID, LOSS, PAPER = 0x11, 0x01, 0x00
ALL = pytest.mark.parametrize("suite", [HYBRID, LOSS, PAPER], ids=["hybrid", "loss", "paper"])
LONGEST = 700.0  # virtual seconds: more than any cap


@dataclass
class Pair:
    """A hub and a device that are about to fail."""

    suite: int
    floor: int | None = None
    loss: float = 0.3
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        rng = random.Random(self.suite)
        floor = self.suite if self.floor is None else self.floor
        self.store = MemoryStore()
        self.hub = LocalHub(Settings(hub_id=b"H" * 16, floor=floor, minimum=20, target_bits=6), rng.randbytes, self.store)
        self.node = Node(b"D" * 16, rng.randbytes, suites=(self.suite,))
        self.world = World(self.hub, self.node, {"here": LossModel(1, self.loss)}, LossModel(2, 0), self.events.append)

    @property
    def hub_causes(self) -> list[Cause]:
        return [event.cause for event in self.events if isinstance(event, PairingFailed)]

    @property
    def device_causes(self) -> list[str]:
        return self.node.told("pairing_failed")

    @property
    def sid(self) -> int:
        """What anybody reads in the broadcast."""
        return int(self.node.core.next_random()[8])

    def run(self, done: Callable[[], object]) -> None:
        assert self.world.run(lambda: bool(done()), LONGEST), self.node.log

    def pair(self) -> None:
        self.world.tell("open_pairing", self.world.now)

    def collect(self) -> None:
        """Go on until the hub hears the broadcast."""
        self.run(lambda: any(isinstance(event, PairingProgressed) for event in self.events))

    def lose(self, *kinds: FrameType) -> None:
        """Lose every frame of these types, either way."""
        self.world.tamper = lambda seen, fragment: None if seen in kinds else fragment

    def spoil(self, kind: FrameType) -> None:
        """Flip the last bit of every last fragment of a type: of its MAC."""
        self.world.tamper = lambda seen, fragment: (
            fragment[:-1] + bytes([fragment[-1] ^ 1]) if seen == kind and fragment[0] & 0x80 else fragment
        )

    def nothing_is_stored(self) -> None:
        assert self.store.snapshot is None
        assert [entry for entry in keyring.decode(self.node.stored)[1] if entry.committed] == []


@ALL
def test_too_few_packets(suite: int) -> None:
    pair = Pair(suite, loss=0.95)
    pair.pair()
    hear, heard = pair.hub.call, iter(range(10))
    pair.hub.call = lambda name, *values: hear(name, *values) if name != "random_packet" or next(heard, None) is not None else (None, [])  # type: ignore[method-assign]  # ten packets are heard, all others are lost
    pair.run(lambda: pair.hub_causes)
    assert pair.hub_causes == [Cause.TOO_FEW_PACKETS]
    pair.run(lambda: pair.device_causes)
    assert pair.device_causes[0] in ("too few packets", "no RSP")
    pair.nothing_is_stored()


@ALL
def test_no_rsp(suite: int) -> None:
    """The hub hears enough, and cannot connect again."""
    pair = Pair(suite)
    pair.pair()
    pair.collect()
    pair.world.reachable = False
    pair.run(lambda: pair.device_causes and pair.hub_causes)
    assert pair.device_causes[0] == "no RSP"
    assert pair.hub_causes == [Cause.TIMEOUT]
    pair.nothing_is_stored()


@ALL
def test_wrong_mac_of_rsp(suite: int) -> None:
    pair = Pair(suite)
    pair.spoil(FrameType.RSP)
    pair.pair()
    pair.run(lambda: pair.device_causes and pair.hub_causes)
    assert pair.device_causes[0] == "wrong MAC"
    assert pair.hub_causes == [Cause.NO_ACK]
    pair.nothing_is_stored()


@ALL
def test_wrong_mac_of_ack(suite: int) -> None:
    pair = Pair(suite)
    pair.spoil(FrameType.ACK)
    pair.pair()
    pair.run(lambda: pair.hub_causes)
    assert pair.hub_causes == [Cause.WRONG_MAC]
    pair.nothing_is_stored()


@ALL
def test_no_ack(suite: int) -> None:
    pair = Pair(suite)
    pair.lose(FrameType.ACK)
    pair.pair()
    pair.run(lambda: pair.hub_causes)
    assert pair.hub_causes == [Cause.NO_ACK]
    pair.nothing_is_stored()


@pytest.mark.parametrize(
    ("suite", "hub"), [(HYBRID, [Cause.NO_OPEN]), (LOSS, [Cause.NO_OPEN]), (PAPER, [])], ids=["hybrid", "loss", "paper"]
)
def test_no_end(suite: int, hub: list[Cause]) -> None:
    """In `paper` END is the last packet: the hub's key waits for the device's first frame (protocol.md 8)."""
    pair = Pair(suite)
    pair.lose(FrameType.END, FrameType.NAK)
    pair.pair()
    pair.run(lambda: pair.device_causes)
    assert pair.device_causes[0] == "no END"
    assert pair.hub_causes == hub
    assert [entry for entry in keyring.decode(pair.node.stored)[1] if entry.committed] == []


@ALL
def test_refused(suite: int) -> None:
    """The user closes the dialog while the device broadcasts: NAK tells it."""
    pair = Pair(suite)
    pair.pair()
    pair.collect()
    pair.world.tell("cancel_pairing", pair.world.now)
    pair.run(lambda: pair.device_causes)
    assert pair.hub_causes == [Cause.CANCELLED]
    assert pair.device_causes[0] == "refused"
    pair.nothing_is_stored()


@pytest.mark.parametrize("suite", [HYBRID, LOSS], ids=["hybrid", "loss"])
def test_conflicts(suite: int) -> None:
    """A jammer answers each packet with another one; `paper` has its blacklist instead (next test)."""
    pair = Pair(suite)
    pair.pair()
    pair.collect()
    sid = pair.sid
    for seq in range(70):
        for value in (b"a" * 20, b"b" * 20):
            pair.world.tell("random_packet", "here", sid, seq, value, pair.world.now)
    assert pair.hub_causes == [Cause.CONFLICTS]
    pair.run(lambda: pair.device_causes)
    assert pair.device_causes[0] == "conflicts"
    pair.nothing_is_stored()


def test_conflicts_are_blacklisted_in_paper() -> None:
    """Both are dropped, and the negotiation goes on with the others."""
    pair = Pair(PAPER)
    pair.pair()
    pair.collect()
    sid = pair.sid
    for seq in range(100, 170):
        for value in (b"a" * 20, b"b" * 20):
            pair.world.tell("random_packet", "here", sid, seq, value, pair.world.now)
    pair.run(lambda: pair.node.told("paired"))
    assert pair.hub_causes == []


@pytest.mark.parametrize(("suite", "floor"), [(LOSS, HYBRID), (PAPER, LOSS), (PAPER, HYBRID)])
def test_suite_below_the_floor(suite: int, floor: int) -> None:
    """Nothing is weaker than `paper`, nothing stronger than `hybrid`: these three pairs are all there are."""
    pair = Pair(suite, floor=floor)
    pair.pair()
    pair.run(lambda: pair.hub_causes)
    assert pair.hub_causes == [Cause.SUITE_BELOW_FLOOR]
    pair.run(lambda: pair.device_causes)
    assert pair.device_causes[0] == "suite below the floor"
    pair.nothing_is_stored()


@ALL
def test_timeout_of_the_hub(suite: int) -> None:
    pair = Pair(suite)
    pair.world.reachable = False
    pair.pair()
    pair.run(lambda: pair.hub_causes)
    assert pair.hub_causes == [Cause.TIMEOUT]
    pair.nothing_is_stored()


@ALL
def test_timeout_of_the_device(suite: int) -> None:
    """The hub is silent: nobody opened a window for this device (the paper's T_H)."""
    pair = Pair(suite)
    pair.world._connect()
    pair.run(lambda: pair.device_causes)
    assert pair.device_causes[0] == "timeout"
    pair.nothing_is_stored()
