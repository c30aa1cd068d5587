"""Stolen chain keys: messages until the thief is locked out, beside the formula.

He stays in while he hears what the next key is made of: in `paper` the accepted DATA, probability 1 - p; in `loss` and
`hybrid` also its DACK, whose RandB is encrypted, (1 - p)^2. The number of messages is then geometric; in `loss` and
`hybrid` the end of the epoch ends it in any case.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
import statistics

from simulation.loss import LossModel

from ..evaluation.pair import SUITES, Pair
from ..evaluation.plots import figure, lines, name_axes
from ..evaluation.report import Cell, Report
from ..evaluation.statistics import mean_interval, wilson
from .stealing import follows, steal
from .tap import TappedWorld
from .thief import Thief

LOSSES = (0, 1, 2, 5, 10, 20, 50)  # percent of frames that the thief misses
MESSAGES = 96  # of the device after the theft: three epochs long
THIEVES = 10  # per world and loss: they do not know of each other
WORLDS = 4
FULL_WORLDS = 20


@dataclass(slots=True)
class Watched:
    """One thief with his loss and what became of him."""

    percent: int
    thief: Thief
    stayed: int = 0  # messages after which he still had the key
    out: bool = False
    back: bool = False  # in again later


@dataclass(slots=True)
class Lockouts:
    """All thieves of one suite and loss."""

    suite: str
    percent: int
    epoch: int  # messages of the device from the theft to the end of the epoch, or MESSAGES
    stayed: list[int] = field(default_factory=list)
    back: int = 0

    @property
    def formula(self) -> float:
        """Mean number of messages: sum of q^k up to the end of the epoch."""
        q = keeps(self.suite, self.percent)
        return sum(q**k for k in range(1, self.epoch + 1))


def keeps(suite: str, percent: int) -> float:
    """Return the probability that he still has the key after one message."""
    return (1 - percent / 100) ** (1 if suite == "paper" else 2)


def rob(suite: str, seed: str) -> tuple[list[Watched], int]:
    """Let many thieves copy the chain keys at the beginning of an epoch; return them and how long that epoch was."""
    number = SUITES[suite]
    pair = Pair(number, seed, TappedWorld)
    pair.renew()
    watched = []
    for percent in LOSSES:
        for place in range(THIEVES):
            model = LossModel(f"{seed} {percent} {place}", percent / 100)
            watched.append(Watched(percent, Thief(number, steal(pair, number, memory=True, storage=False), model.lost)))
    assert isinstance(pair.world, TappedWorld)  # noqa: S101  # tells mypy what was asked for two lines above
    pair.world.listeners += [one.thief for one in watched]
    epoch = pair.node.core.peer.session.epoch
    return watched, talk(pair, watched, epoch)


def talk(pair: Pair, watched: list[Watched], epoch: int) -> int:
    """Deliver MESSAGES of the device; return how many of them went out in `epoch`."""
    within = 0
    for _ in range(MESSAGES):
        pair.device_says()
        pair.until(lambda: pair.quiet)
        within += pair.node.core.peer.session.epoch == epoch
        for one in watched:
            inside = follows(pair, one.thief.chains)
            one.back |= inside and one.out
            one.out |= not inside
            one.stayed += not one.out
    return within


def measure(suite: str, worlds: int, seed: int) -> list[Lockouts]:
    """Rob in so many worlds."""
    results: dict[int, Lockouts] = {}
    for world in range(worlds):
        watched, epoch = rob(suite, f"{seed} {suite} {world}")
        for one in watched:
            result = results.setdefault(one.percent, Lockouts(suite, one.percent, epoch))
            result.stayed.append(one.stayed)
            result.back += one.back
    return list(results.values())


COLUMNS = (
    "suite",
    "thief_misses_percent",
    "thieves",
    "mean_messages",
    "interval_95",
    "formula",
    "longest",
    "epoch_ends_after",
    "still_in_at_the_end",
    "low_95",
    "high_95",
    "back_in_later",
)


def row(result: Lockouts) -> tuple[Cell, ...]:
    """Return one row of COLUMNS."""
    mean, half = mean_interval(result.stayed)
    still = sum(stayed == MESSAGES for stayed in result.stayed)
    low, high = wilson(still, len(result.stayed))
    epoch = None if result.suite == "paper" else result.epoch
    counts = (len(result.stayed), round(mean, 2), round(half, 2), round(result.formula, 2), max(result.stayed))
    return (result.suite, result.percent, *counts, epoch, still, low, high, result.back)


def curves(results: list[Lockouts]) -> Iterator[tuple[str, list[int], list[float], None]]:
    """Yield the share of thieves still in after k messages."""
    for result in results:
        stayed = result.stayed
        yield (
            f"misses {result.percent} %",
            list(range(MESSAGES + 1)),
            [statistics.fmean(s >= k for s in stayed) for k in range(MESSAGES + 1)],
            None,
        )


def run(report: Report) -> None:
    """Add table and plot."""
    worlds = FULL_WORLDS if report.setting.full else WORLDS
    measured = {suite: measure(suite, worlds, report.setting.seed) for suite in SUITES}
    title = f"Stolen chain keys: messages of the device until the thief is locked out, of {MESSAGES} after the theft"
    report.add("lockout", title, COLUMNS, [row(result) for results in measured.values() for result in results])
    with figure(report, "lockout", len(measured), share_y=True) as panels:
        for axes, (suite, results) in zip(panels, measured.items(), strict=True):
            lines(axes, list(curves(results)))
            for line in axes.get_lines():
                line.set_marker("")
            name_axes(axes, suite, "messages after the theft", "thieves still in")
