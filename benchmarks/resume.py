"""Our change of epochs, which a power loss costs (protocol.md 7): the hub's half, and both; writes are free here."""

from typing import Final

from custom_components.self_secure.protocol.connection import Connection

from .couple import Couple, branch, replay_hub
from .harness import Bench

_MOST: Final = 100  # copies at once
_UNIT: Final = "resume"
_LOST_MEMORY: Final = 3  # state in the beacon


def register(bench: Bench) -> None:
    """Add the cases."""
    paired = Couple().pair()
    paired.disconnect()
    paired.node.power_cut()
    paired.tell_hub("beacon_seen", _LOST_MEMORY)
    paired.rewind()
    played = paired.fork()
    played.connect()

    def hub(hubs: list[Connection], _n: int) -> None:
        for connection in hubs:
            replay_hub(connection, played.hub_tape)

    def both(couples: list[Couple], _n: int) -> None:
        for couple in couples:
            couple.connect()

    def check_hub(hubs: list[Connection], _n: int) -> None:
        if {one.epoch for one in hubs} != {played.hub.epoch}:
            raise RuntimeError("no new epoch")

    def check_both(couples: list[Couple], _n: int) -> None:
        check_hub([couple.hub for couple in couples], _n)

    if played.hub.epoch == paired.hub.epoch:
        raise RuntimeError("no new epoch")
    bench.add("ours", "resume, hub", hub, setup=lambda n: [branch(paired.hub) for _ in range(n)], check=check_hub, unit=_UNIT, most=_MOST)
    bench.add(
        "ours", "resume, both sides", both, setup=lambda n: [paired.fork() for _ in range(n)], check=check_both, unit=_UNIT, most=_MOST
    )
