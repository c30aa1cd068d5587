"""Seeded packet loss between one sender and one receiver (Gilbert-Elliott). Pure: importable without Bumble."""

import random

MAX_LOSS = 0.95
"""Above this a broadcast of 2,048 packets leaves too few to mean anything."""


class LossModel:
    """A two-state channel: in its good state nothing is lost, in its bad state everything.

    Args:
        seed: anything that `random.Random` takes; the same seed gives the same losses for ever.
        loss: mean share of lost packets, 0 to `MAX_LOSS`.
        burst: wanted mean number of losses in a row, at least 1. Independent losses already have runs of
            1 / (1 - loss); a smaller `burst` (1, the default) means exactly these independent losses.

    Raises:
        ValueError: `loss` or `burst` outside their range.
    """

    def __init__(self, seed: int | str, loss: float, burst: float = 1.0) -> None:
        self._random = random.Random(seed)
        self._enter = self._stay = 0.0
        self.set(loss, burst)
        self._bad = self._random.random() < loss

    def set(self, loss: float, burst: float = 1.0) -> None:
        """Change the channel from the next packet on; the generator goes on where it is.

        Raises:
            ValueError: `loss` or `burst` outside their range; then nothing changes.
        """
        if not 0 <= loss <= MAX_LOSS:
            raise ValueError(f"loss must be between 0 and {MAX_LOSS}, not {loss}")
        if not 1 <= burst < float("inf"):
            raise ValueError(f"burst must be at least 1 and finite, not {burst}")
        self.loss, self.burst = loss, burst
        run = self.mean_run
        self._stay = 1 - 1 / run
        self._enter = loss / (run * (1 - loss))

    @property
    def mean_run(self) -> float:
        """Mean number of losses in a row that this channel really has."""
        return max(self.burst, 1 / (1 - self.loss))

    def lost(self) -> bool:
        """Send one packet: is it lost? Takes exactly one number from the generator."""
        self._bad = self._random.random() < (self._stay if self._bad else self._enter)
        return self._bad
