"""The demo itself, as a user starts it: everything real, with a crash in the middle."""

import asyncio
import contextlib
from pathlib import Path
import re
import signal
import sys

import pytest

#: Seconds for all steps on a busy machine; without load it is about a minute.
LIMIT = 600

#: Seconds until a demo that is told to end has ended all its programs.
END = 60

REPOSITORY = Path(__file__).parents[2]


async def demo(*arguments: str) -> asyncio.subprocess.Process:
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "demo", *arguments, cwd=REPOSITORY, stdout=pipe, stderr=asyncio.subprocess.STDOUT
    )


def command_line(process: Path) -> str:
    """Return how a process was started, nothing when it has ended meanwhile."""
    with contextlib.suppress(OSError):
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def programs_of(folder: Path) -> list[str]:
    """Return the command lines of running programs that name this folder."""
    return [line for line in map(command_line, Path("/proc").glob("[0-9]*")) if str(folder) in line]


@pytest.mark.timeout(LIMIT)
async def test_pairs_reads_sends_and_survives_a_kill(tmp_path: Path) -> None:
    process = await demo("--auto", "--loss", "40", "--config", str(tmp_path / "demo"))
    output = (await process.communicate())[0].decode()
    assert re.search(r"\n\d+ passed, 0 failed\n$", output), output
    assert process.returncode == 0
    assert programs_of(tmp_path) == []


@pytest.mark.timeout(LIMIT)
async def test_a_signal_ends_every_program(tmp_path: Path) -> None:
    process = await demo("--config", str(tmp_path / "demo"))
    assert process.stdout is not None
    await process.stdout.readuntil(b"password")
    assert programs_of(tmp_path)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(END):
        rest = (await process.communicate())[0].decode()
    assert rest.endswith("ended\n")
    assert process.returncode == 0
    assert programs_of(tmp_path) == []
