"""Fifty seeded negotiations at 50 % loss and 30 ms: the stop rule and Eve beside the formulas."""

import math
import statistics

import pytest

from custom_components.self_secure.protocol.connection import Settings
from experiments.negotiations import Run, expected_broadcast, expected_set, negotiate, report

RUNS, LOSS = 50, 0.5
SETTINGS = Settings(hub_id=bytes(16))


@pytest.fixture(scope="module", params=[1, 2], ids=["one scanner", "two scanners"])
def scanners(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def runs(scanners: int) -> list[Run]:
    return [negotiate(seed, LOSS, LOSS, scanners) for seed in range(1, RUNS + 1)]


def test_all_complete(runs: list[Run]) -> None:
    assert [run.completed for run in runs] == [True] * RUNS


def test_broadcast_packets_agree_with_the_stop_rule(runs: list[Run], scanners: int) -> None:
    """The number of packets until the n-th success has variance n p / (1 - p)^2; the median of 50 lies within 3.76 standard errors."""
    factor = statistics.median(run.factor for run in runs)
    captured = 1 - LOSS**scanners
    expected = expected_broadcast(SETTINGS, LOSS, scanners, factor)
    deviation = math.sqrt(expected * captured * (1 - captured)) / captured
    error = 3.76 * 1.2533 * deviation / math.sqrt(RUNS)  # 1.2533: of a median, relative to a mean
    assert statistics.median(run.broadcast for run in runs) == pytest.approx(expected, abs=error)


def test_each_set_reaches_its_target(runs: list[Run]) -> None:
    assert min(run.bits for run in runs) >= SETTINGS.target_bits
    assert min(run.agreed for run in runs) >= SETTINGS.minimum


def test_eve_misses_what_the_formula_says(runs: list[Run]) -> None:
    agreed, sent = sum(run.agreed for run in runs), sum(run.broadcast for run in runs)
    missed = sum(run.eve_missed for run in runs) / agreed
    lost = sum(run.eve_lost * run.broadcast for run in runs) / sent
    assert missed == pytest.approx(LOSS, abs=4 * math.sqrt(LOSS * (1 - LOSS) / agreed))
    assert lost == pytest.approx(LOSS, abs=4 * math.sqrt(LOSS * (1 - LOSS) / sent))


def test_eve_never_has_the_whole_set(runs: list[Run]) -> None:
    """At 50 % she holds 200 packets with probability 2^-200; in no run is she anywhere near."""
    assert min(run.eve_missed for run in runs) > 50


def test_the_report_names_both_numbers(runs: list[Run], scanners: int) -> None:
    text = report(runs, LOSS, LOSS, scanners)
    assert f"{RUNS} of {RUNS}" in text
    assert f"{expected_broadcast(SETTINGS, LOSS, scanners):.0f}" in text


BURSTS = 30  # runs
BURST, BURST_LOSS = 4.0, 0.3


@pytest.fixture(scope="module")
def bursty() -> list[Run]:
    return [negotiate(seed, BURST_LOSS, BURST_LOSS, 1, BURST) for seed in range(1, BURSTS + 1)]


def test_bursts_ask_for_more_packets(bursty: list[Run]) -> None:
    """f = mean burst x capture rate; its estimate in one run has a relative error of about 1 / sqrt(number of bursts)."""
    factor = statistics.median(run.factor for run in bursty)
    expected = BURST * (1 - BURST_LOSS)
    bursts = statistics.median(run.broadcast for run in bursty) * BURST_LOSS / BURST
    assert factor == pytest.approx(expected, rel=4 / math.sqrt(bursts * BURSTS) + 0.05)  # 0.05: it stops at a favourable moment


def test_the_set_grows_with_the_bursts(bursty: list[Run]) -> None:
    assert [run.completed for run in bursty] == [True] * BURSTS
    assert min(run.bits for run in bursty) >= SETTINGS.target_bits
    short = [run for run in bursty if run.agreed < expected_set(SETTINGS, run.factor) - 1]
    assert short == []
