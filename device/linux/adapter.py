"""Bumble's host, made fit for both roles at once: peripheral of hubs, central of the devices that a relay carries for."""

from typing import Any, override

from bumble import hci
from bumble.device import Device


class Adapter(Device):
    """Tells of connections that others made with ``EVENT_HUB``.

    Bumble's ``connect_le`` takes the next connection of any kind for the one that it waits for. When a hub connects meanwhile, the
    awaited connection then finds no attempt and breaks the host. So here incoming connections have an event of their own.
    """

    EVENT_HUB = "hub"

    @override
    def emit(self, event: str, *args: Any, **kwargs: Any) -> bool:
        incoming = event == self.EVENT_CONNECTION and args[0].role == hci.Role.PERIPHERAL
        return super().emit(self.EVENT_HUB if incoming else event, *args, **kwargs)
