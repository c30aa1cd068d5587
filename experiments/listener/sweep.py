"""Dependence on the loss: both the hub and Eve lose 1 to 50 percent, independently, in bursts, or partly together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import math
import statistics

from custom_components.self_secure.protocol.sets import burst_factor
from simulation.loss import LossModel

from ..evaluation.plots import figure, name_axes
from ..evaluation.report import Cell, Report
from ..evaluation.statistics import wilson
from .collecting import CAUTIOUS, DEFAULT, NO_BURSTS, RULES, Heard, Packet, Rule, broadcast

LOSSES = (1, 2, 5, 10, 20, 30, 50)  # percent
BURST = 6.0  # mean losses in a row of the bursty channel
BURSTY_LOSSES = (5, 10, 20)
BROADCASTS = 500
FULL_BROADCASTS = 2000


@dataclass(frozen=True, slots=True)
class Outcome:
    """Many broadcasts under one rule and loss."""

    rule: Rule
    percent: int
    broadcasts: int
    completed: int
    size: float  # mean |S'|
    missed: float  # mean number of its packets that Eve lacks
    whole: int  # times she held all of them
    formula: float  # (1 - p)^|S'|, mean
    discounted: float  # (1 - p)^(|S'| / f), mean: what the stop rule counts on


def independent(seed: str, percent: int, burst: float = 1.0) -> Callable[[], Packet]:
    """Two channels that know nothing of each other."""
    hub, eve = (LossModel(f"{seed} {name}", percent / 100, burst) for name in ("hub", "eve"))
    return lambda: (hub.lost(), eve.lost())


def sample(rule: Rule, percent: int, broadcasts: int, seed: int, burst: float = 1.0) -> Outcome:
    """Broadcast so many times."""
    return summarise(rule, percent, [broadcast(rule.stop, independent(f"{seed} {n}", percent, burst)) for n in range(broadcasts)])


def summarise(rule: Rule, percent: int, heard: Sequence[Heard]) -> Outcome:
    """Count."""
    return Outcome(
        rule,
        percent,
        len(heard),
        sum(one.complete for one in heard),
        statistics.fmean(len(one.agreed) for one in heard),
        statistics.fmean(one.missed for one in heard),
        sum(one.missed == 0 for one in heard),
        statistics.fmean((1 - percent / 100) ** len(one.agreed) for one in heard),
        statistics.fmean((1 - percent / 100) ** (len(one.agreed) / burst_factor(one.agreed)) for one in heard),
    )


COLUMNS = (
    "stop_rule",
    "suites",
    "loss_percent",
    "broadcasts",
    "completed",
    "mean_set",
    "mean_missed_by_eve",
    "eve_holds_all",
    "probability",
    "low_95",
    "high_95",
    "formula",
    "formula_with_f",
    "bits_by_formula",
)


def row(outcome: Outcome) -> tuple[Cell, ...]:
    """Return one row of COLUMNS."""
    low, high = wilson(outcome.whole, outcome.broadcasts)
    head = (outcome.rule.name, outcome.rule.suites, outcome.percent, outcome.broadcasts, outcome.completed)
    counts = (round(outcome.size, 1), round(outcome.missed, 2), outcome.whole, outcome.whole / outcome.broadcasts)
    return (*head, *counts, low, high, outcome.formula, outcome.discounted, round(-math.log2(outcome.formula), 1))


def draw(report: Report, outcomes: Sequence[Outcome]) -> None:
    """Plot the probability that Eve holds the whole set over the loss, measured beside the formula."""
    with figure(report, "loss") as [axes]:
        for rule in RULES:
            mine = [outcome for outcome in outcomes if outcome.rule is rule]
            seen = [outcome for outcome in mine if outcome.whole]
            bounds = [wilson(outcome.whole, outcome.broadcasts) for outcome in seen]
            shares = [outcome.whole / outcome.broadcasts for outcome in seen]
            error = [[share - low for share, (low, _) in zip(shares, bounds, strict=True)]]
            error.append([high - share for share, (_, high) in zip(shares, bounds, strict=True)])
            [line] = axes.plot([o.percent for o in mine], [o.formula for o in mine], linewidth=1, label=f"{rule.name} (formula)")
            axes.errorbar([o.percent for o in seen], shares, error, fmt="o", markersize=4, capsize=2, color=line.get_color())
        axes.set_yscale("log")
        axes.set_ylim(1e-20, 2)
        axes.set_xscale("log")
        axes.grid(alpha=0.3)
        axes.legend(fontsize=6, loc="lower left")
        name_axes(axes, "Eve holds the whole set (dots: measured)", "loss of hub and Eve (%)", "probability")


def run(report: Report) -> None:
    """Add both tables and the plot."""
    count = FULL_BROADCASTS if report.setting.full else BROADCASTS
    outcomes = [sample(rule, percent, count, report.setting.seed) for rule in RULES for percent in LOSSES]
    title = "Independent losses: how often Eve holds the whole set, beside (1 - p)^|S'|"
    report.add("loss", title, COLUMNS, [row(outcome) for outcome in outcomes])
    bursty = [
        sample(rule, percent, count, report.setting.seed, BURST) for rule in (NO_BURSTS, DEFAULT, CAUTIOUS) for percent in BURSTY_LOSSES
    ]
    title = f"Losses in bursts of {BURST:.0f} on average: the formula for independent losses is wrong here; f, measured at the hub, corrects most of it"
    report.add("bursts", title, COLUMNS, [row(outcome) for outcome in bursty])
    draw(report, outcomes)
