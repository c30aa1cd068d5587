"""Suite `paper`, hub and device together: W-round keys when one side is ahead of the other (protocol.md 8)."""

import random

import pytest

from custom_components.self_secure.protocol.connection import Settings
from experiments.virtual.hub import LocalHub, MemoryStore
from experiments.virtual.node import Node
from experiments.virtual.world import World
from self_secure_device import keyring
from self_secure_device.paper import chains
from simulation.loss import LossModel

TEXT = 2
TO_HUB, TO_DEVICE = 0, 1  # d


class Pair:
    """A hub and a device that are paired by suite `paper`."""

    def __init__(self) -> None:
        rng = random.Random(7)
        self.node = Node(bytes(range(16)), rng.randbytes, suites=(0x00,))
        self.store = MemoryStore()
        hub = LocalHub(Settings(hub_id=b"H" * 16, floor=0x00), rng.randbytes, self.store)
        self.world = World(hub, self.node, {"here": LossModel(1, 0.3)}, LossModel(2, 0.3), lambda _event: None)
        self.world.tell("open_pairing", self.world.now)
        assert self.world.run(lambda: bool(self.node.told("paired")), 300)
        assert self.world.run(lambda: bool(self.node.told("delivered")), 10)

    def device_says(self, count: int) -> None:
        """Deliver some messages of the device."""
        for number in range(count):
            before = len(self.node.told("delivered"))
            self.node.core.send(TEXT, b"%d" % number, round(self.world.now * 1000))
            assert self.world.run(lambda before=before: len(self.node.told("delivered")) > before, 60)  # type: ignore[misc]  # mypy knows no default of a lambda

    def hub_says(self, count: int) -> None:
        """Deliver some messages of the hub."""
        for number in range(count):
            self.world.tell("send", TEXT, b"%d" % number, self.world.now)
            assert self.world.run(lambda: self.world.hub.view.queued == 0, 60)

    def power_loss(self) -> None:
        """The device loses its memory; both resume."""
        before = len(self.node.told("resumed"))
        self.world.disconnect()
        self.node.power_cut()
        assert self.world.run(lambda: len(self.node.told("resumed")) > before, 60)

    @property
    def device_rounds(self) -> list[list[tuple[int, bytes]]]:
        """What the device has on its disk, by direction, newest first."""
        store = keyring.decode(self.node.stored)[1][0].store
        return [chains.rounds(store, d) for d in (TO_HUB, TO_DEVICE)]

    @property
    def hub_rounds(self) -> list[list[tuple[int, bytes]]]:
        """What the hub has on its disk, by direction, newest first."""
        assert self.store.snapshot is not None
        rows = sorted(self.store.snapshot["pairings"][-1]["rounds"], reverse=True)
        return [[(j, bytes.fromhex(key)) for d, j, key in rows if d == direction] for direction in (TO_HUB, TO_DEVICE)]


def test_both_sides_store_the_same_two_keys_per_direction() -> None:
    pair = Pair()
    pair.device_says(70)
    pair.hub_says(40)
    assert [[j for j, _ in rows] for rows in pair.device_rounds] == [[2, 1], [1, 0]]
    assert pair.device_rounds == pair.hub_rounds


@pytest.mark.parametrize("losses", [1, 2])
def test_a_hub_one_round_ahead_gives_the_next_key_no_name_of_its_own(losses: int) -> None:
    pair = Pair()
    pair.device_says(30)
    pair.node.core.received = lambda *_: None  # type: ignore[method-assign]  # the acknowledgement of message 32 is lost
    pair.node.core.send(TEXT, b"the 32nd", round(pair.world.now * 1000))
    pair.world.run(lambda: pair.hub_rounds[0][0][0] == 1, 60)
    assert [rows[0][0] for rows in pair.hub_rounds + pair.device_rounds] == [1, 0, 0, 0]
    for _ in range(losses):
        pair.power_loss()
    pair.device_says(3)
    pair.hub_says(3)
    assert pair.device_rounds == pair.hub_rounds


def test_a_hub_whose_r2_was_lost_gives_the_next_key_no_name_of_its_own() -> None:
    pair = Pair()
    pair.world.disconnect()
    pair.node.power_cut()
    receive = pair.node.core.received
    pair.node.core.received = lambda data, now: None if data[1:2] == b"\xa2" else receive(data, now)  # type: ignore[method-assign, no-untyped-call]  # R2 is lost, the core is untyped
    pair.world.run(lambda: pair.hub_rounds[0][0][0] == 1, 60)
    assert pair.device_rounds[0][0][0] == 0
    for _ in range(2):
        pair.power_loss()
    pair.device_says(3)
    assert pair.device_rounds == pair.hub_rounds
