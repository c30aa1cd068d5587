"""Where the time of our cases goes: scripts/bench profile [PART OF A NAME] (cProfile, which makes calls dearer than they are)."""

import argparse
import cProfile
import io
import pstats
from typing import Final

from .compare import register
from .harness import Bench, Case

_GROUPS: Final = ("messages", "negotiation", "resume", "broadcast", "storage")
_OPERATIONS: Final = 2000  # of small cases
_REPETITIONS: Final = 20  # of cases whose repetitions are whole conversations


def main(arguments: list[str]) -> int:
    """Profile every case of ours whose name contains the text."""
    parser = argparse.ArgumentParser(prog="scripts/bench profile", description=__doc__)
    parser.add_argument("name", nargs="?", default="@64")
    parser.add_argument("--top", type=int, default=15)
    parser.add_argument("--sort", choices=["tottime", "cumulative"], default="tottime")
    given = parser.parse_args(arguments)
    bench = Bench(rounds=7, block_ms=1)
    try:
        for group in _GROUPS:
            register(bench, group)
        for case in bench.cases:
            if case.group == "ours" and given.name in case.key:
                print(_profile(bench, case, given.top, given.sort))
    finally:
        bench.close()
    return 0


def _profile(bench: Bench, case: Case, top: int, sort: str) -> str:
    n = min(case.most, _OPERATIONS if case.operations == 1 and case.unit in ("message", "packet") else _REPETITIONS)
    profiler, state = cProfile.Profile(), case.setup(n)
    if case.asynchronous:
        bench.await_(_await_profiled(profiler, case, state, n))
    else:
        profiler.runcall(case.loop, state, n)
    if case.check is not None:
        case.check(state, n)
    out = io.StringIO()
    pstats.Stats(profiler, stream=out).strip_dirs().sort_stats(sort).print_stats(top)
    return f"=== {case.key}: {n * case.operations} operations\n{out.getvalue().strip()}\n"


async def _await_profiled(profiler: cProfile.Profile, case: Case, state: object, n: int) -> None:
    profiler.enable()
    await case.loop(state, n)
    profiler.disable()
