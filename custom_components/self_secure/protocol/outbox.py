"""Persist, then send: the one place where that order is written (architecture.md, protocol.md 7)."""

from collections import deque

from .events import Event, Persist


class Outbox:
    """Events in order; behind a `Persist` nothing comes out before the write is confirmed."""

    def __init__(self) -> None:
        """Start empty."""
        self._events: deque[Event] = deque()
        self.writing = False

    def __len__(self) -> int:
        return len(self._events)

    def put(self, *events: Event) -> None:
        """Append events."""
        self._events.extend(events)

    def drain(self) -> list[Event]:
        """Return what may be done now; if the last one is a `Persist`, the rest waits for `written`."""
        events: list[Event] = []
        while self._events and not self.writing:
            events.append(self._events.popleft())
            self.writing = isinstance(events[-1], Persist)
        return events

    def written(self) -> None:
        """The snapshot is durable."""
        self.writing = False

    def discard(self) -> list[Event]:
        """The write failed: nothing that follows may ever leave. Return what it was."""
        lost = list(self._events)
        self._events.clear()
        self.writing = False
        return lost
