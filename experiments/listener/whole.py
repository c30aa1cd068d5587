"""Whole negotiations of hub and device in virtual time: the same numbers from the real protocol, per suite."""

from dataclasses import dataclass
import random
import statistics
from typing import override

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import CodeReady, Event, PairingCompleted, PairingFailed, Verdict
from simulation.loss import LossModel

from ..evaluation.report import Cell, Report
from ..evaluation.statistics import correlation
from ..virtual.hub import LocalHub, MemoryStore
from ..virtual.node import Node
from ..virtual.world import World

SUITES = {"paper": 0x00, "loss": 0x01, "hybrid": 0x11}
LOSSES = (5, 20, 50)  # percent
PATIENCE = 300.0  # virtual seconds, more than the longest broadcast takes
NEGOTIATIONS = 5
FULL_NEGOTIATIONS = 30


class Recorded(LossModel):
    """A channel that remembers: packet number i was lost?"""

    def __init__(self, seed: str, loss: float) -> None:
        super().__init__(seed, loss)
        self.log: list[bool] = []

    @override
    def lost(self) -> bool:
        self.log.append(super().lost())
        return self.log[-1]


@dataclass(frozen=True, slots=True)
class Negotiated:
    """One negotiation."""

    completed: bool
    agreed: int
    sent: int
    missed: int  # of the agreed set, by Eve
    losses: list[tuple[bool, bool]]  # hub, Eve


def negotiate(suite: int, percent: int, seed: str) -> Negotiated:
    """Pair once; the hub is as delivered but for the suites that it accepts."""
    rng = random.Random(seed)
    events: list[Event] = []
    hub = LocalHub(Settings(hub_id=rng.randbytes(16), floor=suite), rng.randbytes, MemoryStore())
    heard, eve = (Recorded(f"{seed} {name}", percent / 100) for name in ("hub", "eve"))
    node = Node(rng.randbytes(16), rng.randbytes, suites=(suite,))
    world = World(hub, node, {"hub": heard}, eve, events.append)
    world.tell("open_pairing", world.now)
    world.run(lambda: any(isinstance(event, CodeReady | PairingCompleted | PairingFailed) for event in events), PATIENCE)
    if any(isinstance(event, CodeReady) for event in events):
        world.tell("answer", Verdict.SAME, world.now)
    failed = any(isinstance(event, PairingFailed) for event in events)
    completed = not failed and world.run(lambda: bool(node.told("paired")), PATIENCE)
    numbers = world.agreed() or [seq for seq, lost in enumerate(heard.log) if not lost]
    missed = sum(eve.log[seq] for seq in numbers)
    return Negotiated(completed, len(numbers), world.broadcast.sent, missed, list(zip(heard.log, eve.log, strict=True)))


COLUMNS = (
    "suite",
    "loss_percent",
    "negotiations",
    "completed",
    "median_sent",
    "median_set",
    "hub_loss",
    "eve_loss",
    "correlation",
    "least_missed",
)


def row(name: str, percent: int, runs: list[Negotiated]) -> tuple[Cell, ...]:
    """Return one row of COLUMNS."""
    pairs = [pair for run in runs for pair in run.losses]
    shares = [round(100 * statistics.fmean(side), 2) for side in zip(*pairs, strict=True)]
    medians = [statistics.median(run.sent for run in runs), statistics.median(run.agreed for run in runs)]
    least = min(run.missed for run in runs)
    return (name, percent, len(runs), sum(run.completed for run in runs), *medians, *shares, round(correlation(pairs), 3), least)


def run(report: Report) -> None:
    """Add the table."""
    count = FULL_NEGOTIATIONS if report.setting.full else NEGOTIATIONS
    rows = [
        row(name, percent, [negotiate(suite, percent, f"{report.setting.seed} {percent} {n}") for n in range(count)])
        for name, suite in SUITES.items()
        for percent in LOSSES
    ]
    report.add("negotiations", "Whole negotiations, hub as delivered (suite paper too asks for 64 bits at 20 % here)", COLUMNS, rows)
