"""Our cases in the rounds of another harness: `peers_bench.py --plugin benchmarks/plugin.py`, from the root of this repository.

That harness has the same notion of a case (`loop(state, n)`, `setup`, `check`) with other names for the options.
"""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
import sys
import time
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parents[1]))  # the other harness loads this file alone

from benchmarks.goals import GOALS, Goal
from benchmarks.harness import Loop

MODULES: Final = ("messages", "negotiation", "resume", "broadcast", "storage", "floor")
NAMES: Final = {"asynchronous": "is_async", "wall": "io", "most": "n_max"}  # our option → theirs
THEIRS: Final = {"bthome/update, encrypted": ("bthome/update sensors", 1), "noise/XX handshake, one side": ("noise/XX handshake, both", 2)}
"""Our name of an anchor → theirs, where they differ, and how many of ours theirs is."""


def target(goal: Goal, most: float) -> tuple[str, str, float]:
    """Return (ours, anchor, how many times faster ours has to be), as that harness judges."""
    anchor, at, size = goal.anchor.partition("@")
    theirs, share = THEIRS.get(anchor, (anchor, 1))
    return goal.ours, theirs + at + size, share / most


TARGETS: Final = [target(goal, goal.most) for goal in GOALS if goal.most is not None]


class Guest:
    """What our `register` functions see of the other harness."""

    def __init__(self, host: Any) -> None:
        self._host = host
        self._kept: list[Any] = []

    def add(self, group: str, name: str, loop: Loop, **options: Any) -> None:
        """Add one case under the other's names for the options."""
        several = options.pop("operations", 1)
        if several > 1:
            loop, options = shared_out(loop, several, options)
        self._host.add(group, name, loop, **{NAMES.get(key, key): value for key, value in options.items()})

    def await_(self, coroutine: Any) -> Any:
        """Run a coroutine on the event loop of the asynchronous cases."""
        return self._host.aio.run_until_complete(coroutine)

    def keep(self, resource: Any) -> None:
        """Keep what the cases need until the process ends."""
        self._kept.append(resource)


def shared_out(loop: Loop, several: int, options: dict[str, Any]) -> tuple[Loop, dict[str, Any]]:
    """Return a loop of single operations for one that does `several` at a time: enough of them, its own time for just n."""

    def times(n: int) -> int:
        return -(-n // several)

    def timed(state: Any, n: int) -> int:
        began = time.thread_time_ns()
        own = loop(state, times(n))
        taken = own if isinstance(own, int) else time.thread_time_ns() - began
        return taken * n // (times(n) * several)

    changed = dict(options)
    for key in {"setup", "check"} & set(options):
        changed[key] = _counting(options[key], times)
    if "most" in options:
        changed["most"] = options["most"] * several
    return timed, changed


def _counting(function: Callable[..., Any], times: Callable[[int], int]) -> Callable[..., Any]:
    return lambda *arguments: function(*arguments[:-1], times(arguments[-1]))


def register(bench: Any) -> None:
    """Add our cases and our floor."""
    guest = Guest(bench)
    for name in MODULES:
        import_module(f"benchmarks.{name}").register(guest)
