import itertools
import math
import subprocess
import sys

import pytest

from simulation.loss import MAX_LOSS, LossModel

PACKETS = 40_000


def draw(seed: int | str, loss: float, burst: float = 1.0, packets: int = PACKETS) -> list[bool]:
    model = LossModel(seed, loss, burst)
    return [model.lost() for _ in range(packets)]


def runs(losses: list[bool]) -> list[int]:
    return [len(list(group)) for lost, group in itertools.groupby(losses) if lost]


@pytest.mark.parametrize("loss", [0.1, 0.4, 0.7, 0.95])
@pytest.mark.parametrize("burst", [1.0, 4.0, 30.0])
def test_mean_loss_and_mean_run_within_statistical_error(loss: float, burst: float) -> None:
    losses = draw("statistics", loss, burst)
    run = max(burst, 1 / (1 - loss))
    # variance of a mean of correlated draws: (1 + correlation) / (1 - correlation) times that of independent ones
    correlation = 1 - 1 / run - loss / (run * (1 - loss))
    error = math.sqrt(loss * (1 - loss) / PACKETS * (1 + correlation) / (1 - correlation))
    assert sum(losses) / PACKETS == pytest.approx(loss, abs=5 * error)
    lengths = runs(losses)
    run_error = math.sqrt(run * (run - 1) / len(lengths))
    assert sum(lengths) / len(lengths) == pytest.approx(run, abs=5 * run_error)


@pytest.mark.parametrize("loss", [0.2, 0.8])
def test_burst_one_means_independent(loss: float) -> None:
    losses = draw("independent", loss)
    after_loss = [now for before, now in itertools.pairwise(losses) if before]
    error = math.sqrt(loss * (1 - loss) / len(after_loss))
    assert sum(after_loss) / len(after_loss) == pytest.approx(loss, abs=5 * error)


def test_same_seed_repeats_exactly_and_another_does_not() -> None:
    first = draw("1/scanner-1/device-1", 0.4, 3.0)
    assert draw("1/scanner-1/device-1", 0.4, 3.0) == first
    assert draw("1/scanner-2/device-1", 0.4, 3.0) != first


def test_first_losses_of_seed_one_never_change() -> None:
    assert "".join("01"[lost] for lost in draw(1, 0.5, packets=32)) == "00111001101011010011001111111111"


def test_no_loss_loses_nothing() -> None:
    assert not any(draw(1, 0.0, 10.0))


def test_change_at_run_time_goes_on_with_the_same_generator() -> None:
    model = LossModel(7, 0.0)
    [model.lost() for _ in range(10)]
    model.set(MAX_LOSS)
    assert sum(model.lost() for _ in range(1000)) > 850


@pytest.mark.parametrize(
    ("loss", "burst"), [(-0.01, 1), (MAX_LOSS + 0.01, 1), (0.2, 0.99), (0.2, math.inf), (math.nan, 1), (0.2, math.nan)]
)
def test_out_of_range_changes_nothing(loss: float, burst: float) -> None:
    model = LossModel(1, 0.5, 2.0)
    with pytest.raises(ValueError, match="must be"):
        model.set(loss, burst)
    assert (model.loss, model.burst) == (0.5, 2.0)


def test_bounds_are_allowed() -> None:
    assert LossModel(1, 0).mean_run == 1
    assert LossModel(1, MAX_LOSS).mean_run == pytest.approx(20)


def test_importable_without_bumble() -> None:
    code = "import sys, simulation.loss; sys.exit('bumble' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603  # our own interpreter
