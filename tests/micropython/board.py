"""A board in a process of its own, as ``self-secure-board`` starts it, and the lines it prints."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
import re
import sys

from simulation.world import World

ADDRESS = "C0:11:22:33:44:55"
PATIENCE = 25.0  # s for any one line or the end, on a loaded machine


class Board:
    """The running program."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.lines: list[str] = []
        self._changed = asyncio.Event()
        self._reader = asyncio.ensure_future(self._read())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            self.lines.append(line.decode().rstrip())
            self._changed.set()
        self._changed.set()

    def command(self, line: str) -> None:
        """Type one line on its console."""
        assert self.process.stdin is not None
        self.process.stdin.write(line.encode() + b"\n")

    async def line(self, pattern: str, since: int = 0) -> re.Match[str]:
        """Wait for a line that matches, among those after the first ``since``; AssertionError when the program ends before."""
        async with asyncio.timeout(PATIENCE):
            while not (found := self._matches(pattern, since)) and not self._reader.done():
                self._changed.clear()
                await self._changed.wait()
        assert found, "\n".join(self.lines)
        return found[0]

    def _matches(self, pattern: str, since: int) -> list[re.Match[str]]:
        return [match for line in self.lines[since:] if (match := re.fullmatch(pattern, line))]

    async def ask(self, command: str, pattern: str) -> re.Match[str]:
        """Type a command and wait for its answer."""
        since = len(self.lines)
        self.command(command)
        return await self.line(pattern, since)

    async def end(self) -> int:
        """Wait for the end and return the exit status."""
        async with asyncio.timeout(PATIENCE):
            await self._reader
            return await self.process.wait()

    async def stop(self) -> None:
        """End it if it still runs."""
        if self.process.returncode is None:
            self.process.terminate()
            await self.end()


@asynccontextmanager
async def board(world: World, state: Path, *options: str) -> AsyncIterator[Board]:
    """Start a board on the first device's radio; it is ended if it still runs."""
    program = Path(sys.executable).with_name("self-secure-board")
    given = ("--transport", f"tcp-client:127.0.0.1:{world.devices[0].port.port}", "--state", str(state), "--address", ADDRESS, *options)
    pipe = asyncio.subprocess.PIPE
    running = Board(await asyncio.create_subprocess_exec(program, *given, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT))
    try:
        await running.line(r"ready .*")
        yield running
    except TimeoutError as error:
        error.add_note("\n".join(running.lines))
        raise
    finally:
        await running.stop()
