"""The same files as a user copies them to a board, neither packed nor compiled: slower to load, and on a larger heap."""

from collections.abc import AsyncIterator
import json
import os
from pathlib import Path

import pytest

from self_secure_device_board.bridge import Bridge
from simulation.world import Plan, World

from .board import ADDRESS, Board
from .hub import radio_hub
from .interpreter import library, start

HEAP = "512k"  # sources are compiled in the heap; an ESP32 has about 100 kB for half as wide pointers and compiled files


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(Plan(loss=0.3, supervision_timeout=0.2)) as opened:
        yield opened


@pytest.fixture
async def port(world: World) -> AsyncIterator[int]:
    bridge = Bridge(f"tcp-client:127.0.0.1:{world.devices[0].port.port}", ADDRESS)
    yield await bridge.open()
    await bridge.close()


async def test_pairs_and_talks(world: World, port: int, tmp_path: Path) -> None:
    settings = {"name": "Plain", "state": str(tmp_path / "state"), "readings": 60, "suites": [0x11], "interval": 20, "port": port}
    environment = {**os.environ, "SELF_SECURE_BOARD": json.dumps(settings)}
    process = await start(library(tmp_path), "import display\ndisplay.main()", "-X", f"heapsize={HEAP}", **environment)
    device = Board(process)
    try:
        async with radio_hub(world, ADDRESS) as hub:
            code = await hub.pair()
            assert (await device.line(r"pairing code: (\d{6})"))[1] == code
            await hub.say("hello")
            await device.line("received text: hello")
            device.command("quit")
            assert await device.end() == 0
    finally:
        await device.stop()
