"""What a list of samples says: median, least, spread."""

from dataclasses import dataclass
import statistics
from typing import Self


@dataclass(frozen=True, slots=True)
class Figures:
    """µs per operation; `spread` = interquartile range over the median."""

    median: float
    least: float
    spread: float
    rounds: int

    @classmethod
    def of(cls, samples: list[float]) -> Self:
        """Summarise at least two samples."""
        lower, median, upper = statistics.quantiles(samples, n=4, method="inclusive")
        return cls(median, min(samples), (upper - lower) / median, len(samples))

    @property
    def per_second(self) -> float:
        """Operations a second of one core."""
        return 1e6 / self.median
