"""Many seeded negotiations in virtual time: packets used beside the stop rule, Eve beside the formula.

python -m experiments.negotiations --runs 50 --loss 50
"""

import argparse
from dataclasses import dataclass
import math
import random
import statistics

from custom_components.self_secure.protocol import limits, sets
from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, PairingFailed, Verdict
from simulation.loss import LossModel

from .virtual.hub import LocalHub, MemoryStore
from .virtual.node import Node
from .virtual.world import World

LIMIT = 300.0  # virtual seconds: more than the longest broadcast takes


@dataclass(frozen=True, slots=True)
class Run:
    """One negotiation."""

    completed: bool
    broadcast: int  # packets on the air
    agreed: int  # |S'|
    factor: float  # f of the agreed set
    bits: float  # at the assumed loss
    eve_lost: float  # Eve's measured loss, 0..1
    eve_missed: int  # packets of the agreed set that Eve does not have


def expected_set(settings: Settings, factor: float = 1.0) -> int:
    """|S| that the stop rule asks for: max(N_r, target x f / -log2(1 - assumed loss))."""
    bits = -math.log2(1 - settings.assumed_loss / 100)
    return max(settings.minimum, math.ceil(settings.target_bits * factor / bits))


def expected_broadcast(settings: Settings, loss: float, scanners: int, factor: float = 1.0) -> float:
    """Packets on the air until the union of independent scanners holds that set."""
    return float(expected_set(settings, factor) / (1 - loss**scanners))


def negotiate(seed: int, loss: float, eve_loss: float, scanners: int = 1, burst: float = 1.0) -> Run:
    """Play one negotiation up to the stored key; everything follows from `seed`. `burst` = mean packets lost in a row."""
    rng = random.Random(seed)
    events: list[Event] = []
    hub = LocalHub(Settings(hub_id=rng.randbytes(limits.IDENTITY_SIZE)), rng.randbytes, MemoryStore())
    models = {f"scanner {number}": LossModel(f"{seed} {number}", loss, burst) for number in range(scanners)}
    world = World(hub, Node(rng.randbytes(limits.IDENTITY_SIZE), rng.randbytes), models, LossModel(f"{seed} eve", eve_loss), events.append)
    world.tell("open_pairing", world.now)
    world.run(lambda: any(isinstance(event, CodeReady | PairingFailed) for event in events), LIMIT)
    agreed = world.agreed()
    codes = [event.code for event in events if isinstance(event, CodeReady)]
    completed = bool(codes) and codes == world.node.told("code")
    if completed:
        world.tell("answer", Verdict.SAME, world.now)
        completed = world.run(lambda: bool(world.node.told("paired")), LIMIT)
    heard = world.broadcast.heard_by_eve
    return Run(
        completed=completed,
        broadcast=world.broadcast.sent,
        agreed=len(agreed),
        factor=sets.burst_factor(agreed),
        bits=sets.secrecy_bits(agreed, hub.connection.record.assumed_loss) if hub.connection.record else 0.0,
        eve_lost=1 - len(heard) / world.broadcast.sent,
        eve_missed=sum(seq not in heard for seq in agreed),
    )


def report(runs: list[Run], loss: float, eve_loss: float, scanners: int) -> str:
    """Return the table of `runs` beside the formulas."""
    settings = Settings(hub_id=bytes(limits.IDENTITY_SIZE))
    factor = statistics.median(run.factor for run in runs)
    missed, agreed = sum(run.eve_missed for run in runs), sum(run.agreed for run in runs)
    rows = [
        ("completed", f"{sum(run.completed for run in runs)} of {len(runs)}", ""),
        ("broadcast packets, median", f"{statistics.median(run.broadcast for run in runs):.0f}", ""),
        ("  by the stop rule, f = 1", f"{expected_broadcast(settings, loss, scanners):.0f}", "max(N_r, bits / -log2(1-a)) / (1-p^k)"),
        ("  by the stop rule, measured f", f"{expected_broadcast(settings, loss, scanners, factor):.0f}", f"median f = {factor:.3f}"),
        ("agreed set, median", f"{statistics.median(run.agreed for run in runs):.0f}", f"formula {expected_set(settings, factor)}"),
        ("Eve's loss, mean", f"{statistics.mean(run.eve_lost for run in runs):.3f}", f"set to {eve_loss:.3f}"),
        ("agreed packets that Eve missed", f"{missed / agreed:.3f} of the set", f"formula {eve_loss:.3f}"),
        ("  least in one run", str(min(run.eve_missed for run in runs)), "0 would give her the pool"),
    ]
    return "\n".join(f"{name:34} {value:>16}   {note}" for name, value, note in rows)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--loss", type=int, default=50, metavar="PERCENT", help="of each scanner")
    parser.add_argument("--eve-loss", type=int, default=None, metavar="PERCENT", help="default: as --loss")
    parser.add_argument("--scanners", type=int, default=1)
    parser.add_argument("--burst", type=float, default=1.0, metavar="PACKETS", help="mean run of losses")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    loss, eve_loss = given.loss / 100, (given.loss if given.eve_loss is None else given.eve_loss) / 100
    runs = [negotiate(given.seed + number, loss, eve_loss, given.scanners, given.burst) for number in range(given.runs)]
    print(f"{given.runs} negotiations, {given.loss} % loss, {given.scanners} scanner(s), virtual time, seeds from {given.seed}")
    print(report(runs, loss, eve_loss, given.scanners))


if __name__ == "__main__":
    main()
