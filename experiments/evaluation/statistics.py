"""Intervals beside every measured number."""

from collections.abc import Sequence
import math
import statistics

Z_95 = 1.96  # standard errors on either side that hold 95 %


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """Return the 95 % score interval of a probability (Wilson 1927): sensible also at 0 and at all of `trials`."""
    if not trials:
        return 0.0, 1.0
    share, z2 = successes / trials, Z_95**2
    centre = (share + z2 / (2 * trials)) / (1 + z2 / trials)
    half = Z_95 / (1 + z2 / trials) * math.sqrt(share * (1 - share) / trials + z2 / (4 * trials**2))
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    return low, 1.0 if successes == trials else min(1.0, centre + half)


def mean_interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the half-width of its 95 % interval (normal; too narrow by a sixth for ten values)."""
    if len(values) < 2:
        return statistics.fmean(values), math.inf
    return statistics.fmean(values), Z_95 * statistics.stdev(values) / math.sqrt(len(values))


def correlation(pairs: Sequence[tuple[bool, bool]]) -> float:
    """Return the phi coefficient of two loss sequences; 0 where one of them never changes."""
    n = len(pairs)
    first, second = sum(a for a, _ in pairs) / n, sum(b for _, b in pairs) / n
    both = sum(a and b for a, b in pairs) / n
    spread = math.sqrt(first * (1 - first) * second * (1 - second))
    return (both - first * second) / spread if spread else 0.0


def mean_burst(losses: Sequence[bool]) -> float:
    """Return the mean number of losses in a row; 0 without a loss."""
    runs = sum(now and not before for before, now in zip([False, *losses], losses, strict=False))
    return sum(losses) / runs if runs else 0.0
