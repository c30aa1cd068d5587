"""A hub in a process of its own, protocol and Home Assistant's store, that ends itself at a given point (`os._exit`)."""

import asyncio
from collections.abc import Callable, Mapping
from multiprocessing import connection
import os
from pathlib import Path
import random
from typing import Any

from homeassistant.core import HomeAssistant
import homeassistant.core_config  # noqa: F401  # what HomeAssistant() imports late: once in the parent, not in every child

from custom_components.self_secure.protocol.connection import Settings
from custom_components.self_secure.protocol.events import Event
from custom_components.self_secure.store import device_store

from .hub import HubDiedError, LocalHub, View
from .reuse import Sighting, watched

KILLED = 70  # exit status of a hub that ended itself


class HomeAssistantStore:
    """The integration's own store in a bare Home Assistant: 0600, fsynced, read back."""

    def __init__(self, folder: Path, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._loop.run_until_complete(self._open(folder, name))

    async def _open(self, folder: Path, name: str) -> None:
        self._store = device_store(HomeAssistant(str(folder)), name)

    def load(self) -> Mapping[str, Any] | None:
        """Return the last durable snapshot."""
        return self._loop.run_until_complete(self._store.async_load())

    def save(self, snapshot: Mapping[str, Any]) -> None:
        """Make a snapshot durable."""
        self._loop.run_until_complete(self._store.async_save(dict(snapshot)))


class ForkedHub:
    """Parent's end of a hub in a child process; `end_at` = number of the point at which the child ends itself."""

    def __init__(self, settings: Settings, folder: Path, name: str, end_at: int | None = None) -> None:
        self.sightings: list[Sighting] = []
        self.names: list[str] = []
        self.view: View
        self._pipe, theirs = connection.Pipe()
        self._child = os.fork()
        if self._child == 0:
            self._pipe.close()
            _serve(theirs, settings, folder, name, end_at)
        theirs.close()
        self._collect()

    @property
    def points(self) -> int:
        """How many points the child has passed."""
        return len(self.names)

    def call(self, name: str, *arguments: Any) -> tuple[Any, list[Event]]:
        """Call an input of the connection in the child."""
        self._pipe.send((name, arguments))
        return self._collect()

    def _collect(self) -> tuple[Any, list[Event]]:
        events: list[Event] = []
        try:
            for kind, value in iter(self._pipe.recv, None):
                if kind == "done":
                    result, self.view, self.names = value
                    return result, events
                (self.sightings if kind == "sighting" else events).append(value)
        except EOFError:
            self._reap()
        raise HubDiedError(events)

    def _reap(self) -> None:
        _, status = os.waitpid(self._child, 0)
        self._pipe.close()
        if os.waitstatus_to_exitcode(status) != KILLED:
            raise RuntimeError("the hub's process failed by itself")

    def close(self) -> None:
        """End the child: there is nothing to save."""
        self._pipe.close()
        os.waitpid(self._child, 0)


def _serve(pipe: connection.Connection, settings: Settings, folder: Path, name: str, end_at: int | None) -> None:
    """Run the child; never returns."""
    try:
        _answer(pipe, settings, folder, name, end_at)
    except EOFError:
        os._exit(0)
    except BaseException as error:  # noqa: BLE001  # whatever it is, the parent must hear of it and this process must end
        print(f"hub process: {error!r}")
        os._exit(1)


def _answer(pipe: connection.Connection, settings: Settings, folder: Path, name: str, end_at: int | None) -> None:
    passed = _Points(end_at)
    hub = LocalHub(
        settings,
        random.SystemRandom().randbytes,
        HomeAssistantStore(folder, name),
        point=passed,
        emit=lambda event: pipe.send(("event", event)),
    )
    tell: Callable[[Sighting], None] = lambda sighting: pipe.send(("sighting", sighting))  # noqa: E731  # one line, used once
    with watched(tell, tell):
        pipe.send(("done", (None, hub.view, [])))
        while True:
            method, arguments = pipe.recv()
            result, _ = hub.call(method, *arguments)
            pipe.send(("done", (result, hub.view, passed.names)))


class _Points:
    """Remembers the points and ends the process at one of them."""

    def __init__(self, end_at: int | None) -> None:
        self._end_at = end_at
        self.names: list[str] = []

    def __call__(self, name: str) -> None:
        self.names.append(name)
        if len(self.names) == self._end_at:
            os._exit(KILLED)
