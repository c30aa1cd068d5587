"""What the demo says on the terminal: one line per step with its time, what the devices print, and how to go on."""

import asyncio
from contextlib import asynccontextmanager
import time
from typing import TYPE_CHECKING

from .errors import DemoError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from .processes import Process

#: Seconds until the programs have written why something failed.
SETTLE = 0.5

HOME = """
Home Assistant    {url}
  user            {user}
  password        {password}
"""

AIR = """
(The virtual radio loses {loss} % of all advertisements at each receiver.)
Ctrl-C ends everything. The next scripts/demo goes on with the same pairings ({folder}).
"""


def method_hint(suite: str) -> str:
    """Return what a person has to do before the pairing of a weaker suite."""
    return "" if suite == "hybrid" else f", open Security there, accept the weaker method ({suite})"


class StepFailedError(Exception):
    """A step failed and was reported; what builds on it cannot run."""


class Report:
    """Counts steps and prints a line for each. ``suspects`` are shown when nobody knows which program failed."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0
        self.suspects: list[Process] = []
        self._begun = time.monotonic()

    @asynccontextmanager
    async def step(self, title: str) -> AsyncIterator[Callable[[str], None]]:
        """Time a step and report it; yields a function that adds a detail. DemoError becomes StepFailedError."""
        begun, details = time.monotonic(), list[str]()
        try:
            yield details.append
        except DemoError as error:
            await self._fail(title, begun, error)
            raise StepFailedError(title) from error
        self.passed += 1
        self._line("ok", begun, ", ".join([title, *details]))

    @asynccontextmanager
    async def unnamed(self) -> AsyncIterator[None]:
        """Report what fails between two steps as a failed step."""
        begun = time.monotonic()
        try:
            yield
        except DemoError as error:
            await self._fail("between two steps", begun, error)
            raise StepFailedError from error

    async def _fail(self, title: str, begun: float, error: DemoError) -> None:
        self.failed += 1
        self._line("FAILED", begun, f"{title}: {error}")
        await asyncio.sleep(SETTLE)
        show_logs([error.culprit] if error.culprit else self.suspects)

    def _line(self, verdict: str, begun: float, text: str) -> None:
        now = time.monotonic()
        print(f"{now - self._begun:6.1f} s  {verdict:6}  {now - begun:5.1f} s  {text}", flush=True)

    def summary(self) -> str:
        """Return the last line."""
        return f"{self.passed} passed, {self.failed} failed"


def show_logs(processes: Sequence[Process]) -> None:
    """Print what the programs said last."""
    for process in processes:
        print(f"--- the last lines of {process.name}")
        print("\n".join(process.tail()), flush=True)


def device_line(key: str, line: str) -> None:
    """Print what a device printed."""
    print(f"[{key}] {line}", flush=True)
