"""`independence`: how often one collector's packets contain another's set, beside the formula, and what it can open then."""

from dataclasses import dataclass
from itertools import permutations
import statistics

from ..evaluation.plots import figure, name_axes
from ..evaluation.report import Cell, Report, Setting
from ..evaluation.statistics import wilson
from .collectors import Collector, collect

KIND = "one device and two hubs in virtual time, independent losses"
SUITES = {"loss": 0x01, "hybrid": 0x11}
BROADCASTS = 200  # per row
FULL_BROADCASTS = 1000
CASES = ((16, 1), (16, 5), (16, 20), (64, 1), (64, 5), (200, 5), (200, 20))
"""(N_r, loss in percent at either collector); 200 and 20 are what is delivered."""

COLUMNS = (
    "suite",
    "N_r",
    "loss_percent",
    "broadcasts",
    "mean_set",
    "held_percent",
    "low",
    "high",
    "formula_percent",
    "equal_keys",
    "opened",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """All broadcasts of one row."""

    pairs: list[tuple[Collector, Collector]]  # ordered: what the first knows of the second
    suite: int
    loss: float

    @property
    def held(self) -> int:
        """How often the first holds the second one's set."""
        return sum(one.holds(other) for one, other in self.pairs)

    @property
    def formula(self) -> float:
        """(1 - p)^|S'|, averaged over the sets as they came out."""
        return statistics.fmean((1 - self.loss) ** len(other.agreed) for _, other in self.pairs)

    @property
    def opened(self) -> int:
        """How often the first one computes the second one's key."""
        return sum(one.opens(other, self.suite) for one, other in self.pairs)

    @property
    def equal(self) -> int:
        """How often both have the same key or code."""
        return sum(one.stored == other.stored or (one.code == other.code and one.code is not None) for one, other in self.pairs)


def sample(suite: int, minimum: int, percent: int, broadcasts: int, seed: int) -> Outcome:
    """Play so many broadcasts; those in which one of the two did not succeed are left out."""
    runs = (collect(suite, minimum, percent, f"{seed} {suite} {minimum} {percent} {number}") for number in range(broadcasts))
    return Outcome([pair for run in runs for pair in permutations(run, 2)], suite, percent / 100)


def row(name: str, minimum: int, percent: int, outcome: Outcome) -> tuple[Cell, ...]:
    """Return one row of COLUMNS."""
    trials = len(outcome.pairs)
    low, high = (round(100 * bound, 2) for bound in wilson(outcome.held, trials))
    size = round(statistics.fmean(len(other.agreed) for _, other in outcome.pairs), 1)
    shares = (round(100 * outcome.held / trials, 2), low, high, float(f"{100 * outcome.formula:.3g}"))
    return (name, minimum, percent, trials // 2, size, *shares, outcome.equal, outcome.opened)


def run(setting: Setting) -> Report:
    """Make the table and its plot."""
    report = Report("independence", setting, KIND)
    broadcasts = FULL_BROADCASTS if setting.full else BROADCASTS
    outcomes = {
        (name, minimum, percent): sample(suite, minimum, percent, broadcasts, setting.seed)
        for name, suite in SUITES.items()
        for minimum, percent in CASES
    }
    rows = [row(*case, outcome) for case, outcome in outcomes.items()]
    title = "One broadcast, two collectors: does one hold the other's whole set, and does that open the other's key?"
    report.add("independence", title, COLUMNS, rows)
    _draw(report, rows)
    return report


def _draw(report: Report, rows: list[tuple[Cell, ...]]) -> None:
    measured = [row for row in rows if row[0] == "loss"]
    places = range(len(measured))
    with figure(report, "independence") as [axes]:
        middle = [float(row[5] or 0) for row in measured]
        spread = [
            [float(row[5] or 0) - float(row[6] or 0) for row in measured],
            [float(row[7] or 0) - float(row[5] or 0) for row in measured],
        ]
        axes.bar(places, middle, yerr=spread, width=0.5, color="lightsteelblue", capsize=3, label="measured, 95 %")
        axes.plot(places, [float(row[8] or 0) for row in measured], "D", color="black", markersize=4, label="$(1-p)^{|S'|}$")
        axes.set_xticks(places, [f"{row[1]}\n{row[2]} %" for row in measured])
        axes.legend(fontsize=7)
        name_axes(axes, "One collector holds the other's set", "packets of the set; loss", "% of all ordered pairs")
