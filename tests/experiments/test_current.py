"""docs/evaluation/ is what the commands give today: of each table one or a few rows are measured again, at their full size.

What depends on the machine, CPU time, is left out.
"""

import pytest

from experiments.channel.fig7 import FULL_REPETITIONS, PROFILES, measure
from experiments.evaluation.pair import SUITES
from experiments.evaluation.statistics import mean_interval
from experiments.independence import evaluation as independence
from experiments.listener import places, sweep, whole
from experiments.listener.collecting import DEFAULT, TWENTY
from experiments.overhead.growth import SCENARIOS, Scenario
from experiments.robustness import evaluation as robustness
from experiments.theft import lockout, stories

from .publication import as_stored, line_of, published

SEED = 1


def test_fig7() -> None:
    profile = PROFILES[0]
    mean, _ = mean_interval(measure(profile, 0.5, 200, FULL_REPETITIONS, SEED).total)
    [line] = [
        line for line in published("fig7", "fig7") if (line["receiver"], line["metres"], line["packets"]) == (profile.name, "0.5", "200")
    ]
    assert float(line["loss_percent"]) == round(100 * mean, 2)


def test_loss() -> None:
    row = sweep.row(sweep.sample(TWENTY, 5, sweep.FULL_BROADCASTS, SEED))
    assert as_stored(row) in [list(line.values()) for line in published("secrecy", "loss")]


def test_places() -> None:
    row = places.listen(places.PLACES[2], DEFAULT, places.FULL_BROADCASTS, SEED).row()
    assert as_stored(row) == line_of("secrecy", "places", *row[:2])


@pytest.mark.parametrize("suite", whole.SUITES)
def test_negotiations(suite: str) -> None:
    percent = whole.LOSSES[-1]
    runs = [whole.negotiate(whole.SUITES[suite], percent, f"{SEED} {percent} {number}") for number in range(whole.FULL_NEGOTIATIONS)]
    assert as_stored(whole.row(suite, percent, runs)) == line_of("secrecy", "negotiations", suite, percent)


def test_theft() -> None:
    seen = [", ".join(stories.play(told, f"{SEED} story {number}")) for number, told in enumerate(stories.STORIES)]
    assert seen == [line["thief_afterwards"] for line in published("secrecy", "theft")]


@pytest.mark.parametrize("suite", ["loss", "hybrid"])
def test_lockout(suite: str) -> None:
    rows = [as_stored(lockout.row(result)) for result in lockout.measure(suite, lockout.FULL_WORLDS, SEED)]
    assert rows == [list(line.values()) for line in published("secrecy", "lockout") if line["suite"] == suite]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: str(scenario.name))
def test_table_2(scenario: Scenario, suite: str) -> None:
    point = scenario.measure(suite, 8, f"{SEED} {scenario.name}")
    line = dict(zip(published("table2", "measurements")[0], line_of("table2", "measurements", scenario.name, suite, 8), strict=True))
    assert [int(line[name]) for name in ("air_bytes", "hub_disk_bytes", "device_disk_bytes")] == [
        point.air,
        point.hub_disk,
        point.device_disk,
    ]


@pytest.mark.parametrize(
    ("case", "suite"),
    [
        (robustness.CASES[0], "paper"),  # crash
        (robustness.CASES[3], "hybrid"),  # lost link
        (robustness.CASES[4], "loss"),
        (robustness.CASES[6], "hybrid"),  # backup
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.who}, {value.fault}",
)
def test_robustness(case: robustness.Case, suite: str) -> None:
    seeds = [f"{SEED} {number}" for number in range(robustness.FULL_SEEDS)]
    lives = [verdict for seed in seeds for verdict in robustness.verdicts(case, SUITES[suite], seed)]
    assert as_stored(robustness.row(case, suite, lives)) == line_of("robustness", "robustness", case.who, case.fault, suite)


def test_independence() -> None:
    minimum, percent = independence.CASES[2]
    outcome = independence.sample(independence.SUITES["loss"], minimum, percent, independence.FULL_BROADCASTS, SEED)
    row = independence.row("loss", minimum, percent, outcome)
    assert as_stored(row) == line_of("independence", "independence", "loss", minimum, percent)
