"""The hub of a soak: the real connection, a disk in memory, and a power that can be cut."""

from collections.abc import Callable, Mapping
from typing import Any

from custom_components.self_secure.protocol.connection import Connection
from custom_components.self_secure.protocol.errors import LocalError
from custom_components.self_secure.protocol.events import Event, MessageReceived, Persist, StoreFailed, Transmit

from .power import Power
from .profile import Profile

type Disk = Mapping[str, Any]


class HubSide:
    """Drives one connection as the integration's client does: each event is done before the next, a write before all after it.

    `listen` gets every event but `Persist`; `written` is called when a snapshot has become durable.
    """

    def __init__(
        self,
        profile: Profile,
        entropy: Callable[[int], bytes],
        power: Power,
        listen: Callable[[Event], None],
        written: Callable[[Disk], None],
    ) -> None:
        self._profile, self._entropy, self._power = profile, entropy, power
        self._listen, self._written = listen, written
        self.disk: Disk | None = None
        self.slow_write = 0.0  # seconds that the next write takes
        self.start()

    def start(self) -> None:
        """Begin a life from what is on disk."""
        self.ended = False
        self.connection = Connection(self._profile.settings(), self._entropy, self.disk)
        queue = self.disk["queue"] if self.disk else []
        self.bodies = {handle: bytes.fromhex(row["body"]) for handle, row in enumerate(queue, 1)}  # by handle, as the connection counts

    def call(self, name: str, *arguments: Any) -> bool:
        """Call an input, whose last argument is `now`; False if the connection refused it (LocalError). PowerCutError."""
        accepted = True
        try:
            getattr(self.connection, name)(*arguments)
        except LocalError:
            accepted = False
        self.drain(arguments[-1])
        return accepted

    def send(self, kind: int, body: bytes, now: float) -> int:
        """Queue a message; return its handle. LocalError, PowerCutError."""
        handle = self.connection.send(kind, body, now)
        self.bodies[handle] = body
        self.drain(now)
        return handle

    def drain(self, now: float) -> None:
        """Do what came out."""
        while events := self.connection.events():
            for event in events:
                self._do(event, now)

    def _do(self, event: Event, now: float) -> None:
        if isinstance(event, Persist):
            self._persist(event.snapshot, now)
        elif isinstance(event, Transmit):
            self._power.point("before send")
            self._listen(event)
            self._power.point("after send")
        else:
            self._tell(event)

    def _tell(self, event: Event) -> None:
        if isinstance(event, MessageReceived):
            self._power.point("before act")
        self.ended |= isinstance(event, StoreFailed)
        self._listen(event)

    def _persist(self, snapshot: Disk, now: float) -> None:
        self._power.point("before write")
        if self._power.write_fails():
            self.connection.persist_failed(now)
            return
        self.disk = snapshot
        self._written(snapshot)
        self._power.point("after write")
        seconds, self.slow_write = self.slow_write, 0.0
        self.connection.persisted(now + seconds)
