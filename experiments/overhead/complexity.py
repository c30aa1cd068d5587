"""Which O() a series of measurements fits, and the rows of Table 2 as curves."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
import math

FLAT = 0.15  # exponent of n below which a series counts as constant: log n has about 0.3 between 2 and 512
CLOSE = 0.003  # share of the variance by which a steeper growth must be better to be believed
KEY_BYTES = 32  # what one unit of a peer's transmission or space overhead is taken for

GROWTHS: dict[str, Callable[[float], float]] = {
    "O(log n)": lambda n: math.log2(n) + 1,
    "O(n)": lambda n: n,
    "O(n log n)": lambda n: n * (math.log2(n) + 1),
    "O(n^2)": lambda n: n * n,
}


@dataclass(frozen=True, slots=True)
class Fit:
    """A growth, y = constant + factor x g(n), and how much of the variance it leaves unexplained, 0..1."""

    growth: str
    constant: float
    factor: float
    unexplained: float


def _line(x: Sequence[float], y: Sequence[float]) -> tuple[float, float, float]:
    """Least squares; return constant, factor and the share of the variance that is left."""
    n, mean_x, mean_y = len(x), sum(x) / len(x), sum(y) / len(y)
    spread = sum((value - mean_x) ** 2 for value in x)
    factor = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True)) / spread
    constant = mean_y - factor * mean_x
    left = sum((b - constant - factor * a) ** 2 for a, b in zip(x, y, strict=True)) / n
    variance = sum((b - mean_y) ** 2 for b in y) / n
    return constant, factor, left / variance


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the slope of log y over log n."""
    return _line([math.log(size) for size in sizes], [math.log(value) for value in values])[1]


def fit(sizes: Sequence[float], values: Sequence[float]) -> Fit:
    """Return the slowest growth that explains positive values nearly as well as any; O(1) when there is hardly any growth."""
    if min(values) == max(values) or exponent(sizes, values) < FLAT:
        return Fit("O(1)", sum(values) / len(values), 0.0, 0.0)
    fits = [Fit(name, *_line([growth(size) for size in sizes], values)) for name, growth in GROWTHS.items()]
    least = min(one.unexplained for one in fits)
    return next(one for one in fits if one.unexplained <= least + CLOSE)


@dataclass(frozen=True, slots=True)
class Peer:
    """One row of Table 2: units (keys sent, operations, keys stored) for n."""

    name: str
    transmission: str
    calculation: str
    space: str


PEERS = (Peer("[2]", "O(n)", "O(n)", "O(n)"), Peer("[4]", "O(n)", "O(1)", "O(log n)"), Peer("[19]", "O(log n)", "O(n)", "O(log n)"))
CLAIM = Peer("the paper's own", "0", "O(n)", "O(n)")


def units(growth: str, n: int) -> float:
    """Return the value of a row's O() at n with the constant 1."""
    return {"0": 0.0, "O(1)": 1.0}[growth] if growth in {"0", "O(1)"} else GROWTHS[growth](n)
