"""The hub's side: a connection, a store, and points at which it may be ended (before and after each write and send)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from custom_components.self_secure.protocol.connection import Connection, Settings
from custom_components.self_secure.protocol.events import Event, Persist, Transmit


class Store(Protocol):
    """Where the hub's snapshots are."""

    def load(self) -> Mapping[str, Any] | None:
        """Return the last snapshot that is durable, or None."""

    def save(self, snapshot: Mapping[str, Any]) -> None:
        """Make a snapshot durable; OSError if that failed."""


class MemoryStore:
    """A store that outlives its hub."""

    def __init__(self) -> None:
        self.snapshot: Mapping[str, Any] | None = None
        self.writes = 0

    def load(self) -> Mapping[str, Any] | None:
        """Return the last snapshot."""
        return self.snapshot

    def save(self, snapshot: Mapping[str, Any]) -> None:
        """Keep a snapshot."""
        self.snapshot = snapshot
        self.writes += 1


@dataclass(frozen=True, slots=True)
class View:
    """What the world needs to know of a hub after each call."""

    next_deadline: float | None
    wants_link: bool
    collecting: bool
    pairing: bool
    paired: bool
    epoch: int | None
    queued: int


class HubDiedError(Exception):
    """The hub has ended in the middle of a call; what it had sent before has arrived."""

    def __init__(self, events: list[Event]) -> None:
        super().__init__("the hub died")
        self.events = events


class Hub(Protocol):
    """A hub in this process or in another one."""

    view: View

    def call(self, name: str, *arguments: Any) -> tuple[Any, list[Event]]:
        """Call an input of the connection; return its result and what came out. HubDiedError."""


def no_point(_name: str) -> None:
    """Never end."""


class LocalHub:
    """A hub in this process; `point` is called before and after each write and each send."""

    def __init__(
        self,
        settings: Settings,
        entropy: Callable[[int], bytes],
        store: Store,
        *,
        point: Callable[[str], None] = no_point,
        emit: Callable[[Event], None] | None = None,
    ) -> None:
        self._store, self._point = store, point
        self._events: list[Event] = []
        self._emit = emit or self._events.append
        self.connection = Connection(settings, entropy, store.load())
        self.view = self._look()

    def call(self, name: str, *arguments: Any) -> tuple[Any, list[Event]]:
        """Call an input; the last argument is `now`."""
        self._events.clear()
        result = getattr(self.connection, name)(*arguments)
        while events := self.connection.events():
            for event in events:
                self._do(event, arguments[-1])
        self.view = self._look()
        return result, list(self._events)

    def _do(self, event: Event, now: float) -> None:
        if isinstance(event, Persist):
            self._point("before write")
            self._store.save(event.snapshot)
            self._point("after write")
            self.connection.persisted(now)
        elif isinstance(event, Transmit):
            self._point("before send")
            self._emit(event)
            self._point("after send")
        else:
            self._emit(event)

    def _look(self) -> View:
        seen = self.connection
        return View(seen.next_deadline, seen.wants_link, seen.collecting, seen.pairing, seen.paired, seen.epoch, seen.queued)
