"""How a cost grows: the exponent of a power law through the measured points."""

from collections.abc import Callable
from dataclasses import dataclass, field
import math
import statistics
import time
from typing import Any, Final

LINEAR: Final = 1.2  # exponent of a total: linear, where each of ten times as many may be half dearer, for caches that get too small
CONSTANT: Final = 0.2  # exponent of one operation among n
_TRIALS: Final = 7
_FIXED: Final = 1 / 8  # of the largest: smaller points are mostly constant cost and would flatter the exponent


@dataclass(slots=True)
class Series:
    """`points` is n → cost (`unit`, of all n together or, if `most` is CONSTANT, of one operation among n).

    `most` bounds the exponent; None: shown, not judged.
    """

    name: str
    unit: str
    most: float | None
    points: dict[int, float] = field(default_factory=dict)
    each: float | None = None  # what one of the largest n may cost

    @property
    def exponent(self) -> float:
        """Slope between logarithms over the upper points: 1 is linear."""
        largest = max(self.points)
        upper = {n: cost for n, cost in self.points.items() if n >= largest * _FIXED}
        if len(upper) < 2:  # a slope needs two
            upper = dict(sorted(self.points.items())[-2:])
        return statistics.linear_regression([math.log(n) for n in upper], [math.log(cost) for cost in upper.values()]).slope

    @property
    def met(self) -> bool | None:
        """Tell whether it grows no faster than allowed; None if nobody judges."""
        return None if self.most is None else self.exponent <= self.most and (self.each is None or self.per(max(self.points)) <= self.each)

    def per(self, n: int) -> float:
        """Return the cost of one of n, or of one operation."""
        return self.points[n] if self.most == CONSTANT else self.points[n] / n

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON types."""
        return {
            "name": self.name,
            "unit": self.unit,
            "points": self.points,
            "exponent": self.exponent,
            "most": self.most,
            "each": self.each,
            "met": self.met,
        }


def processor_us(work: Callable[[Any], object], prepare: Callable[[], Any] = lambda: None, trials: int = _TRIALS) -> float:
    """Return the least µs of processor time that `work` took on what `prepare` returned: noise only ever adds."""
    taken = []
    for _ in range(trials):
        state = prepare()
        began = time.thread_time_ns()
        work(state)
        taken.append(time.thread_time_ns() - began)
    return min(taken) / 1000


def text(series: list[Series]) -> str:
    """Return the table."""
    lines = [f"{'what':44}{'n':>8}{'cost':>14}{'of one':>12}  unit"]
    for one in series:
        lines += [f"{one.name:44}{n:8d}{one.points[n]:14,.1f}{one.per(n):12.3f}  {one.unit}" for n in one.points]
        bound = "" if one.each is None else f", {one.each:,.0f} of one"
        verdict = "" if one.most is None else f"; allowed n^{one.most:g}{bound}: {'met' if one.met else 'MISSED'}"
        lines.append(f"  grows as n^{one.exponent:.2f}{verdict}")
    return "\n".join(lines)
