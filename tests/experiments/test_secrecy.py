"""Eve in simulation: the same laws as the formulas, and the real collector at work."""

from collections.abc import Callable
import itertools
import statistics

import pytest

from experiments.evaluation.statistics import wilson
from experiments.listener.collecting import DEFAULT, NO_BURSTS, TWENTY, Packet, broadcast
from experiments.listener.places import PLACES, listen
from experiments.listener.sweep import independent, sample
from experiments.listener.whole import SUITES, negotiate

BROADCASTS = 300
BY_NAME = {place.name: place for place in PLACES}


def script(*packets: Packet) -> Callable[[], Packet]:
    return itertools.cycle(packets).__next__


def test_the_set_holds_what_the_hub_heard_and_eve_lacks_what_she_missed() -> None:
    heard = broadcast(TWENTY.stop, script((False, True), (True, False), (False, False)))
    assert heard.agreed[:4] == [0, 2, 3, 5]
    assert (len(heard.agreed), heard.missed, len(heard.packets)) == (20, 10, 30)


def test_a_hub_that_hears_too_little_gives_up_at_n_max() -> None:
    heard = broadcast(TWENTY.stop, script((True, True)))
    assert (heard.complete, len(heard.packets)) == (False, TWENTY.stop.n_max)


@pytest.mark.parametrize("percent", [1, 5, 10])
def test_eve_holds_twenty_packets_as_often_as_the_formula_says(percent: int) -> None:
    outcome = sample(TWENTY, percent, BROADCASTS, 1)
    low, high = wilson(outcome.whole, BROADCASTS)
    assert low - 0.03 <= outcome.formula <= high + 0.03


def test_the_delivered_rule_asks_for_ten_times_as_much() -> None:
    assert sample(DEFAULT, 10, 20, 1).size > 10 * sample(TWENTY, 10, 20, 1).size


def test_a_set_that_ignores_bursts_is_held_far_more_often_than_the_formula_says() -> None:
    outcome = sample(NO_BURSTS, 5, BROADCASTS, 1, burst=6.0)
    assert wilson(outcome.whole, BROADCASTS)[0] > 100 * outcome.formula


def test_channels_of_one_seed_repeat() -> None:
    first, second = independent("1", 20), independent("1", 20)
    assert [first() for _ in range(50)] == [second() for _ in range(50)]


def eve_loss(name: str) -> float:
    packets = [packet for heard in listen(BY_NAME[name], DEFAULT, 40, 1).heard for packet in heard.packets]
    return statistics.fmean(eve for _, eve in packets)


def test_nearer_and_better_sniffers_miss_less() -> None:
    assert eve_loss("1.5 m from the device") < eve_loss("6 m") < eve_loss("25 m, outside")
    assert eve_loss("good sniffer at 12 m") < eve_loss("12 m")
    assert eve_loss("two good sniffers, 6 m and 12 m") < eve_loss("good sniffer at 12 m")


def test_eve_next_to_the_device_usually_holds_everything() -> None:
    assert listen(BY_NAME["0.5 m from the device"], TWENTY, 40, 1).whole >= 36


@pytest.mark.parametrize("suite", SUITES)
def test_whole_negotiations_agree_with_the_collector_alone(suite: str) -> None:
    runs = [negotiate(SUITES[suite], 20, f"{number}") for number in range(4)]
    assert all(run.completed for run in runs)
    assert statistics.mean(run.agreed for run in runs) == pytest.approx(sample(DEFAULT, 20, 40, 1).size, rel=0.04)
    assert statistics.mean(run.missed / run.agreed for run in runs) == pytest.approx(0.2, abs=0.06)
