"""The pump of one device: bytes, time and events between a link and the protocol (architecture.md).

One task per device feeds the connection one input at a time and does what comes out in its order. This is the one place
in the glue where "make it durable, then release" is written.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
import contextlib
from functools import partial
import logging
from typing import TYPE_CHECKING, Any, Final, override

from ..protocol.errors import LocalError, StoppedError
from ..protocol.events import (
    CARRIED,
    CodeReady,
    EpochStarted,
    Event,
    FrameDropped,
    LinkUnneeded,
    MessageDelivered,
    MessageReceived,
    PairingCompleted,
    PairingProgressed,
    Persist,
    StoreFailed,
    Transmit,
    Verdict,
)
from ..protocol.view import earliest
from .asking import ENDED, Asking
from .contact import Contact, ContactListener
from .inbox import Inbox
from .link import LinkErrorKind, LinkFactory
from .paths import Paths

if TYPE_CHECKING:
    from ..protocol.connection import Connection, Settings

_LOGGER = logging.getLogger(__name__)

STOP_SECONDS: Final = 5.0  # for the last frames; Home Assistant gives its whole shutdown 20 s
LATENESS: Final = 0.25  # s that the timer may be late that ends a broadcast: more than half a second of its packets move it forward
INBOX_MAX: Final = 4096  # inputs waiting while a write hangs: 10 s of broadcast at 20 ms from eight scanners

_WORTHWHILE: Final = (PairingProgressed, CodeReady, PairingCompleted, MessageReceived, MessageDelivered, EpochStarted)
"""What only an authentic device, or one being paired, brings about: contacts with it may follow each other quickly."""

type Save = Callable[[Mapping[str, Any]], Awaitable[None]]
type _Input = Callable[[float], None]


class StorageError(Exception):
    """The snapshot is not durable; nothing derived from it may leave."""


class Client(ContactListener):
    """Drives one `Connection`; needs a running event loop, whose time is its clock.

    Args:
        connection: the device's protocol state; used by nobody else from now on.
        new_link: makes the link of the next contact.
        save: makes a snapshot durable before it returns; raises `StorageError`.
        on_event: gets every event that is news to the layer above, in order; must not block or raise. `StoreFailed` is
            the last one: the client has ended, and what is on disk is the truth.
        name: for the log.
    """

    def __init__(self, connection: Connection, new_link: LinkFactory, save: Save, on_event: Callable[[Event], None], name: str) -> None:
        self.connection = connection
        self.on_event = on_event
        self.save = save
        self._name = name
        self._clock = asyncio.get_running_loop().time
        self.contact = Contact(new_link, self, self._clock, name)
        self.paths = Paths(self._carry, name)  # through this device, if it is a relay
        self.contact.is_needed = lambda: self.paths.in_use
        self._inbox: Inbox[_Input] = Inbox()
        self._post = self._inbox.put
        self._asking = Asking()
        self._task: asyncio.Task[None] | None = None
        self._beacon_state: int | None = None  # the last one handed on
        self._link_open = False  # as far as the connection knows
        self._link_unneeded = False
        self._ended = False
        self.relayed = False  # the present link runs through a relay
        self.proved = False  # the device has proved itself on the present link, or the last one

    @property
    def ended(self) -> bool:
        """Whether nothing is done any more: it was stopped, or a write has failed."""
        return self._ended

    # --- inputs

    def start(self) -> None:
        """Begin, unless it has begun."""
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name=f"self_secure {self._name}")

    def open_pairing(self, floor: int | None = None, relayed: bool = False) -> None:
        """Accept the device's next request for a key, with suite `floor` or a better one (None: as the settings say)."""
        self._post(lambda now: self.connection.open_pairing(now, floor, relayed))

    def cancel_pairing(self) -> None:
        """End a running negotiation."""
        self._post(self.connection.cancel_pairing)

    async def end_pairing(self) -> None:
        """End a running negotiation, and return when its listeners have heard of that; raises `StoppedError`."""

        def cancel(now: float) -> int:
            self.connection.cancel_pairing(now)
            return 0

        await self._ask(cancel)

    def answer(self, verdict: Verdict) -> None:
        """Hand on what the user said about the code."""
        self._post(lambda now: self.connection.answer(verdict, now))

    def beacon_seen(self, state: int) -> None:
        """Hand on the state in a beacon; the same one again only after a contact."""
        if state == self._beacon_state:
            return
        self._beacon_state = state
        if self.contact.error is not None and self.contact.error.kind is LinkErrorKind.NOT_FOUND:
            self.contact.back_off.hurry()
        self._post(lambda now: self.connection.beacon_seen(state, now))

    def returned(self) -> None:
        """The device is heard after a silence: its beacon is news, also if it says what it said last."""
        self._beacon_state = None

    def listed(self, state: int) -> None:
        """Hand on the state that a relay tells of the device: it tells it again when that is news."""
        self._beacon_state = None
        self.beacon_seen(state)

    def configure(self, settings: Settings) -> None:
        """Obey other settings from now on."""
        self._post(lambda _now: self.connection.configure(settings))

    def wake(self) -> None:
        """Look again whether a link is wanted, or has to end."""
        self._post(_look)

    def moved(self) -> None:
        """The device has another address: an attempt to reach it at the old one is in vain."""
        self._post(lambda _now: self._on_moved())

    def cut_paths(self) -> None:
        """No path can run over this device now."""
        self.paths.cut()
        self._post(lambda _now: self.connection.withdraw_paths())

    def random_packet(self, scanner: str, sid: int, seq: int, value: bytes) -> None:
        """Hand on one packet of the broadcast as one scanner heard it."""
        if self._inbox.idle:
            self._take(scanner, sid, seq, value)
        elif self.connection.collecting and len(self._inbox) < INBOX_MAX:
            self._post(partial(self.connection.random_packet, scanner, sid, seq, value))

    async def send(self, message_type: int, body: bytes) -> int:
        """Queue a message and return its handle, when it is on disk; raises `LocalError`."""
        return await self._ask(lambda now: self.connection.send(message_type, body, now))

    async def _carry(self, message_type: int, body: bytes) -> int:
        """Queue a part of a path; raises `LocalError`."""
        return await self._ask(lambda now: self.connection.carry(message_type, body, now))

    async def dismiss(self) -> int:
        """Let the device forget this hub; return the handle of the message that says so. Raises `LocalError`."""
        return await self._ask(self.connection.dismiss)

    async def _ask(self, given: Callable[[float], int]) -> int:
        """Feed an input that has an answer, and return that."""
        if self._ended:
            raise StoppedError(ENDED)
        return await self._asking.ask(lambda answer: self._post(partial(self._asking.take, answer, given)))

    def tell(self, given: Callable[[Connection, float], object]) -> None:
        """Feed an input that has no answer; what the connection refuses is only logged."""
        self._post(lambda now: self._on_told(given, now))

    def rotate(self) -> None:
        """Change the keys at the next opportunity; raises `StoppedError`."""
        if self._ended:
            raise StoppedError(ENDED)
        self._post(self.connection.rotate)

    async def stop(self) -> None:
        """Stop the protocol, disconnect and end; nothing is written or sent after it returns."""
        if self._task is None:
            return
        self._post(self._on_stop)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.wait({self._task})
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    def _take(self, scanner: str, sid: int, seq: int, value: bytes) -> None:
        """Feed a random packet while nothing is under way; the pump is woken only if there is something for it to do."""
        try:
            self.connection.random_packet(scanner, sid, seq, value, self._clock())
            deadline = self.connection.next_deadline
            if self.connection.has_events or (deadline is not None and not self._inbox.rings_by(deadline + LATENESS)):
                self._post(_look)
        except Exception as error:  # noqa: BLE001  # the pump meets it, reports it and ends
            self._post(partial(_raise, error))

    def _on_stop(self, now: float) -> None:
        self._ended = True
        self.connection.stop(now)

    def _on_told(self, given: Callable[[Connection, float], object], now: float) -> None:
        given(self.connection, now)

    @override
    def on_link_opened(self, payload: int) -> None:
        self._post(lambda now: self._on_opened(payload, now))

    @override
    def on_link_failed(self) -> None:
        self.cut_paths()  # and the loop looks at the back-off

    @override
    def on_fragment(self, fragment: bytes) -> None:
        self._post(lambda now: self._on_received(fragment, now))

    @override
    def on_link_lost(self) -> None:
        self._post(lambda _now: self._give_up_link())

    def _on_opened(self, payload: int, now: float) -> None:
        if self.contact.is_open:
            self._link_open, self.proved = True, False
            self.connection.link_opened(payload, now, self.relayed)

    def _on_received(self, fragment: bytes, now: float) -> None:
        if self._link_open:
            self.connection.receive(fragment, now)

    def _on_moved(self) -> None:
        if not self._link_open:
            self.contact.back_off.hurry()
            self._give_up_link()

    def _give_up_link(self) -> None:
        self._link_unneeded = True

    # --- the loop

    async def _run(self) -> None:
        try:
            while not self._ended:
                wanted = self._wants_link
                if wanted:
                    self.contact.want(self._clock())
                given = await self._inbox.get(earliest(self.connection.next_deadline, self.contact.next_deadline(wanted)))
                self._feed(given or self._on_timer)
                await self._release()
                if self._asking.answered and not self._ended:  # the end refuses all who wait
                    await self._asking.give()
        except Exception:
            _LOGGER.exception("%s: unexpected error, the connection has to be built anew", self._name)
            self.on_event(StoreFailed())
        finally:
            self._ended = True
            self._inbox.close()
            self._asking.refuse()
            await self.paths.stop()
            await self.contact.end()

    @property
    def _wants_link(self) -> bool:
        """Whether a link is to be opened, or has something to do; one that is kept is opened only where it needs no resume."""
        paired = self.connection
        kept = self.contact.opens_to_stay and paired.epoch is not None and not paired.pairing
        return paired.wants_link or kept

    def _feed(self, given: _Input) -> None:
        try:
            given(self._clock())
        except LocalError as error:  # the state has moved on since the user asked, say by a timer
            _LOGGER.debug("%s: %s", self._name, error)

    def _on_timer(self, now: float) -> None:
        deadline = self.connection.next_deadline
        if deadline is not None and deadline <= now:
            self.connection.timer(now)
        if self.contact.is_idle(self.connection.wants_link, now):
            self.contact.back_off.failed(now)
            self._give_up_link()

    async def _release(self) -> None:
        """Do what came out, in order; the connection hears of a link that ended on the way after that."""
        await self._do_events()
        if self._link_unneeded:
            self._link_unneeded = False
            await self._end_link()
            await self._do_events()

    async def _end_link(self) -> None:
        self._beacon_state = None
        self.paths.cut()
        await self.contact.end()
        if self._link_open:
            self._link_open = False
            if self.connection.answered:  # then it has hung up to make room for another hub: that is no failure
                self.contact.back_off.succeeded()
                self.contact.back_off.failed(self._clock())
            self.connection.link_closed(self._clock())

    async def _do_events(self) -> None:
        while events := self.connection.events():
            for event in events:
                await self._do(event)

    async def _do(self, event: Event) -> None:
        match event:
            case Persist():
                await self._persist(event.snapshot)
            case Transmit():
                await self._transmit(event.fragment)
            case LinkUnneeded():
                self._give_up_link()
            case _:
                self._report(event)

    async def _transmit(self, fragment: bytes) -> None:
        if not await self.contact.write(fragment):
            self._give_up_link()

    async def _persist(self, snapshot: Mapping[str, Any]) -> None:
        """Make `snapshot` durable; only then does the connection hand out what depends on it."""
        try:
            await self.save(snapshot)
        except StorageError as error:
            _LOGGER.error("%s: %s", self._name, error)  # noqa: TRY400  # the cause is logged where it is known
            self.connection.persist_failed(self._clock())
        else:
            self.connection.persisted(self._clock())

    def _report(self, event: Event) -> None:
        if isinstance(event, FrameDropped):
            _LOGGER.debug("%s: frame of type %#04x dropped: %s", self._name, event.frame_type, event.reason)
        if isinstance(event, _WORTHWHILE):
            self.contact.back_off.succeeded()
            self.proved = True
        self._ended = self._ended or isinstance(event, StoreFailed)
        if isinstance(event, MessageReceived) and event.type in CARRIED:
            self.paths.receive(event.type, event.body)
        else:
            self.on_event(event)


def _look(_now: float) -> None:
    """Wake the loop, which looks at what came out, at the timers and at the back-off."""


def _raise(error: Exception, _now: float) -> None:
    raise error
