"""Times cases side by side: each round runs every case once, in a shuffled order, so that a machine's drift hits all alike."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
import gc
import random
import statistics
import time
from typing import Any, Final

from .figures import Figures
from .quiet import Gate, clear_registers

ROUNDS_MIN: Final = 7  # fewer give no median worth naming
_BEST: Final = 3  # blocks before the first one that counts: lazy imports and caches are nobody's steady cost
_CALM_MIN: Final = 4  # samples at full speed that outweigh all others
_GROWTH: Final = 8  # of the block's length from one trial to the next

type Loop = Callable[[Any, int], Any]


@dataclass(slots=True, kw_only=True)
class Case:
    """`loop(state, n)` does `n` repetitions of `operations` operations; `setup` and `check` are not timed.

    An `asynchronous` loop is a coroutine function; a loop that returns an int has timed itself, in ns. `wall`: what counts
    is the time that passes (a disk), not the processor's. At most `most` repetitions per block.
    """

    group: str
    name: str
    loop: Loop
    setup: Callable[[int], Any] = lambda _n: None
    check: Callable[[Any, int], None] | None = None
    size: int | None = None
    unit: str = "message"
    operations: int = 1
    asynchronous: bool = False
    wall: bool = False
    most: int = 1 << 20
    repetitions: int = 0
    samples: list[float] = field(default_factory=list)  # µs per operation, one per round
    quiet: list[bool] = field(default_factory=list)  # whether the machine was at full speed then
    error: str = ""

    @property
    def key(self) -> str:
        """Name for people and for goals."""
        return f"{self.group}/{self.name}" + (f"@{self.size}" if self.size else "")

    @property
    def figures(self) -> Figures:
        """What the rounds say, those at full speed if they are enough."""
        return Figures.of(_calm(self.samples, self.quiet))


class Bench:
    """Collects cases and runs them; `missing` says which peers could not be measured, and why."""

    def __init__(
        self,
        *,
        rounds: int,
        block_ms: float,
        seed: int = 1,
        progress: Callable[[str], None] = lambda _: None,
        gate: Gate | None = None,
    ) -> None:
        """`gate` says whether a block was disturbed, and for how long it may be tried again."""
        if rounds < ROUNDS_MIN:
            raise ValueError(f"at least {ROUNDS_MIN} rounds")
        self._rounds, self._block_us, self._progress = rounds, block_ms * 1000, progress
        self._gate = gate or Gate()
        self._random = random.Random(seed)
        self._runner = asyncio.Runner()
        self._open: list[Any] = []
        self.cases: list[Case] = []
        self.missing: dict[str, str] = {}

    def add(self, group: str, name: str, loop: Loop, **options: Any) -> None:
        """Add one case; the options are those of `Case`."""
        self.cases.append(Case(group=group, name=name, loop=loop, **options))

    def call(self, group: str, name: str, function: Callable[[], object], **options: Any) -> None:
        """Add a function without arguments; calling it (0.02 µs) is included."""

        def loop(_state: object, n: int) -> None:
            for _ in range(n):
                function()

        self.add(group, name, loop, **options)

    def await_(self, coroutine: Any) -> Any:
        """Run a coroutine on the event loop of the asynchronous cases."""
        return self._runner.run(coroutine)

    def keep(self, resource: Any) -> None:
        """Call the resource's `cleanup` when everything is over."""
        self._open.append(resource)

    def run(self) -> None:
        """Warm up, find the length of each block, then take the rounds."""
        gc.collect()
        gc.freeze()
        self._gate.warm_up()
        for case in self.cases:
            self._guarded(case, self._prepare)
        for number in range(self._rounds):
            began = time.monotonic()
            order = [case for case in self.cases if not case.error]
            self._random.shuffle(order)
            for case in order:
                self._guarded(case, self._sample)
            self._progress(f"round {number + 1} of {self._rounds}: {time.monotonic() - began:.1f} s")

    def close(self) -> None:
        """Close the event loop and what the cases needed."""
        gc.unfreeze()
        self._runner.close()
        for resource in self._open:
            resource.cleanup()

    def _guarded(self, case: Case, step: Callable[[Case], None]) -> None:
        try:
            step(case)
        except Exception as error:  # noqa: BLE001  # a peer that fails must not stop the others; the table says so
            case.error = f"{type(error).__name__}: {error}"[:110]

    def _prepare(self, case: Case) -> None:
        for _ in range(_BEST):
            self._block(case, 1)
        n = 1
        while (per := self._block(case, n)) * n < self._block_us / _GROWTH and n < case.most:
            n = min(case.most, n * _GROWTH)
        case.repetitions = max(1, min(case.most, int(self._block_us / per)))

    def _sample(self, case: Case) -> None:
        """Take a block at full speed, or the least disturbed one that patience allows."""
        give_up = time.monotonic() + self._gate.patience
        tries = [self._try(case)]
        while not self._gate.is_quiet(tries[-1][0]) and time.monotonic() < give_up:
            tries.append(self._try(case))
        disturbance, sample = min(tries)
        case.samples.append(sample)
        case.quiet.append(self._gate.is_quiet(disturbance))

    def _try(self, case: Case) -> tuple[float, float]:
        """Return the slower of the calibrations around a block, and the block's µs per operation."""
        calibrations: list[float] = []
        sample = self._block(case, case.repetitions, lambda: calibrations.append(self._gate.calibrate()))
        return max(calibrations), sample / case.operations

    def _block(self, case: Case, n: int, around: Callable[[], None] = lambda: None) -> float:
        """Return µs per repetition; `around` is called right before and after what is timed."""
        state = case.setup(n)
        gc.collect()
        clear_registers()
        around()
        nanoseconds = self._timed_async(case, state, n) if case.asynchronous else _timed(case, state, n)
        around()
        if case.check is not None:
            case.check(state, n)
        return nanoseconds / n / 1000

    def _timed_async(self, case: Case, state: Any, n: int) -> int:
        async def timed() -> int:
            clock = _clock(case)
            began = clock()
            own = await case.loop(state, n)
            return own if isinstance(own, int) else clock() - began

        return int(self._runner.run(timed()))


def _timed(case: Case, state: Any, n: int) -> int:
    clock = _clock(case)
    began = clock()
    own = case.loop(state, n)
    return own if isinstance(own, int) else clock() - began


def _clock(case: Case) -> Callable[[], int]:
    return time.perf_counter_ns if case.wall else time.thread_time_ns


def _calm[T](values: list[T], quiet: list[bool]) -> list[T]:
    calm = [value for value, at_full_speed in zip(values, quiet, strict=False) if at_full_speed]
    return calm if len(calm) >= _CALM_MIN else values


def ratio(ours: Case, anchor: Case) -> float:
    """Return the time of ours over the anchor's: below 1 is faster. The median over rounds, each beside its own round's anchor."""
    ratios = [mine / theirs for mine, theirs in zip(ours.samples, anchor.samples, strict=True)]
    return statistics.median(_calm(ratios, [all(both) for both in zip(ours.quiet, anchor.quiet, strict=False)]))
