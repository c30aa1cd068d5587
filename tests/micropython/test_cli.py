"""The command ``self-secure-board``: it ends when it should, and leaves nothing behind."""

import asyncio
from collections.abc import AsyncIterator
import contextlib
import os
from pathlib import Path
import signal
import sys

import pytest

from simulation.world import Plan, World

from .board import PATIENCE, Board, board

DISPLAY = ("--profile", "display")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(Plan(loss=0, supervision_timeout=0.2)) as opened:
        yield opened


def mode(path: Path) -> int:
    """Return a file's permissions."""
    return path.stat().st_mode & 0o777


def children(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def runs(pid: int) -> bool:
    """Return whether a process runs: one that has ended may still wait for its parent."""
    with contextlib.suppress(OSError):  # it has ended, and nobody waits for it
        return Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] != "Z"
    return False


async def gone(pid: int) -> None:
    """Wait for the end of a process that is not ours to wait for."""
    async with asyncio.timeout(PATIENCE):
        while runs(pid):  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.01)


async def test_quit_ends_it(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        device.command("quit")
        assert await device.end() == 0


async def test_sigterm_ends_both_processes(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        [child] = children(device.process.pid)
        device.process.terminate()
        assert await device.end() == 0
        assert not runs(child)


async def test_it_ends_with_its_radio(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        await world.close()
        assert await device.end() == 1
        assert device.lines[-1] == "error: transport lost"


async def test_a_board_that_dies_ends_it(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        [child] = children(device.process.pid)
        os.kill(child, signal.SIGKILL)
        assert await device.end() != 0


async def test_a_board_without_its_radio_ends(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        [child] = children(device.process.pid)
        device.process.kill()
        await device.process.wait()
        await gone(child)


async def test_too_small_a_heap_is_an_error_of_micropython(world: World, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="MemoryError"):
        async with board(world, tmp_path / "state", *DISPLAY, "--heap", "32k"):
            pass


async def test_the_identity_stays(world: World, tmp_path: Path) -> None:
    async def identity(device: Board) -> str:
        return (await device.line(r"ready identity=(\w{8}) .*"))[1]

    async with board(world, tmp_path / "state", *DISPLAY) as device:
        first = await identity(device)
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        assert await identity(device) == first
    assert mode(tmp_path / "state") == 0o600


async def test_commands_that_cannot_be_done_are_errors(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device:
        await device.ask("open", "error: this profile has no such part")
        await device.ask("say hello", "error: not paired")
        await device.ask("dance", "error: unknown command")
        await device.ask("status", r"status identity=\w{8} address=C0:11:22:33:44:55 state=0")


async def test_an_adapter_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("self-secure-board")
    given = ("--transport", "tcp-client:127.0.0.1:1", "--state", str(tmp_path / "state"))
    process = await asyncio.create_subprocess_exec(program, *given, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 1
    assert output.startswith(b"error: cannot open tcp-client:127.0.0.1:1")
