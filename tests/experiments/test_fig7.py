"""The feasibility experiment: what the paper saw, and why."""

from pathlib import Path
import statistics

import pytest

from experiments.channel.fig7 import COUNTS, DISTANCES, PROFILES, Measured, hosts, measure_all, run, transfer
from experiments.evaluation.report import Setting

SLOW, FAST, OURS = (profile.name for profile in PROFILES)
REPETITIONS = 60


@pytest.fixture(scope="module")
def measured() -> Measured:
    return measure_all(REPETITIONS, 1)


def mean(measured: Measured, name: str, metres: float, packets: int) -> float:
    return statistics.fmean(measured[name, metres, packets].total)


@pytest.mark.parametrize("packets", COUNTS)
@pytest.mark.parametrize("name", [SLOW, FAST, OURS])
def test_loss_rises_with_distance(measured: Measured, name: str, packets: int) -> None:
    means = [mean(measured, name, metres, packets) for metres in DISTANCES]
    assert means == sorted(set(means))


@pytest.mark.parametrize("metres", DISTANCES)
def test_loss_rises_with_the_number_of_packets_where_the_host_just_keeps_up(measured: Measured, metres: float) -> None:
    assert mean(measured, SLOW, metres, 200) < mean(measured, SLOW, metres, 800)


def test_the_loss_grows_with_the_number_only_where_the_host_hardly_keeps_up() -> None:
    of_200, of_800 = ({row[0]: float(row[place] or 0) for row in hosts(REPETITIONS, 1)} for place in (1, -1))
    assert of_800[8.0] < 0.1
    assert [ms for ms in of_200 if of_800[ms] > 1.3 * of_200[ms]] == [9.0, 9.5, 9.8, 10.0, 10.5, 12.0]


@pytest.mark.parametrize("name", [FAST, OURS])
def test_nothing_is_lost_in_the_queue_of_a_host_that_keeps_up(measured: Measured, name: str) -> None:
    assert [losses.queue for (profile, *_), losses in measured.items() if profile == name] == [[0.0] * REPETITIONS] * 15


def test_a_seed_repeats_a_transfer() -> None:
    assert transfer(PROFILES[0], 6.0, 400, "1 0") == transfer(PROFILES[0], 6.0, 400, "1 0")
    assert transfer(PROFILES[0], 6.0, 400, "1 0") != transfer(PROFILES[0], 6.0, 400, "2 0")


def test_the_command_leaves_a_table_and_a_plot(tmp_path: Path) -> None:
    report = run(Setting(seed=1, full=False, out=tmp_path))
    assert len(report.tables[0].rows) == len(PROFILES) * len(DISTANCES) * len(COUNTS)
    assert (tmp_path / "fig7" / "fig7.png").stat().st_size > 1000
