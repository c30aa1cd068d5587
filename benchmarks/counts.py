"""What does not depend on the machine: calls, writes and memory of an operation."""

from collections import Counter
from collections.abc import Callable
import gc
import sys
import tracemalloc
from types import FrameType
from typing import Any, Final

HMAC: Final = "hmac_digest"  # the C functions that the primitives end in
SHA_256: Final = "openssl_sha256"
AES: Final = "create_encryption_ctx"


def calls_of(work: Callable[[], object]) -> Counter[str]:
    """Return how often each function was called, in Python (by qualified name) and in C (by name)."""
    counted: Counter[str] = Counter()

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            counted[frame.f_code.co_qualname] += 1
        elif event == "c_call":
            counted[argument.__name__] += 1

    sys.setprofile(note)
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted


def held_bytes(make: Callable[[], Any]) -> float:
    """Return the bytes that what `make` returns keeps allocated."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        kept = make()
        gc.collect()
        held = tracemalloc.get_traced_memory()[0] - before
        del kept
    finally:
        tracemalloc.stop()
    return float(held)


def peak_bytes(work: Callable[[], object]) -> float:
    """Return the most bytes that `work` had allocated at once."""
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        work()
        return float(tracemalloc.get_traced_memory()[1] - before)
    finally:
        tracemalloc.stop()


def kept_blocks(work: Callable[[], object]) -> int:
    """Return how many more memory blocks are in use after `work`."""
    gc.collect()
    before = sys.getallocatedblocks()
    work()
    gc.collect()
    return sys.getallocatedblocks() - before
