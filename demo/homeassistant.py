"""Home Assistant as its users run it: started from a configuration directory, signed in to, killed, started again."""

from contextlib import asynccontextmanager
import os
import random
import socket
import sys
from typing import TYPE_CHECKING

from .api import Api
from .errors import DemoError
from .folder import REPOSITORY, USER
from .processes import Process
from .waiting import until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from .folder import Folder
    from .radio import Scanner

#: Seconds until the page is served; the first start on a busy machine makes its database and reads eighty integrations.
STARTED = 120.0

#: The port that people know; the demo takes another one when it is in use.
USUAL_PORT = 8123

#: Other ports: below those that the kernel gives to whoever asks for any, so that nobody gets one before Home Assistant listens.
OTHER_PORTS = range(20_000, 32_768)


def free_port(wanted: int = 0) -> int:
    """Return ``wanted`` when nobody listens there on this machine, else a free port."""
    port = wanted or random.choice(OTHER_PORTS)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return free_port()
    return port


class HomeAssistant:
    """One Home Assistant of a demo folder. ``port`` 0 takes any free one."""

    def __init__(self, folder: Folder, port: int = 0) -> None:
        self._folder = folder
        self.port = free_port(port)
        self.process = self._make_process()

    def _make_process(self) -> Process:
        command = [sys.executable, "-m", "homeassistant", "-c", str(self._folder.home_assistant), "--skip-pip"]
        return Process("Home Assistant", command, self._folder.logs / "home_assistant.log")

    @property
    def url(self) -> str:
        """The address of its page."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self, scanners: list[Scanner]) -> None:
        """Start it, listening through these scanners, and wait until it serves its page."""
        self._folder.configure(self.port, scanners)
        self.process = self._make_process()
        # the virtual radio's component imports the simulation; no system bus: this machine's own adapters stay untouched
        private = {"PYTHONPATH": str(REPOSITORY), "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
        await self.process.start({**os.environ, **private})
        await self._wait_until_served()

    async def _wait_until_served(self) -> None:
        async with Api(self.url) as api:

            async def look() -> bool:
                if not self.process.running:
                    raise DemoError("Home Assistant ended while it started", self.process)
                return await api.reachable()

            await until(look, bool, STARTED, "Home Assistant does not serve its page", self.process)

    @asynccontextmanager
    async def signed_in(self) -> AsyncIterator[Api]:
        """Yield a session of the demo's user, who is made (the onboarding) where there is none."""
        async with Api(self.url) as api:
            enter = api.sign_in if await api.onboarded() else api.create_user
            await enter(USER, self._folder.password())
            yield api
