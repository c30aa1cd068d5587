"""The microcontroller's program on a real MicroPython, over the virtual radio, with the hub's own protocol."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from custom_components.self_secure.protocol.events import MessageDelivered, MessageReceived, PairingCompleted
from simulation.world import Plan, World

from .board import ADDRESS, board
from .hub import radio_hub


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(Plan(loss=0.3, supervision_timeout=0.2)) as opened:
        yield opened


async def test_pairs_and_talks(world: World, tmp_path: Path) -> None:
    options = ("--profile", "display", "--interval", "20", "--heap", "64k")
    async with board(world, tmp_path / "state", *options) as device, radio_hub(world, ADDRESS) as hub:
        code = await hub.pair()
        assert (await device.line(r"pairing code: (\d{6})"))[1] == code
        await hub.until(lambda: hub.of(PairingCompleted))
        await device.line("verified compared=yes")
        await hub.client.send(2, "Grüße".encode())
        await device.line("received text: Grüße")
        await hub.until(lambda: hub.of(MessageDelivered))
        device.command("say from the board")
        await hub.until(lambda: [one for one in hub.of(MessageReceived) if one.body == b"from the board"])
        print(device.lines, (await device.ask("memory", "memory.*"))[0])
