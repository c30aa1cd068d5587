"""`robustness`: {device, hub, both} x {crash at each write, link loss at each fragment, backup restored} x suites."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, takewhile
import statistics

from ..evaluation.pair import SUITES
from ..evaluation.plots import figure, name_axes
from ..evaluation.report import Cell, Report, Setting
from .backups import BOTH, DEVICE, HUB, OLDER, SAME_EPOCH, restored
from .fuse import DEVICE_FRAGMENT, DEVICE_WRITES, HUB_FRAGMENT, HUB_WRITES, Fuse
from .life import Life
from .verdict import Verdict, live

KIND = "hub and device in virtual time (a link 50 ms away, looked for once a second), no radio"
CRASH, LINK = "crash before and after each write", "link lost at each fragment"
OUTAGE = 60.0  # s without any link, where both are said to lose it
FULL_SEEDS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One row: who fails, and how."""

    who: str
    fault: str
    places: frozenset[str] = frozenset()
    together: bool = False
    outage: float = 0.0


CASES = (
    Case(DEVICE, CRASH, DEVICE_WRITES),
    Case(HUB, CRASH, HUB_WRITES),
    Case(BOTH, CRASH, DEVICE_WRITES | HUB_WRITES, together=True),
    Case(DEVICE, LINK, frozenset({DEVICE_FRAGMENT})),
    Case(HUB, LINK, frozenset({HUB_FRAGMENT})),
    Case(BOTH, f"{LINK}, none for {OUTAGE:.0f} s", frozenset({DEVICE_FRAGMENT, HUB_FRAGMENT}), outage=OUTAGE),
    *(Case(who, age) for age in (SAME_EPOCH, OLDER) for who in (DEVICE, HUB, BOTH)),
)


def verdicts(case: Case, suite: int, seed: str) -> Iterator[Verdict]:
    """Play one life per place at which the case can happen."""
    if not case.places:
        lives = (restored(suite, case.who, case.fault, number, seed) for number in count())
        yield from (verdict for verdict in takewhile(lambda verdict: verdict is not None, lives) if verdict is not None)
        return
    for number in range(1, places(case, suite, seed) + 1):
        yield live(Life(suite, Fuse(case.places, number), seed, together=case.together, outage=case.outage))


def places(case: Case, suite: int, seed: str) -> int:
    """Return how many places a life without a failure passes."""
    fuse = Fuse(case.places)
    live(Life(suite, fuse, seed))
    return fuse.passed


COLUMNS = (
    "who",
    "fault",
    "suite",
    "lives",
    "recovered",
    "by_pairing_again",
    "messages_lost",
    "marked_not_acted",
    "forgotten_in_memory",
    "repeated",
    "median_seconds",
    "longest_seconds",
)


def row(case: Case, suite: str, seen: list[Verdict]) -> tuple[Cell, ...]:
    """Return one row of COLUMNS."""
    seconds = [verdict.seconds for verdict in seen if verdict.seconds is not None]
    times = (round(statistics.median(seconds), 2), round(max(seconds), 2)) if seconds else (None, None)
    counts = [
        sum(getattr(verdict, name) for verdict in seen) for name in ("recovered", "by_pairing", "lost", "unacted", "forgotten", "repeated")
    ]
    return (case.who, case.fault, suite, len(seen), *counts, *times)


def seconds_of(seen: Iterable[Verdict]) -> list[float]:
    """Return the times to recover, at least a tenth of a second for the logarithm."""
    return [max(0.1, verdict.seconds) for verdict in seen if verdict.seconds is not None]


def draw(report: Report, results: dict[tuple[Case, str], list[Verdict]]) -> None:
    """Plot the distribution of the time to recover per case, all suites together."""
    with figure(report, "robustness") as [axes]:
        axes.figure.set_size_inches(8.5, 4)
        data = [[second for suite in SUITES for second in seconds_of(results[case, suite])] for case in CASES]
        axes.boxplot(data, orientation="horizontal", whis=(0, 100), widths=0.6)
        axes.set_yticks(range(1, len(CASES) + 1), [f"{case.who}: {case.fault}" for case in CASES])
        axes.set_xscale("log")
        axes.grid(alpha=0.3)
        name_axes(
            axes,
            "Time to recover (virtual seconds, shown as at least 0.1; the longest ones wait for the user, who pairs again)",
            "seconds",
            "",
        )


def run(setting: Setting) -> Report:
    """Play all lives, tabulate, draw."""
    report = Report("robustness", setting, KIND)
    seeds = [f"{setting.seed} {number}" for number in range(FULL_SEEDS if setting.full else 1)]
    results = {
        (case, suite): [verdict for seed in seeds for verdict in verdicts(case, number, seed)]
        for case in CASES
        for suite, number in SUITES.items()
    }
    rows = [row(case, suite, seen) for (case, suite), seen in results.items()]
    report.add("robustness", "What survives what", COLUMNS, rows)
    draw(report, results)
    return report
