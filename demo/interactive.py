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
from .radio import Fleet
from .terminal import method_hint

if TYPE_CHECKING:
    from .folder import Folder
    from .processes import Processes
    from .radio import Air, World
    from .terminal import Report

#: Seconds between two readings of a device: a person should see something happen, and have the time to read.
INTERVAL = 10.0


async def run(air: Air, fleet: Fleet, folder: Folder, processes: Processes, report: Report) -> None:
    """Start everything, tell how to use it, and serve until cancelled or a program ends."""
    async with report.step("the virtual radio and three devices run"):
        world = await radio.start(air, folder, processes, fleet, terminal.device_line)
    home_assistant = HomeAssistant(folder, USUAL_PORT)
    try:
        async with report.step("Home Assistant runs (its first start takes longest)"):
            await home_assistant.start(world.radio.scanners)
            async with home_assistant.signed_in():
                pass
        print(
            terminal.WELCOME.format(
                url=home_assistant.url,
                user=USER,
                password=folder.password(),
                loss=air.loss,
                folder=folder.root,
                method=method_hint(fleet.suite),
            )
        )
        async with report.step("until Ctrl-C"):
            commands = asyncio.create_task(_take_commands(world))
            await home_assistant.process.ended()
            commands.cancel()
            raise DemoError("Home Assistant ended by itself", home_assistant.process)
    finally:
        await home_assistant.process.stop()


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
