"""Which messages still wait for the device's acknowledgement."""

import asyncio
from dataclasses import dataclass

from .protocol.events import MessageAbandoned, MessageDelayed, MessageDelivered


@dataclass(slots=True)
class Delivery:
    """What became of one message."""

    delivered: bool = False
    id: int | None = None  # given at the first sending; known here with the acknowledgement
    attempts: int = 0
    seconds: float = 0.0  # from the first sending to the acknowledgement


class Deliveries:
    """Futures by the protocol's handle."""

    def __init__(self) -> None:
        self._waiting: dict[int, asyncio.Future[Delivery]] = {}

    def expect(self, handle: int) -> asyncio.Future[Delivery]:
        """Return what resolves when the message is acknowledged, or is known to be lost from sight."""
        future: asyncio.Future[Delivery] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._waiting.pop(handle, None))
        self._waiting[handle] = future
        return future

    def settle(self, event: MessageDelivered | MessageDelayed | MessageAbandoned) -> None:
        """Hand on what the protocol says about one message; a delayed one is still to come."""
        future = self._waiting.get(event.handle)
        if future is None or future.done():
            return
        match event:
            case MessageDelivered():
                future.set_result(Delivery(True, event.id, event.attempts, event.seconds))
            case MessageAbandoned():
                future.set_result(Delivery())
            case MessageDelayed():
                pass
