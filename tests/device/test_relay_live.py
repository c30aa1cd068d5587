"""A relay for real: its Linux program and a far device's, processes on the virtual radio, where distance says who hears whom."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
import sys

import pytest

from custom_components.self_secure.protocol.events import MessageType, PairingCompleted
from self_secure_device.relay import wards
from simulation.floor_plan import FloorPlan, Kind, Spot
from simulation.places import Place
from simulation.world import Plan, World
from tests.micropython.board import Board

from .path_hub import SETTINGS, House, path_hub

COMMAND = str(Path(sys.executable).with_name("self-secure-device"))
ADDRESSES = {"a": "C0:00:00:00:00:0A", "b": "C0:00:00:00:00:0B", "d": "C0:00:00:00:00:0D"}
FLOOR = FloorPlan(
    (
        Spot(Kind.SCANNER, "hall", Place(0, 0)),
        Spot(Kind.DEVICE, "a", Place(12, 0)),
        Spot(Kind.DEVICE, "b", Place(6, 0)),
        Spot(Kind.DEVICE, "d", Place(6, 2)),
    ),
    reach=9,
)
"""`a` is 12 m from the hall, and 6 m from two relays in between."""
A, B = "61616161", "62626262"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(Plan(loss=0.1, floor=FLOOR, supervision_timeout=0.5)) as opened:
        yield opened


@asynccontextmanager
async def linux(world: World, folder: Path, name: str, *options: str) -> AsyncIterator[Board]:
    """Run a device on the radio of its name."""
    given = ("--transport", f"tcp-client:127.0.0.1:{world.radio(name).port.port}", "--state", str(folder / name), "--interval", "20")
    own = ("--address", ADDRESSES[name], "--identity", (name.encode() * 16).hex(), "--profile", "display", *options)
    pipe = asyncio.subprocess.PIPE
    running = Board(await asyncio.create_subprocess_exec(COMMAND, *given, *own, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT))
    try:
        await running.line(r"ready .*")
        yield running
    except TimeoutError as error:
        error.add_note(f"{name}:\n" + "\n".join(running.lines))
        raise
    finally:
        await running.stop()


async def talk(house: House, far: Board, word: str) -> None:
    """Send a text each way."""
    await house.lines["a"].say(f"down {word}")
    await far.line(f"received text: down {word}")
    far.command(f"say up {word}")
    await house.lines["a"].hears(f"up {word}")


async def test_adopts_pairs_carries_and_comes_back(world: World, tmp_path: Path) -> None:
    async with linux(world, tmp_path, "a") as far, path_hub(world, ADDRESSES) as house:
        async with linux(world, tmp_path, "b", "--relay") as relay:
            await house.lines["b"].pair_here()
            code = await house.lines["a"].pair_here()
            assert (await far.line(r"pairing code: (\d{6})"))[1] == code
            await far.line(f"carried by relay={B}")
            assert house.lines["a"].of(PairingCompleted)[0].record.relayed
            assert house.lines["a"].random >= SETTINGS.minimum
            await talk(house, far, "first")
            await relay.ask("relay", f"relay: neighbour {A} .* hops=0 adopted")
            relay.process.kill()
        printed = [line for line in relay.lines if line.startswith("relay: ")]
        assert printed[:3] == [f"relay: hears {A}", f"relay: adopted {A}", f"relay: route opened to {A}"]
        async with linux(world, tmp_path, "b", "--relay") as relay:
            await talk(house, far, "again")
            await relay.line(f"relay: route opened to {A}")
            assert f"relay: adopted {A}" not in relay.lines  # its key with the far device lay beside its own
            await relay.ask("reset", "reset")
            await relay.ask("relay", r"relay neighbours=\d adopted=0 routes=0")
            assert wards.decode((tmp_path / "b.relay").read_bytes()) == []
        assert [line for line in far.lines if line.startswith("received")] == ["received text: down first", "received text: down again"]


async def test_another_relay_takes_over(world: World, tmp_path: Path) -> None:
    async with linux(world, tmp_path, "a") as far, linux(world, tmp_path, "d", "--relay") as other, path_hub(world, ADDRESSES) as house:
        async with linux(world, tmp_path, "b", "--relay") as relay:
            await house.lines["b"].pair_here()
            await house.lines["a"].pair_here()
            await house.lines["a"].client.send(MessageType.ROUTE, bytes(2) + b"d" * 16)  # it may make a key with the other one, too
            await talk(house, far, "over b")
            await house.lines["d"].pair_here()
            relay.process.kill()
        await talk(house, far, "over d")
        await other.line(f"relay: adopted {A}")
        assert [line for line in far.lines if line.startswith("received")] == ["received text: down over b", "received text: down over d"]


async def test_tells_whom_it_hears(world: World, tmp_path: Path) -> None:
    async with linux(world, tmp_path, "b", "--relay") as relay, linux(world, tmp_path, "a"):
        await relay.line(f"relay: hears {A}")
        await relay.ask("relay", r"relay neighbours=1 adopted=0 routes=0")
        await relay.line(rf"relay: neighbour {A} state=0 rssi=-\d+ hops=0")


async def test_a_relay_gives_its_radio_up_in_order(world: World, tmp_path: Path) -> None:
    """While it is connected both ways, and so that it can be started again at once."""
    async with linux(world, tmp_path, "a") as far, path_hub(world, ADDRESSES) as house:
        async with linux(world, tmp_path, "b", "--relay"):
            await house.lines["b"].pair_here()
        for _ in range(2):
            async with linux(world, tmp_path, "b", "--relay") as relay:
                await house.lines["a"].until_reachable()
                await house.lines["b"].client.send(MessageType.ROUTE, b"\x00\x01" + b"a" * 4 + bytes(12))
                await far.line("connected", len(far.lines))
                relay.command("quit")
                assert await relay.end() == 0


async def test_ends_with_its_radio(world: World, tmp_path: Path) -> None:
    async with linux(world, tmp_path, "b", "--relay") as relay, linux(world, tmp_path, "a"):
        await relay.line(f"relay: hears {A}")
        await world.close()
        await relay.line("error: transport lost")
        await relay.line("error: cannot open .*")


async def test_a_device_that_is_no_relay_says_so(world: World, tmp_path: Path) -> None:
    async with linux(world, tmp_path, "a") as far:
        await far.ask("relay", "error: this is no relay: start with --relay")
