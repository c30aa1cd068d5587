"""The one link that a device has at a time: opened when wanted, ended when idle, tried again after a back-off."""

import asyncio
from collections.abc import Callable
import contextlib
import logging
from typing import Final, Protocol

from ..protocol.limits import FRAGMENTS_MAX
from .backoff import BackOff
from .link import Link, LinkError, LinkErrorKind, LinkFactory
from .slots import Slots

_LOGGER = logging.getLogger(__name__)

LINGER_SECONDS: Final = 2.0  # without traffic, when nothing is to be done: a device says several things in a row
IDLE_SECONDS: Final = 30.0  # without traffic, when something is: longer than every timer of a running exchange


class ContactListener(Protocol):
    """Who hears of a link; none of the methods blocks."""

    def on_link_opened(self, payload: int) -> None:
        """A link is open for fragments of at most `payload` bytes."""

    def on_link_failed(self) -> None:
        """A link could not be opened."""

    def on_fragment(self, fragment: bytes) -> None:
        """A fragment came in."""

    def on_link_lost(self) -> None:
        """The open link ended by itself."""


class Contact:
    """Opens, uses and ends links.

    Args:
        new_link: makes the link of the next contact.
        listener: hears what happens.
        clock: seconds, never running back.
        name: for the log.
    """

    def __init__(self, new_link: LinkFactory, listener: ContactListener, clock: Callable[[], float], name: str) -> None:
        self.back_off = BackOff()
        self.error: LinkError | None = None  # of the last attempt or write; None after a success
        self.new_link = new_link
        self.is_needed: Callable[[], bool] = lambda: (
            False
        )  # for others, while nothing is to be done for the device itself: paths run over it
        self.keep: Slots | None = None  # whose slot an open link may hold also when nothing is to be done; None: it is ended then
        self._listener = listener
        self._clock = clock
        self._name = name
        self._link: Link | None = None
        self._broken = False  # a write failed
        self._early: list[bytes] = []  # what a device said between the subscription and `open`'s return
        self._opening: asyncio.Task[None] | None = None
        self._last_traffic = 0.0

    @property
    def is_open(self) -> bool:
        """Whether fragments can be written."""
        return self._link is not None

    @property
    def opens_to_stay(self) -> bool:
        """Whether a link is worth opening only to be kept: nobody else needs its slot."""
        return self.keep is not None and self._link is None and self.keep.spare

    def want(self, now: float) -> None:
        """Begin to connect, unless that is on its way or it is too early to try again."""
        if self._link is None and self._opening is None and now >= self.back_off.until:
            self._opening = asyncio.create_task(self._open(self.new_link()))

    def next_deadline(self, wanted: bool) -> float | None:
        """Return when the link is idle, or when the next attempt to open a `wanted` one may be made."""
        stays = self.keep is not None and not self.keep.contested
        if self._link is not None and (self.is_needed() or (stays and not wanted)):
            return None
        if self._link is not None:
            return self._last_traffic + (IDLE_SECONDS if wanted else LINGER_SECONDS)
        return self.back_off.until if wanted and self._opening is None else None

    def is_idle(self, wanted: bool, now: float) -> bool:
        """Whether nothing went either way for too long; a slot of a proxy is worth more than that."""
        deadline = self.next_deadline(wanted)
        return self._link is not None and deadline is not None and deadline <= now

    async def _open(self, link: Link) -> None:
        self._early.clear()
        try:
            payload = await link.open(lambda fragment: self._on_fragment(link, fragment), lambda: self._on_lost(link))
        except LinkError as error:
            self._not_opened(error)
        except Exception as error:  # what a backend did not mean to raise must not leave the device without a next attempt
            _LOGGER.exception("%s: unexpected error, the connection is tried again", self._name)
            with contextlib.suppress(Exception):
                await link.close()
            self._not_opened(LinkError(LinkErrorKind.REFUSED, str(error)))
        else:
            self._opening = None
            self._link, self._broken, self.error = link, False, None
            self._last_traffic = self._clock()
            self._listener.on_link_opened(payload)
            for fragment in self._early:
                self._on_fragment(link, fragment)

    def _not_opened(self, error: LinkError) -> None:
        self._opening = None
        self._on_failure(error)
        self._listener.on_link_failed()

    def _on_fragment(self, link: Link, fragment: bytes) -> None:
        if link is self._link:
            self._last_traffic = self._clock()
            self._listener.on_fragment(fragment)
        elif self._opening is not None and len(self._early) < FRAGMENTS_MAX:
            self._early.append(fragment)

    def _on_lost(self, link: Link) -> None:
        if link is self._link:
            self._on_failure(LinkError(LinkErrorKind.LOST, "the device or its radio ended the connection"))
            self._listener.on_link_lost()

    def _on_failure(self, error: LinkError) -> None:
        self.error = error
        if error.kind is LinkErrorKind.REFUSED:
            self.back_off.refused(self._clock())
        else:
            self.back_off.failed(self._clock())
        _LOGGER.debug("%s: %s", self._name, error)

    async def write(self, fragment: bytes) -> bool:
        """Write one fragment; False says that the link is of no use any more."""
        if self._link is None or self._broken:
            return False
        try:
            await self._link.write(fragment)
        except LinkError as error:
            self._broken = True
            self._on_failure(error)
            return False
        self._last_traffic = self._clock()
        return True

    async def end(self) -> None:
        """Disconnect, whatever the state."""
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        link, self._link = self._link, None
        if link is not None:
            await link.close()
