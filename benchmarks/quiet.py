"""Whether the machine is at full speed just now: a neighbour on the other hardware thread of a core costs nearly half of it.

That lasts for seconds or milliseconds, hits cases differently and would be most of what two blocks differ by.
"""

from collections.abc import Callable
import hashlib
import statistics
import time
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NEAR: Final = 1.15  # of the best calibration: still full speed
IN_A_ROW: Final = 15  # whose median counts as a speed that the machine has; one alone may be a fluke of the clock
WARM_UP: Final = 2000  # calibrations, half a second
_LARGE: Final = bytes(4096)  # what OpenSSL encrypts with its widest registers
_REPETITIONS: Final = 500  # of the unit: 0.2 ms
_DATA: Final = bytes(64)


def calibration() -> float:
    """Return µs of a unit that knows nothing of any case: interpreter and SHA-256 in turn."""
    total, sha256 = 0, hashlib.sha256
    began = time.thread_time_ns()
    for number in range(_REPETITIONS):
        total += sha256(_DATA).digest()[0] ^ (number & 7)
    return (time.thread_time_ns() - began) / _REPETITIONS / 1000


def clear_registers() -> None:
    """Leave nothing in the vector registers, so that a block does not depend on the one before it.

    A single ChaCha20-Poly1305, as several peers call it, leaves their upper halves in use on processors with AVX-512. All
    that is compiled for SSE, which the interpreter is, then takes a quarter longer, until something zeroes them.
    OpenSSL's AES-GCM does, at its end.
    """
    AESGCM(_LARGE[:32]).encrypt(_LARGE[:12], _LARGE, None)


class Gate:
    """Compares calibrations with the best that this machine had so far.

    Args:
        patience: s in which something may be tried again until the machine is at full speed for it.
        measure: takes one calibration.
    """

    def __init__(self, patience: float = 0.0, measure: Callable[[], float] = calibration) -> None:
        self.patience = patience
        self._measure = measure
        self._recent: list[float] = []
        self.best = float("inf")

    def warm_up(self) -> None:
        """Find out how fast the machine can be."""
        for _ in range(WARM_UP):
            self.calibrate()

    def calibrate(self) -> float:
        """Take one calibration."""
        taken = self._measure()
        self._recent.append(taken)
        if len(self._recent) == IN_A_ROW:
            self.best = min(self.best, statistics.median(self._recent))
            self._recent.clear()
        return taken

    def is_quiet(self, taken: float) -> bool:
        """Tell whether a calibration was at full speed."""
        return taken <= self.best * NEAR
