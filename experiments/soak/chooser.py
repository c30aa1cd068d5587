"""What the drivers of all soaks share: steps until a rule is broken, faults drawn by weight, and how often they come."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from itertools import accumulate
import random
from typing import Any

from .counts import Counts, ViolationError


class Chooser(ABC):
    """Chooses by seed alone; `run` raises ViolationError.

    `name` seeds it; `weights` say how often each of the `actions` is drawn, both in the same order.
    """

    tempers: tuple[float, ...] = (0.01, 0.03, 0.06, 0.12, 0.3)  # share of faults among the steps, for a while
    talks: tuple[float, ...] = (0.03, 0.15, 0.5)  # share of messages among the steps that are free for them, for a while

    def __init__(self, counts: Counts, name: str, actions: Iterable[Callable[[], Any]], weights: Iterable[float]) -> None:
        self.counts = counts
        self._rng = random.Random(name)
        self._actions = list(actions)
        self._weights = list(accumulate(weights))
        self._temper, self._talk = self.tempers[0], self.talks[0]

    def run(self, steps: int) -> None:
        """Do so many steps more."""
        for _ in range(steps):
            self.counts.step += 1
            try:
                self._step()
            except ViolationError:
                raise
            except Exception as error:
                raise ViolationError(f"crashed: {error!r}") from error

    @abstractmethod
    def _step(self) -> None:
        """Do the next step."""

    def change_temper(self) -> None:
        """Let more go wrong for a while, or less."""
        self._temper, self._talk = self._rng.choice(self.tempers), self._rng.choice(self.talks)

    def _goes_wrong(self) -> None:
        self._rng.choices(self._actions, cum_weights=self._weights)[0]()
