"""Our negotiation over 256 packets: the processor time of one side, replayed from a real one (protocol.md 5).

`agreement` is the same without the broadcast, which takes seconds on the air: the frames, X25519, the pool and the keys.
"""

from collections.abc import Callable
import time
from typing import Any, Final

from custom_components.self_secure.protocol.connection import Connection
from custom_components.self_secure.protocol.suites import HYBRID, LOSS
from experiments.virtual.node import Node

from .couple import Call, Couple, replay, replay_hub
from .harness import Bench

UNIT: Final = "negotiation, 1 side"

type Replay = Callable[[Any, list[Call]], None]


def register(bench: Bench) -> None:
    """Add the cases."""
    for name, suite in (("hybrid", HYBRID.id), ("loss", LOSS.id)):
        played = Couple(suite)
        played.negotiate()
        _add_hub(bench, name, played)
        _add_device(bench, name, played)


def _add_hub(bench: Bench, name: str, played: Couple) -> None:
    def setup(n: int) -> list[Connection]:
        return [played.new_hub() for _ in range(n)]

    def check(hubs: list[Connection], _n: int) -> None:
        if {(one.identity, one.statistics.dropped) for one in hubs} != {(played.hub.identity, 0)}:
            raise RuntimeError("the hub did not agree")

    tape = played.hub_tape
    options: dict[str, Any] = {"setup": setup, "check": check, "unit": UNIT}
    bench.add("ours", f"negotiation {name}, hub", _whole(tape, replay_hub), **options)
    bench.add("ours", f"agreement {name}, hub", _without(tape, replay_hub, "random_packet"), **options)


def _add_device(bench: Bench, name: str, played: Couple) -> None:
    def setup(n: int) -> list[Any]:
        return [played.new_node() for _ in range(n)]

    def check(nodes: list[Node], _n: int) -> None:
        if any(node.log != played.node.log or node.core.counters for node in nodes):
            raise RuntimeError("the device did not agree")

    def on_core(node: Node, calls: list[Call]) -> None:
        replay(node.core, calls)

    tape = played.device_tape
    options: dict[str, Any] = {"setup": setup, "check": check, "unit": UNIT}
    bench.add("ours", f"negotiation {name}, device (CPython)", _whole(tape, on_core), **options)
    bench.add("ours", f"agreement {name}, device (CPython)", _without(tape, on_core, "next_random"), **options)


def _whole(tape: list[Call], do: Replay) -> Callable[[list[Any], int], None]:
    def loop(sides: list[Any], _n: int) -> None:
        for side in sides:
            do(side, tape)

    return loop


def _without(tape: list[Call], do: Replay, broadcast: str) -> Callable[[list[Any], int], int]:
    """Time all but the calls named `broadcast`; the last one of them counts: it makes RSP."""
    last = max(place for place, (name, _) in enumerate(tape) if name == broadcast)

    def loop(sides: list[Any], _n: int) -> int:
        own = 0
        for side in sides:
            for place, call in enumerate(tape):
                began = time.thread_time_ns()
                do(side, [call])
                if call[0] != broadcast or place == last:
                    own += time.thread_time_ns() - began
        return own

    return loop
