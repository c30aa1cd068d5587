"""The propagation and receive-queue models: the laws they claim, and that a seed repeats them."""

import math
import statistics

import pytest

from simulation.places import Place, rssi
from simulation.propagation import Air, Hearing, airtime, bit_error_rate, linear, mean_power
from simulation.receive_queue import CAPACITY, FAST_SERVICE, SLOW_SERVICE, ReceiveQueue

PAYLOAD = 37


def share_lost(metres: float, *, gain: float = 0.0, bursts: float = 100.0, packets: int = 4000) -> float:
    air, hearing = Air(1, bursts), Hearing(1, metres, gain, shadowing=0.0)
    return sum(hearing.lost(air.moment(PAYLOAD), PAYLOAD) for _ in range(packets)) / packets


def test_an_advertisement_of_31_bytes_lasts_376_microseconds() -> None:
    assert airtime(PAYLOAD) == pytest.approx(376e-6)


@pytest.mark.parametrize("metres", [0.5, 1.0, 3.0, 6.0])
def test_mean_power_is_what_the_floor_plan_says(metres: float) -> None:
    assert mean_power(metres) == pytest.approx(rssi(Place(0, 0), Place(metres, 0)), abs=0.5)


def test_a_thousandth_of_the_bits_is_wrong_near_the_usual_sensitivity() -> None:
    assert bit_error_rate(linear(-93 - -104)) == pytest.approx(1e-3, rel=0.5)


def test_loss_rises_with_distance() -> None:
    losses = [share_lost(metres) for metres in (0.5, 1.5, 3.0, 6.0, 12.0)]
    assert losses == sorted(set(losses))


def test_a_better_antenna_loses_less() -> None:
    assert share_lost(6.0, gain=10.0) < share_lost(6.0) / 2


def test_without_interference_nothing_is_lost_nearby() -> None:
    assert share_lost(3.0, bursts=0.0) == 0


def test_the_same_seed_loses_the_same_packets() -> None:
    assert share_lost(6.0) == share_lost(6.0)


def test_a_burst_reaches_both_receivers() -> None:
    air = Air(2)
    first, second = Hearing("a", 6.0, shadowing=0.0), Hearing("b", 6.0, shadowing=0.0)
    moments = [air.moment(PAYLOAD) for _ in range(20_000)]
    pairs = [(first.lost(moment, PAYLOAD), second.lost(moment, PAYLOAD)) for moment in moments]
    p, q = (statistics.fmean(side) for side in zip(*pairs, strict=True))
    assert sum(a and b for a, b in pairs) / len(pairs) > 3 * p * q


def test_fading_has_mean_one() -> None:
    hearing = Hearing(3, 1.0)
    gains = [hearing._fading() for _ in range(20_000)]
    assert statistics.fmean(gains) == pytest.approx(1, abs=4 * statistics.stdev(gains) / math.sqrt(len(gains)))


def accepted(service: float, packets: int, interval: float = 0.010) -> int:
    queue = ReceiveQueue(1, service)
    return sum(queue.accepts(number * interval) for number in range(packets))


def test_a_burst_beyond_the_capacity_is_dropped() -> None:
    queue = ReceiveQueue(1, service=1.0)
    assert [queue.accepts(0.0) for _ in range(CAPACITY + 1)] == [True] * CAPACITY + [False]


def test_a_fast_host_takes_everything() -> None:
    assert accepted(FAST_SERVICE, 800) == 800


def queue_loss(packets: int) -> float:
    queues = [ReceiveQueue(seed, SLOW_SERVICE) for seed in range(100)]
    return statistics.fmean(not queue.accepts(number * 0.010) for queue in queues for number in range(packets))


def test_a_host_at_its_limit_loses_a_larger_share_of_more_packets() -> None:
    assert 0 < queue_loss(200) < queue_loss(400) < queue_loss(800) < 0.1


def test_the_same_host_takes_all_of_our_packets() -> None:
    assert accepted(SLOW_SERVICE, 800, 0.030) == 800
