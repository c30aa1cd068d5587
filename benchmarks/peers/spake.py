"""spake2: a key from a short password, in pure Python."""

import time
from typing import Final

from spake2 import SPAKE2_A, SPAKE2_B  # type: ignore[import-untyped]  # it has no types

from benchmarks.harness import Bench

_PASSWORD: Final = b"123456"


def register(bench: Bench) -> None:
    """Add the case."""
    bench.add("agreement", "SPAKE2, one side", lambda _state, n: sum(_spake2() for _ in range(n)), unit="agreement, 1 side")


def _spake2() -> int:
    """Return ns of processor time of one side."""
    other = SPAKE2_B(_PASSWORD)
    theirs = other.start()
    began = time.thread_time_ns()
    one = SPAKE2_A(_PASSWORD)
    ours = one.start()
    key = one.finish(theirs)
    own = time.thread_time_ns() - began
    if other.finish(ours) != key:
        raise RuntimeError("no common key")
    return own
