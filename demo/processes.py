"""The programs of the demo: started together, watched line by line, ended together."""

import asyncio
from collections import deque
import contextlib
from itertools import islice
import re
import shutil
from typing import TYPE_CHECKING, Self

from .errors import DemoError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

#: Seconds that a program has to end by itself; Home Assistant writes its storage and closes its database in that time.
GRACE = 20.0

#: Lines that are kept to be searched and shown; 200 kills of Home Assistant make a device print 20,000.
KEPT_LINES = 100_000

#: Bytes of one line: a debug line with a whole frame stays far below.
LONGEST_LINE = 1 << 20

#: Lines of a log that explain a failing step.
TAIL = 25


def dying_with_us(command: Sequence[str]) -> list[str]:
    """Return the command such that the kernel ends it when the demo itself was killed (where util-linux is installed)."""
    return ["setpriv", "--pdeathsig", "KILL", *command] if shutil.which("setpriv") else [*command]


class Process:
    """A program whose output goes to a log file and, line by line, to whoever waits for it.

    ``name`` is shown, ``command`` started without a shell, ``log`` appended to, ``heard`` called with each line.
    """

    def __init__(self, name: str, command: Sequence[str], log: Path, heard: Callable[[str], None] | None = None) -> None:
        self.name = name
        self._command = dying_with_us(command)
        self.log = log
        self._heard = heard
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)
        self._count = 0
        self._news = asyncio.Condition()
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The program's process id; None before its start."""
        return None if self._process is None else self._process.pid

    @property
    def position(self) -> int:
        """How many lines were printed so far: a mark for ``wait_for`` and ``matches``."""
        return self._count

    async def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start the program, in a session of its own so that Ctrl-C reaches the demo alone."""
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=pipe,
            stdout=pipe,
            stderr=asyncio.subprocess.STDOUT,
            env=environment,
            limit=LONGEST_LINE,
            start_new_session=True,
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None  # noqa: S101  # a pipe was asked for
        with self.log.open("a", encoding="utf-8") as log:
            async for raw in process.stdout:
                line = raw.decode(errors="replace").rstrip()
                print(line, file=log, flush=True)
                await self._take(line)
        await process.wait()
        async with self._news:
            self._news.notify_all()

    async def _take(self, line: str) -> None:
        self._lines.append(line)
        self._count += 1
        if self._heard is not None:
            self._heard(line)
        async with self._news:
            self._news.notify_all()

    def matches(self, pattern: str, since: int = 0) -> list[re.Match[str]]:
        """Return the matches of the lines printed after the mark ``since`` that start with the pattern."""
        skipped = max(0, since - (self._count - len(self._lines)))
        return [match for line in islice(self._lines, skipped, None) if (match := re.match(pattern, line))]

    async def wait_for(self, pattern: str, within: float, since: int = 0) -> re.Match[str]:
        """Return the first match after the mark ``since``; DemoError after ``within`` seconds or when the program ended."""
        try:
            async with asyncio.timeout(within), self._news:
                await self._news.wait_for(lambda: self.matches(pattern, since) or not self._reading)
        except TimeoutError:
            raise DemoError(f"{self.name} did not print “{pattern}” within {within:.0f} s", self) from None
        if found := self.matches(pattern, since):
            return found[0]
        raise DemoError(f"{self.name} ended", self)

    @property
    def _reading(self) -> bool:
        return self.running and self._reader is not None and not self._reader.done()

    async def ended(self) -> None:
        """Wait until the program has ended."""
        if self._process is not None:
            await self._process.wait()

    async def send(self, line: str) -> None:
        """Write a line to the program's standard input."""
        if self._process is None or self._process.stdin is None or not self.running:
            raise DemoError(f"{self.name} does not run", self)
        self._process.stdin.write(f"{line}\n".encode())
        await self._process.stdin.drain()

    async def stop(self) -> None:
        """End the program: politely, and after ``GRACE`` seconds by force."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError, TimeoutError):
            self._process.terminate()
            async with asyncio.timeout(GRACE):
                await self._process.wait()
        await self.kill()

    async def kill(self) -> None:
        """End the program as a power cut would, and wait until it is gone."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    def tail(self, lines: int = TAIL) -> list[str]:
        """Return the last lines that the program printed."""
        return list(self._lines)[-lines:]


class Processes:
    """All programs of a demo; leaving the context ends them, the last started first, whatever happened."""

    def __init__(self) -> None:
        self._all: list[Process] = []

    def add[P: Process](self, process: P) -> P:
        """Take care of the process from now on."""
        self._all.append(process)
        return process

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for process in reversed(self._all):
            await process.stop()
