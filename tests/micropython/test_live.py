"""The microcontroller's program on a real MicroPython, over the virtual radio, with the hub's own protocol."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from custom_components.self_secure.protocol.events import GroupSynced
from custom_components.self_secure.protocol.group_sender import Group
from simulation.world import Plan, World

from .board import ADDRESS, Board, board
from .hub import RadioHub, radio_hub

HEAP_LIMIT = 64 * 1024  # bytes on 64 bits, what 32 kB are on 32
LONGEST = 975  # bytes of a body, which fill a frame
SECRET = bytes(range(32))
HUBS = 2  # of the four that a device takes: the third pairing does not fit the small heap yet
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
    async with board(world, tmp_path / "state", *DISPLAY, "--suite", suite) as device, radio_hub(world, ADDRESS) as hub:
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


@pytest.mark.timeout(400)  # a request may have to wait for half a minute
async def test_two_hubs_on_the_small_heap(tmp_path: Path) -> None:
    """Each pairs with `hybrid`, hears and is heard; after a power cut, and after the hubs' own, all resume."""
    async with World(Plan(scanners=HUBS, devices=1, loss=0.3, supervision_timeout=0.2)) as world, AsyncExitStack() as running:
        hubs: list[RadioHub] = []
        async with board(world, tmp_path / "state", *DISPLAY) as device:
            for number in range(HUBS):
                hubs.append(await running.enter_async_context(radio_hub(world, ADDRESS, number)))
                since = len(device.lines)
                hubs[-1].patience = 150.0  # the request may go to another hub first: the next one follows after half a minute
                pairing = asyncio.ensure_future(hubs[-1].pair())
                await asyncio.sleep(0)  # its window is open
                device.command("pair" if number else "status")  # who has no hub asks without a button
                await device.line(f"pairing code: {await pairing}.*", since)
                await device.line("verified compared=yes.*", since)
                await heap(device)
            await each_way(device, hubs, "first")
        async with board(world, tmp_path / "state", *DISPLAY) as device:
            await each_way(device, hubs, "after a power cut")
            for hub in hubs:
                await hub.forget()
            await each_way(device, hubs, "after the hubs' own")


async def each_way(device: Board, hubs: list[RadioHub], when: str) -> None:
    """Every hub sends a text, and the board one to all of them."""
    for number, hub in enumerate(hubs):
        await hub.say(f"hub {number} {when}")
        await device.line(f"received text: hub {number} {when}")
    device.command(f"say {when}")
    for hub in hubs:
        await hub.hears(when)
    await heap(device)
