"""One attempt to pair with one device, between the config flow and the device's client."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError

from . import radio
from .const import DOMAIN
from .hub import HUB, Handover
from .messages import decode_info
from .pairing_errors import AlreadyPairedError, PairingError, UnreachableError
from .protocol.connection import Connection
from .protocol.errors import Cause, SnapshotError, StoppedError
from .protocol.events import (
    CodeReady,
    Event,
    MessageReceived,
    MessageType,
    PairingCompleted,
    PairingFailed,
    PairingProgressed,
    StoreFailed,
    Verdict,
)
from .protocol.limits import FAREWELL
from .reach import Reach
from .store import async_erase, device_store, saver
from .transport.beacon import SHORT_ID_SIZE, Beacon
from .transport.client import Client, StorageError
from .transport.link import LinkErrorKind

if TYPE_CHECKING:
    from .coordinator import SelfSecureConfigEntry, SelfSecureCoordinator

ANSWER_SECONDS: Final = 20.0  # from the user's answer to the key on disk: a slow card, not a slow radio
INTRODUCTION_SECONDS: Final = 10.0  # for one connection; without it the entities would be called after the short id
FAREWELL_STEP: Final = 0.2  # s between looks whether the device has been told


class PairingAttempt:
    """Drives a client until it is paired, has failed, or is closed.

    A device whose entry is loaded is paired again over the client that it has; its old key stays in force meanwhile.

    Args:
        hass: Home Assistant.
        address: of the device's beacon.
        short_id: in that beacon; the identity has to begin with it.
        name: for the log.
        progressed: called when `progress` has changed.
        entry: of a device that is paired again.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # what is known of a device, and who wants to know more
        self,
        hass: HomeAssistant,
        address: str,
        short_id: bytes,
        name: str,
        progressed: Callable[[], None],
        entry: SelfSecureConfigEntry | None = None,
    ) -> None:
        self.progress: PairingProgressed | None = None
        self.code: str | None = None
        self.floor: int | None = None  # weakest suite that the user accepts of this device; None: as for all
        self.relayed = False  # the user has accepted that a relay is in between (protocol.md 10)
        self._hass = hass
        self._hub = hass.data[HUB]
        self._address, self._short_id, self._name, self._entry = address, short_id, name, entry
        self._progressed = progressed
        self._comparable: asyncio.Future[None] = hass.loop.create_future()
        self._completed: asyncio.Future[PairingCompleted] = hass.loop.create_future()
        self._introduced: asyncio.Future[dict[str, str]] = hass.loop.create_future()
        self._backlog: list[Event] = []
        self._occupied: str | None = None  # identity of a device whose entry has to wait for us
        self._stored: str | None = None  # identity whose key is on disk, and has no entry yet
        self._stop_listening: CALLBACK_TYPE | None = None
        self._client: Client | None = None
        self._reach: Reach | None = None  # of a client of our own
        self._owner: SelfSecureCoordinator | None = None  # whose client it is, if it is not ours
        for future in (self._comparable, self._completed):
            future.add_done_callback(lambda done: done.cancelled() or done.exception())  # nobody may wait for it

    async def start(self) -> None:
        """Open the pairing window and begin to connect; an attempt with the same device that is not over ends now.

        Raises `PairingError` if that makes no sense.
        """
        while before := self._hub.attempts.get(self._short_id):
            await before.stop()
        self._hub.attempts[self._short_id] = self
        client = await self._find_client()
        if not client.contact.is_open:
            self._check_path()
        client.open_pairing(self.floor, self.relayed)

    async def _find_client(self) -> Client:
        """Return the client of a loaded entry, else one of our own; as long as that runs, the entry is not set up."""
        if self._entry is None:
            return await self._own_client()
        async with self._entry.setup_lock:  # it may be on its way to being loaded
            if self._entry.state is ConfigEntryState.LOADED:
                return self._borrow(self._entry.runtime_data)
            self._occupied = self._entry.unique_id
            return await self._own_client()

    def occupies(self, identity: str) -> bool:
        """Whether this attempt has the only client that there may be of the device with that identity."""
        return self._occupied == identity

    def _check_path(self) -> None:
        relays = self._hub.relays.hearing(self._short_id)
        if self.relayed and not any(relay.is_direct() for relay, _ in relays) and not radio.can_connect(self._hass, self._address):
            raise UnreachableError("relay_gone")
        if self.relayed:
            return
        if not radio.has_adapter(self._hass):
            raise UnreachableError("no_adapter")
        if radio.can_connect(self._hass, self._address):
            return
        if not radio.is_present(self._hass, self._address):
            if relays:
                raise UnreachableError("only_relay")
            raise UnreachableError("not_heard")
        raise UnreachableError("not_connectable", radio.why_unreachable(self._hass, self._address))

    def _borrow(self, owner: SelfSecureCoordinator) -> Client:
        """Return the client of a loaded entry, and hear what happens to it; one that a failed write has ended hears nothing."""
        if owner.client.ended:
            raise PairingError(Cause.NOT_STORED, suspicious=False)
        self._client, self._owner = owner.client, owner
        owner.protocol_listeners.add(self._on_event)
        self._stop_listening = lambda: owner.protocol_listeners.discard(self._on_event)
        return owner.client

    async def _own_client(self) -> Client:
        reach = self._reach = Reach(self._hass, self._short_id, lambda: self._address, self._name)
        client = self._client = Client(await self._connection(), reach.new_link, self._save, self._on_event, self._name)
        reach.serve(client)
        if self._address:
            self._stop_listening = radio.async_listen(self._hass, self._address, client, self._on_beacon)
        client.start()
        return client

    async def _connection(self) -> Connection:
        """Return the protocol state of the device: beside a key that can still be used, else from nothing."""
        if self._entry is None:
            return self._hub.connection(None)
        try:
            return self._hub.connection(await device_store(self._hass, self._entry.unique_id or "").async_load())
        except SnapshotError:
            return self._hub.connection(None)
        except HomeAssistantError as error:
            raise PairingError(Cause.NOT_STORED, suspicious=False) from error

    async def comparable(self) -> None:
        """Wait until there is a code to compare, or the suite needs none; raises `PairingError`."""
        await _outcome(self._comparable)

    async def answer(self, verdict: Verdict) -> None:
        """Hand on the user's verdict and wait for what comes of it, which `completed` tells."""
        if self._client is not None:
            self._client.answer(verdict)
        _, pending = await asyncio.wait({self._completed}, timeout=ANSWER_SECONDS)
        if pending:
            self._fail(PairingError(Cause.NOT_STORED, suspicious=False))

    async def completed(self) -> PairingCompleted:
        """Wait until the key is stored; raises `PairingError`."""
        return await _outcome(self._completed)

    async def name(self) -> str | None:
        """Return how the device calls itself; it says so as soon as it has heard that the user is content."""
        try:
            async with asyncio.timeout(INTRODUCTION_SECONDS):
                return (await _outcome(self._introduced)).get("name")
        except TimeoutError:
            return None

    @callback
    def hand_over(self, identity: str) -> bool:
        """Leave the running client to the entry that is about to be set up; False if it is the entry's own."""
        self._forget()
        ours = self._client is not None and self._owner is None
        if self._client is not None and ours:
            self._hub.handovers[identity] = Handover(self._client, self._backlog, self._reach.relay if self._reach else None)
            self._client.on_event = self._backlog.append
            self._client.save = saver(self._hass, identity)
        self._client = self._stored = None
        return ours

    async def close(self) -> None:
        """End the attempt; the device is told if it can be reached soon."""
        client = self._client
        if client is None:
            self._forget()
            return
        client.cancel_pairing()
        end = self._hass.loop.time() + FAREWELL
        await asyncio.sleep(FAREWELL_STEP)
        while client.connection.wants_link and self._hass.loop.time() < end:  # noqa: ASYNC110  # the protocol has no callback for it
            await asyncio.sleep(FAREWELL_STEP)
        await self.stop()

    async def stop(self) -> None:
        """End the attempt at once; a key that has an entry stays, and one that Home Assistant goes on with after a restart."""
        client, self._client = self._client, None
        stored, self._stored = self._stored, None
        if client is not None and self._owner is None:
            await client.stop()
        elif client is not None:
            with suppress(StoppedError):
                await client.end_pairing()
        self._forget()
        if stored is not None and not self._hass.is_stopping:
            with suppress(StorageError):  # then it is found to be gone, or damaged, when it is looked for
                await async_erase(self._hass, stored)
                await self._hub.async_forget(stored)
        self._fail(PairingError(Cause.CANCELLED, suspicious=False))  # who still waits hears nothing else any more

    def _forget(self) -> None:
        self._occupied = None
        if self._hub.attempts.get(self._short_id) is self:
            del self._hub.attempts[self._short_id]
        if self._stop_listening is not None:
            self._stop_listening()
            self._stop_listening = None

    async def _save(self, snapshot: Mapping[str, Any]) -> None:
        """Store a snapshot of a device without a loaded entry; never over the keys of another entry."""
        identity = self._client.connection.identity if self._client else None
        if identity is None or self._refusal(identity):
            raise StorageError("the key of this attempt is not wanted")
        if self._entry is None:
            await self._hub.async_note(identity.hex())
            self._stored = identity.hex()
        await saver(self._hass, identity.hex())(snapshot)

    def _refusal(self, identity: bytes) -> PairingError | None:
        entry = self._hass.config_entries.async_entry_for_domain_unique_id(DOMAIN, identity.hex())
        if self._entry is None and entry is not None:
            return AlreadyPairedError(Cause.WRONG_DEVICE, suspicious=False)
        if identity[:SHORT_ID_SIZE] != self._short_id or entry is not self._entry:
            return PairingError(Cause.WRONG_DEVICE, suspicious=True)
        return None

    @callback
    def _on_beacon(self, beacon: Beacon, address: str) -> None:  # noqa: ARG002  # there is only one
        if self._client is not None:
            self._client.beacon_seen(beacon.state)

    @callback
    def _on_event(self, event: Event) -> None:
        match event:
            case PairingProgressed():
                self.progress = event
                self._progressed()
            case CodeReady():
                self._on_code(event)
            case PairingCompleted():
                _resolve(self._completed, event)
                _resolve(self._comparable, None)
            case PairingFailed():
                self._fail(PairingError(event.cause, event.suspicious, self._link_error))
            case StoreFailed():
                self._fail(PairingError(Cause.NOT_STORED, suspicious=False))
            case MessageReceived(type=MessageType.INFO):
                self._backlog.append(event)
                _resolve(self._introduced, decode_info(event.body))
            case _:
                self._backlog.append(event)

    @property
    def _link_error(self) -> LinkErrorKind | None:
        error = self._client.contact.error if self._client else None
        return error.kind if error else None

    def _on_code(self, event: CodeReady) -> None:
        if refusal := self._refusal(event.identity):
            self._fail(refusal)
        else:
            self.code = event.code
            _resolve(self._comparable, None)

    def _fail(self, error: PairingError) -> None:
        for future in (self._comparable, self._completed):
            if not future.done():
                future.set_exception(error)


async def _outcome[T](future: asyncio.Future[T]) -> T:
    """Wait for a future that stays usable when the one who waits is cancelled; `shield` would log its exception then."""
    await asyncio.wait({future})
    return future.result()


def _resolve[T](future: asyncio.Future[T], result: T) -> None:
    if not future.done():
        future.set_result(result)
