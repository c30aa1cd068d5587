"""Our negotiation over 256 packets: the processor time of one side, replayed from a real one (protocol.md 5)."""

from typing import Final

from custom_components.self_secure.protocol.connection import Connection
from custom_components.self_secure.protocol.suites import HYBRID, LOSS
from experiments.virtual.node import Node

from .couple import Couple, replay, replay_hub
from .harness import Bench

UNIT: Final = "negotiation, 1 side"


def register(bench: Bench) -> None:
    """Add the cases."""
    _add(bench, "hybrid", HYBRID.id)
    _add(bench, "loss", LOSS.id)


def _add(bench: Bench, name: str, suite: int) -> None:
    played = Couple(suite)
    played.negotiate()

    def hub(hubs: list[Connection], _n: int) -> None:
        for connection in hubs:
            replay_hub(connection, played.hub_tape)

    def device(nodes: list[Node], _n: int) -> None:
        for node in nodes:
            replay(node.core, played.device_tape)

    def check_hub(hubs: list[Connection], _n: int) -> None:
        if {(one.identity, one.statistics.dropped) for one in hubs} != {(played.hub.identity, 0)}:
            raise RuntimeError("the hub did not agree")

    def check_device(nodes: list[Node], _n: int) -> None:
        if any(node.log != played.node.log or node.core.counters for node in nodes):
            raise RuntimeError("the device did not agree")

    bench.add("ours", f"negotiation {name}, hub", hub, setup=lambda n: [played.new_hub() for _ in range(n)], check=check_hub, unit=UNIT)
    bench.add("ours", f"negotiation {name}, device (CPython)", device, setup=lambda n: _nodes(played, n), check=check_device, unit=UNIT)


def _nodes(played: Couple, n: int) -> list[Node]:
    return [played.new_node() for _ in range(n)]
