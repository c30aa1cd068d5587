"""What a link is: one connection to one device that carries fragments both ways (protocol.md 3)."""

from collections.abc import Callable
from enum import StrEnum
from typing import Final, Protocol

PAYLOAD_MIN: Final = 20  # the smallest ATT MTU is 23
PAYLOAD_MAX: Final = 244  # what fits one link layer packet, and a GATT buffer of the device


class LinkErrorKind(StrEnum):
    """Why a link could not be opened, or ended."""

    NOT_FOUND = "not_found"  # nobody who could connect hears the device
    NO_SLOT = "no_slot"  # every adapter and proxy is busy
    REFUSED = "refused"  # the connection was not established
    UNSUPPORTED = "unsupported"  # connected, but the service of protocol.md 3 is not there
    LOST = "lost"  # it was open, and is not any more
    TIMEOUT = "timeout"


class LinkError(Exception):
    """The one error of this layer: `kind` for the machine, the text for the log (no fragment in it)."""

    def __init__(self, kind: LinkErrorKind, reason: str) -> None:
        """Carry `kind` and a `reason` for people."""
        super().__init__(f"{kind.value}: {reason}")
        self.kind = kind


class Link(Protocol):
    """One connection, used once: open, write any number of fragments, close."""

    async def open(self, received: Callable[[bytes], None], closed: Callable[[], None]) -> int:
        """Connect and subscribe.

        Args:
            received: called with each notification, in order.
            closed: called once if the link ends by itself; not after `close`.

        Returns:
            Most bytes of one fragment (MTU-3), PAYLOAD_MIN..PAYLOAD_MAX.

        Raises:
            LinkError: nothing is connected.
        """
        ...

    async def write(self, fragment: bytes) -> None:
        """Write one fragment with response; raises `LinkError`."""
        ...

    async def close(self) -> None:
        """Disconnect; never raises, and may be called in every state."""
        ...


class LinkFactory(Protocol):
    """Makes a fresh `Link` for each connection."""

    def __call__(self) -> Link:
        """Return a link that is not open yet."""
        ...
