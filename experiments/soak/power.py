"""The points at which one side may lose its power or fail to write: before and after each write and each send."""

from typing import Final

from .counts import Counts

HUB_POINTS: Final = ("before write", "after write", "before send", "after send", "before act")
DEVICE_POINTS: Final = HUB_POINTS


class PowerCutError(Exception):
    """The power is gone; only what was written before is left."""


class Power:
    """One side's power and disk; faults arm it, the side passes its points."""

    def __init__(self, side: str, counts: Counts) -> None:
        self._side, self._counts = side, counts
        self._cut: tuple[str, int] | None = None  # at which kind of point, after how many of them
        self._fail_writes = 0

    def cut_at(self, name: str, after: int) -> None:
        """Lose the power at the point `name`, when `after` of them have passed."""
        self._cut = (name, after)

    def fail_write(self) -> None:
        """Let the next write fail."""
        self._fail_writes = 1

    def calm(self) -> None:
        """Nothing happens any more."""
        self._cut, self._fail_writes = None, 0

    def point(self, name: str) -> None:
        """Pass a point; PowerCutError if the power goes here."""
        if self._cut is None or self._cut[0] != name:
            return
        kind, left = self._cut
        self._cut = (kind, left - 1) if left else None
        if self._cut is None:
            self._counts.fault(f"power cut: {self._side} {name}")
            raise PowerCutError(name)

    def write_fails(self) -> bool:
        """Tell whether this write fails."""
        fails, self._fail_writes = self._fail_writes > 0, 0
        if fails:
            self._counts.fault(f"write failed: {self._side}")
        return fails
