"""The microcontroller's program on a real MicroPython, over the virtual radio, with the hub's own protocol."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from custom_components.self_secure.protocol.events import GroupSynced
from custom_components.self_secure.protocol.group_sender import Group
from simulation.world import Plan, World

from .board import ADDRESS, Board, board
from .hub import RadioHub, radio_hub

HEAP_LIMIT = 64 * 1024  # bytes on 64 bits, what 32 kB are on 32
LONGEST = 975  # bytes of a body, which fill a frame
SECRET = bytes(range(32))
HUBS = 4
DISPLAY = ("--profile", "display", "--interval", "20")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(Plan(loss=0.3, supervision_timeout=0.2)) as opened:
        yield opened


async def heap(device: Board) -> None:
    """Print the most memory that was alive so far; it must have fitted."""
    memory = await device.ask("memory", r"memory alive=(\d+) peak=(\d+) heap=(\d+)")
    print(memory[0])
    assert int(memory[1]) <= int(memory[2]) <= int(memory[3]) <= HEAP_LIMIT


async def talk(device: Board, hub: RadioHub) -> None:
    """Send a text each way, and see that the heap was enough."""
    await hub.say("Grüße")
    await device.line("received text: Grüße")
    device.command("say from the board")
    await hub.hears("from the board")
    await heap(device)


@pytest.mark.parametrize(("suite", "number"), [("loss", 0x01), ("paper", 0x00)])
async def test_pairs_with_a_weaker_suite_and_resumes(world: World, tmp_path: Path, suite: str, number: int) -> None:
    options = (*DISPLAY, "--suite", suite)
    async with board(world, tmp_path / "state", *options) as device, radio_hub(world, ADDRESS) as hub:
        await hub.pair_without_code(number)
        await device.line("paired")
        await talk(device, hub)
        await hub.forget()
        await device.line(r"resumed epoch=\d")
        await talk(device, hub)


async def test_pairs_and_resumes(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device, radio_hub(world, ADDRESS) as hub:
        code = await hub.pair()
        assert (await device.line(r"pairing code: (\d{6})"))[1] == code
        await device.line("verified compared=yes")
        await talk(device, hub)
        await hub.forget()
        await device.line("resumed epoch=1")
        await talk(device, hub)


async def test_takes_the_longest_message(world: World, tmp_path: Path) -> None:
    async with board(world, tmp_path / "state", *DISPLAY) as device, radio_hub(world, ADDRESS) as hub:
        await hub.pair()
        await hub.say("x" * LONGEST)
        await device.line(f"received text: x{{{LONGEST}}}")
        await talk(device, hub)


async def test_is_in_a_group_before_and_after_a_power_cut(world: World, tmp_path: Path) -> None:
    group = Group(7)
    group.begin(1, {}, SECRET)
    async with radio_hub(world, ADDRESS) as hub:
        async with board(world, tmp_path / "state", *DISPLAY) as device:
            await hub.pair()
            assert (await hub.say_to_group(group, "to all")).delivered
            await device.line("received text for group 7: to all")
            await talk(device, hub)
        async with board(world, tmp_path / "state", *DISPLAY) as device:
            await device.line(r"resumed epoch=\d")
            assert await hub.until(lambda: hub.of(GroupSynced)) == [GroupSynced(7, 1, refused=False)]
            assert (await hub.say_to_group(group, "to all again")).delivered
            await device.line("received text for group 7: to all again")
            await talk(device, hub)


@pytest.mark.timeout(240)
async def test_four_hubs_on_a_small_heap(tmp_path: Path) -> None:
    """Each pairs with `hybrid` while the others are off, and then all are heard and hear, also after a power cut."""
    plan = Plan(scanners=HUBS, devices=1, loss=0.3, supervision_timeout=0.2)
    disks: list[dict[str, Any] | None] = []
    async with World(plan) as world, AsyncExitStack() as running:
        async with board(world, tmp_path / "state", *DISPLAY) as device:
            for number in range(HUBS):
                since = len(device.lines)
                device.command("pair" if number else "status")  # who has no hub asks without a button
                async with radio_hub(world, ADDRESS, number) as hub:
                    await device.line(f"pairing code: {await hub.pair()}.*", since)
                    await device.line("verified compared=yes.*", since)
                    disks.append(hub.disk)
                await heap(device)
            hubs = [await running.enter_async_context(radio_hub(world, ADDRESS, number, disk)) for number, disk in enumerate(disks)]
            for hub in hubs:
                hub.patience = 60.0  # they take turns at one device
            await each_way(device, hubs, "first")
        async with board(world, tmp_path / "state", *DISPLAY) as device:
            await each_way(device, hubs, "after a power cut")


async def each_way(device: Board, hubs: list[RadioHub], when: str) -> None:
    """Every hub sends a text, and the board one to all of them."""
    for number, hub in enumerate(hubs):
        await hub.say(f"hub {number} {when}")
        await device.line(f"received text: hub {number} {when}")
    device.command(f"say {when}")
    for hub in hubs:
        await hub.hears(when)
    await heap(device)
