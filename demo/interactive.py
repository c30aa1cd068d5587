"""``scripts/demo`` for a person: everything runs until Ctrl-C, the devices print here and take what is typed here."""

import asyncio
import os
import stat
import sys
from typing import TYPE_CHECKING

from . import radio, terminal
from .errors import DemoError
from .folder import USER
from .homeassistant import USUAL_PORT, HomeAssistant
from .terminal import method_hint

if TYPE_CHECKING:
    from .folder import Folder
    from .processes import Process, Processes
    from .radio import Air, Fleet, Scanner, World
    from .terminal import Report
    from .worlds.scenes import Scene

#: Seconds between two readings of a device: a person should see something happen, and have the time to read.
INTERVAL = 10.0


async def run(scene: Scene, air: Air, fleet: Fleet, folder: Folder, processes: Processes, report: Report) -> None:  # noqa: PLR0913, PLR0917  # what a demo is made of
    """Start everything, tell how to use it, and serve until cancelled or a program ends."""
    async with report.step(f"the virtual radio and {len(scene.cast.kinds)} devices run"):
        world = await radio.start(air, folder, processes, fleet, terminal.device_line, scene.cast)
    numbers = sorted({scanner.home for scanner in world.radio.scanners})
    homes = {number: HomeAssistant(folder.home(number), USUAL_PORT if number == 1 else 0) for number in numbers}
    try:
        for number, home in homes.items():
            await _start(home, folder.home(number), world.radio.scanners_of(number), report)
        print(scene.hint.format(method=method_hint(fleet.suite)))
        print(terminal.AIR.format(loss=air.loss, folder=folder.root))
        async with report.step("until Ctrl-C"):
            await _serve(world, [home.process for home in homes.values()])
    finally:
        await asyncio.gather(*(home.process.stop() for home in homes.values()))


async def _start(home: HomeAssistant, folder: Folder, scanners: list[Scanner], report: Report) -> None:
    async with report.step("Home Assistant runs (its first start takes longest)"):
        await home.start(scanners)
        async with home.signed_in():
            pass
    print(terminal.HOME.format(url=home.url, user=USER, password=folder.password()))


async def _serve(world: World, programs: list[Process]) -> None:
    """Take commands until a Home Assistant ends, which is a DemoError."""
    commands = asyncio.create_task(_take_commands(world))
    ends = {asyncio.create_task(program.ended()): program for program in programs}
    ended, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    commands.cancel()
    raise DemoError("Home Assistant ended by itself", ends[ended.pop()])


async def _take_commands(world: World) -> None:
    """Pass "DEVICE COMMAND" lines from the terminal, or from a pipe, to the device."""
    if not (sys.stdin.isatty() or stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode)):
        return  # the event loop cannot wait for a file, nor for the null device of a service
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    known = {device.kind.key: device for device in world.devices}
    async for raw in reader:
        key, _, command = raw.decode(errors="replace").strip().partition(" ")
        if key in known and command:
            await known[key].send(command)
        elif key:
            print(f"“{key} {command}”: write a device ({', '.join(known)}) and a command")
