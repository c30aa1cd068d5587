"""What people wait for: messages that the device has not acknowledged yet, and new keys."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum

from .protocol.errors import StoppedError
from .protocol.events import MessageAbandoned, MessageDelayed, MessageDelivered


class Fate(StrEnum):
    """Where a message has ended, as far as it is known here."""

    QUEUED = "queued"  # on disk; delivered once, at a contact that is still to come
    DELIVERED = "delivered"
    ABANDONED = "abandoned"  # it was under way when the device was paired anew: nobody knows, and it is not repeated
    INTERRUPTED = "interrupted"  # the entry was unloaded, perhaps for good: only a device that stays keeps its queue


@dataclass(slots=True, eq=False)
class Delivery:
    """One message; `ended` is set when nothing more will be heard of it."""

    fate: Fate = Fate.QUEUED
    id: int | None = None  # given at the first sending; known here with the acknowledgement
    attempts: int = 0
    seconds: float = 0.0  # from the first sending to the acknowledgement
    silent: bool = False  # nobody has asked for it: its end is no news
    ended: asyncio.Event = field(default_factory=asyncio.Event, repr=False)

    def end(self, fate: Fate) -> None:
        """Wake who waits for it."""
        self.fate = fate
        self.ended.set()


class Deliveries:
    """Deliveries by the protocol's handle."""

    def __init__(self) -> None:
        self._waiting: dict[int, Delivery] = {}

    def expect(self, handle: int) -> Delivery:
        """Return what is told of the message from now on."""
        delivery = self._waiting[handle] = Delivery()
        return delivery

    def settle(self, event: MessageDelivered | MessageDelayed | MessageAbandoned) -> None:
        """Note what the protocol says about one message; a delayed one is still to come."""
        delivery = self._waiting.get(event.handle)
        if delivery is None:
            return
        match event:
            case MessageDelivered():
                delivery.id, delivery.attempts, delivery.seconds = event.id, event.attempts, event.seconds
                self._end(event.handle, Fate.DELIVERED)
            case MessageAbandoned():
                self._end(event.handle, Fate.ABANDONED)
            case MessageDelayed():
                delivery.attempts = event.attempts

    def settle_silently(self, event: MessageAbandoned) -> bool:
        """Note that a message is given up, if it is one that nobody has asked for; return whether it is."""
        delivery = self._waiting.get(event.handle)
        silent = delivery is not None and delivery.silent
        if silent:
            self.settle(event)
        return silent

    def interrupt(self) -> None:
        """Nothing more will be heard here."""
        for handle in tuple(self._waiting):
            self._end(handle, Fate.INTERRUPTED)

    def _end(self, handle: int, fate: Fate) -> None:
        self._waiting.pop(handle).end(fate)


class KeyChanges:
    """Futures of those who wait for new keys."""

    def __init__(self) -> None:
        self._waiting: set[asyncio.Future[int]] = set()

    def expect(self) -> asyncio.Future[int]:
        """Return what gives the next epoch, or `StoppedError`."""
        changed: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.add(changed)
        changed.add_done_callback(self._waiting.discard)
        return changed

    def settle(self, epoch: int) -> None:
        """There are new keys."""
        for changed in self._waiting:
            if not changed.done():
                changed.set_result(epoch)

    def interrupt(self) -> None:
        """Nothing more will be heard here."""
        for changed in self._waiting:
            if not changed.done():
                changed.set_exception(StoppedError("the entry was unloaded, or a write failed"))
                changed.exception()  # who asked may have stopped waiting, which is no error for the log
