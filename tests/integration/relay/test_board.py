"""A microcontroller behind a relay: real MicroPython, a Linux relay, the real Home Assistant (protocol.md 9 and 10)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import re
from typing import Any

from homeassistant.core import HomeAssistant
import pytest

from simulation.world import World
from tests.integration.conftest import SimulatedDevice, state_of, until
from tests.integration.test_groups import make, tell
from tests.micropython.board import Board, board

from .neighbourhood import FAR, hear, pair_far, relay_of, say, until_adopted

HEAP = 64 * 1024  # bytes on 64 bits, what 32 kB are on 32
IDENTITY = slice(4, 20)  # of the state file: behind magic and version
LINES = {
    "code": r"pairing code: (\d{6})",
    "verified": r"verified compared=(\w+)",
    "text": r"received text(?: for group \d+)?: (.*)",
    "carried": r"carried by relay=(\w+)",
    "resumed": r"resumed epoch=(\d+)",
}


@dataclass
class FarBoard:
    """What a test asks of a device program of this process, of a board in one of its own."""

    running: Board
    state: Path
    name: str = "Far"

    @property
    def identity(self) -> str:
        return self.state.read_bytes()[IDENTITY].hex()

    @property
    def short_id(self) -> str:
        return self.identity[:8]

    @property
    def program(self) -> FarBoard:
        return self

    def say(self, text: str) -> None:
        self.running.command(f"say {text}")

    def told(self, kind: str) -> list[str]:
        return [found[1] for line in self.running.lines if (found := re.fullmatch(LINES[kind], line))]

    async def memory(self) -> None:
        """Print the most memory that was alive; it must have fitted."""
        told = await self.running.ask("memory", r"memory alive=(\d+) peak=(\d+) heap=(\d+)")
        print(told[0])
        assert int(told[2]) <= int(told[3]) <= HEAP


@asynccontextmanager
async def far_board(world: World, state: Path) -> AsyncIterator[Any]:
    """Run a board where only the relay hears it."""
    world.move("device-0", FAR)
    async with board(
        world, state, "--profile", "display", "--name", "Far", "--interval", "20", "--seconds-between-readings", "5"
    ) as running:
        yield FarBoard(running, state)


async def use(home: HomeAssistant, far: Any, group: Any, when: str) -> None:
    """Talk both ways, read it, and send to its group."""
    await say(home, far, f"to the board {when}")
    await hear(home, far, f"from the board {when}")
    await until(lambda: state_of(home, "sensor.far_battery") == "95", 60)
    told = await tell(home, group, f"to all {when}", timeout=60)
    assert [row["delivered"] for row in told.values()] == [True]
    assert far.told("text")[-1] == f"to all {when}"
    await far.memory()


@pytest.mark.timeout(240)
async def test_board_is_paired_read_and_messaged_through_a_relay(
    home: HomeAssistant, world: World, relay: SimulatedDevice, tmp_path: Path
) -> None:
    async with far_board(world, tmp_path / "state") as far:
        await pair_far(home, far)
        await until_adopted(home, far)
        assert relay_of(home, far) == "Relay"
        group = await make(home, far)
        await use(home, far, group, "first")
    async with far_board(world, tmp_path / "state") as far:
        await use(home, far, group, "after a power cut")
        assert far.told("resumed")
