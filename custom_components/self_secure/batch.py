"""Several devices paired at once: at most eight broadcasts at a time, one code after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
import logging
from typing import TYPE_CHECKING, Final

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError

from . import radio, reach
from .const import DOMAIN
from .hub import HUB
from .pairing import PairingAttempt
from .pairing_errors import AlreadyPairedError, PairingError, UnexpectedError
from .protocol.errors import Cause, SnapshotError
from .protocol.events import Verdict
from .store import device_store

if TYPE_CHECKING:
    from .coordinator import SelfSecureConfigEntry
    from .protocol.events import PairingProgressed

_LOGGER = logging.getLogger(__name__)

PARALLEL_MAX: Final = 8  # protocol.md 9
UNHEARD: Final = frozenset({"not_connectable", "not_heard", "timeout"})  # reasons behind which there may be another address
BUSY_TRIES: Final = 3  # a device that is told three times that another one's code waits is left to the user
BUSY_STEP: Final = 0.5  # s between looks whether that code has been answered


@dataclass(eq=False, slots=True)
class Candidate:
    """One device to pair, and what has become of it."""

    address: str  # empty as long as only relays hear it
    short_id: bytes
    name: str
    floor: int | None = None  # weakest suite that the user accepts; None: as for all
    entry: SelfSecureConfigEntry | None = None  # if it is paired again
    relayed: bool = False  # the user has accepted that it is paired through a relay
    moved: bool = False  # the address is another one than was known
    attempt: PairingAttempt | None = field(default=None, repr=False)
    failure: PairingError | None = None
    identity: str | None = None  # once its key is stored
    verified: bool = False  # whether a person has compared the codes
    ended: asyncio.Task[None] | None = field(default=None, repr=False)

    def look(self, hass: HomeAssistant) -> None:
        """Find the address at which the device is heard now; the client of a loaded entry follows to where the device proves itself."""
        heard = self.heard_elsewhere(hass)
        self.moved = heard is not None and self.address != ""
        self.address = heard or self.address
        self.relayed &= not radio.heard_lately(hass, self.address, reach.NEAR_SECONDS)
        if self.entry is not None and self.entry.state is ConfigEntryState.LOADED:
            self.entry.runtime_data.async_address_seen(self.address)

    def heard_elsewhere(self, hass: HomeAssistant) -> str | None:
        """Return the address at which the device is heard, if that is another one than is known."""
        heard = radio.heard_address(hass, self.short_id, self.address)
        return None if heard == self.address else heard

    def reason(self, hass: HomeAssistant) -> str:
        """Return the key of the text about its failure: what the air says now may explain more than the attempt could know."""
        if self.failure is None:
            raise ValueError("it has not failed")
        if self.failure.reason in UNHEARD and self.heard_elsewhere(hass):
            return "address_changed"
        if self.failure.reason in UNHEARD and not self.relayed and self.relay(hass):
            return "only_relay"
        if self.failure.reason == Cause.NO_REQUEST.value and self.entry is None and radio.is_taken(hass, self.address):
            return "paired_meanwhile"
        return self.failure.reason

    def relay(self, hass: HomeAssistant) -> str:
        """Return the name of the relay that hears it best; empty if none does."""
        return next((relay.name() for relay, _ in hass.data[HUB].relays.hearing(self.short_id)), "") if HUB in hass.data else ""

    def hand_over(self) -> bool:
        """Leave the running client to the entry; False if that has had it all the time, or there is none."""
        attempt, self.attempt = self.attempt, None
        return attempt is not None and self.identity is not None and attempt.hand_over(self.identity)

    @property
    def progress(self) -> PairingProgressed | None:
        """How far its broadcast has been collected."""
        return self.attempt.progress if self.attempt else None


class Batch:
    """Pairs its candidates; the protocol allows one code per hub to wait for the user (protocol.md 5 rule 8).

    Args:
        hass: Home Assistant.
        progressed: called when the progress of a candidate has changed.
        completed: awaited with each candidate whose key is stored, before it counts as ended; may raise `PairingError`.
    """

    def __init__(self, hass: HomeAssistant, progressed: Callable[[], None], completed: Callable[[Candidate], Awaitable[None]]) -> None:
        self.candidates: list[Candidate] = []
        self.left_out: list[Candidate] = []
        self._hass = hass
        self._progressed, self._completed = progressed, completed
        self._places = asyncio.Semaphore(PARALLEL_MAX)
        self._turn = asyncio.Lock()  # of those who were told that another one's code waits
        self._comparing: list[Candidate] = []
        self._news = asyncio.Event()

    def start(self, candidate: Candidate) -> None:
        """Begin to pair one device, again if it has failed, where it is heard now."""
        candidate.failure = candidate.attempt = None
        candidate.look(self._hass)
        if candidate not in self.candidates:
            self.candidates.append(candidate)
        candidate.ended = self._hass.async_create_background_task(self._pair(candidate), f"{DOMAIN} pairing {candidate.name}")

    def leave_out(self, candidate: Candidate) -> None:
        """The user does not want this one any more."""
        self.candidates.remove(candidate)
        self.left_out.append(candidate)

    @property
    def comparing(self) -> Candidate | None:
        """The device whose code the user has to compare now."""
        return next(iter(self._comparing), None)

    @property
    def failed(self) -> Candidate | None:
        """A device that could not be paired."""
        return next((one for one in self.candidates if one.failure is not None), None)

    @property
    def running(self) -> list[Candidate]:
        """Who has not ended yet."""
        return [one for one in self.candidates if one.ended is not None and not one.ended.done()]

    async def wait(self) -> None:
        """Wait until there is a code to compare, or all have ended."""
        while self.comparing is None and self.running:
            self._news.clear()
            news = asyncio.ensure_future(self._news.wait())
            try:
                await asyncio.wait({news, *(one.ended for one in self.running if one.ended)}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                news.cancel()

    async def answer(self, verdict: Verdict) -> None:
        """Hand on what the user said about the code of `comparing`; returns when that device has ended."""
        candidate = self.comparing
        if candidate is None or candidate.attempt is None or candidate.ended is None:
            return
        await candidate.attempt.answer(verdict)
        await asyncio.wait({candidate.ended})

    async def close(self) -> None:
        """End everything; keys that are stored and have no entry go."""
        attempts = [one.attempt for one in self.candidates if one.attempt is not None]
        for one in self.candidates:
            if one.ended is not None:
                one.ended.cancel()
        await asyncio.gather(*(attempt.close() for attempt in attempts))

    # --- one device

    async def _pair(self, candidate: Candidate) -> None:
        try:
            async with self._places:
                candidate.identity = await self._stored_key(candidate)
                if candidate.identity is None:
                    await self._negotiate(candidate)
            await self._completed(candidate)
        except PairingError as error:
            self._fail(candidate, error)
        except Exception:
            _LOGGER.exception("%s: unexpected error while it was being paired", candidate.name)
            self._fail(candidate, UnexpectedError())

    def _fail(self, candidate: Candidate, error: PairingError) -> None:
        candidate.failure, candidate.identity = error, None
        if candidate.attempt is not None:  # which tells the device; the user need not wait for that
            self._hass.async_create_background_task(candidate.attempt.close(), f"{DOMAIN} end of pairing {candidate.name}")

    async def _stored_key(self, candidate: Candidate) -> str | None:
        """Return the identity of a device whose pairing only lacks its entry: its client goes on with what is on disk.

        Raises `AlreadyPairedError` for a device that has got an entry while the dialog was open.
        """
        if candidate.entry is not None:
            return None
        entries = self._hass.config_entries.async_entries(DOMAIN, include_ignore=False)
        if any((entry.unique_id or "").startswith(candidate.short_id.hex()) for entry in entries):
            raise AlreadyPairedError(Cause.WRONG_DEVICE, suspicious=False)
        hub = self._hass.data[HUB]
        identity = hub.unfinished_key(candidate.short_id)
        if identity is None:
            return None
        try:
            record = hub.connection(await device_store(self._hass, identity).async_load()).record
        except HomeAssistantError, SnapshotError:
            return None
        if record is None:
            return None
        candidate.verified = record.verified
        if other := hub.attempts.get(candidate.short_id):  # of a dialog that nobody has ended: a device has one client
            other.hand_over(identity)
        return identity

    async def _negotiate(self, candidate: Candidate) -> None:
        try:
            await self._once(candidate)
        except PairingError as error:
            if error.cause is not Cause.BUSY:
                raise
            await self._again(candidate)

    async def _again(self, candidate: Candidate) -> None:
        """Another one's code waited: try again when it is answered, one device after the other."""
        async with self._turn:
            for tries_left in reversed(range(BUSY_TRIES)):
                if candidate.attempt is not None:
                    await candidate.attempt.close()
                await self._until_free()
                try:
                    await self._once(candidate)
                except PairingError as error:
                    if error.cause is not Cause.BUSY or tries_left == 0:
                        raise
                else:
                    return

    async def _until_free(self) -> None:
        while not self._hass.data[HUB].human_check.is_free:  # noqa: ASYNC110  # the protocol has no callback for it
            await asyncio.sleep(BUSY_STEP)

    async def _once(self, candidate: Candidate) -> None:
        attempt = candidate.attempt = PairingAttempt(
            self._hass, candidate.address, candidate.short_id, candidate.name, self._progressed, candidate.entry
        )
        attempt.floor, attempt.relayed = candidate.floor, candidate.relayed
        await attempt.start()
        await attempt.comparable()
        if attempt.code is not None:
            self._comparing.append(candidate)
            self._news.set()
        try:
            completed = await attempt.completed()
            candidate.identity, candidate.verified = completed.identity.hex(), completed.record.verified
        finally:
            if candidate in self._comparing:
                self._comparing.remove(candidate)
        candidate.name = await attempt.name() or candidate.name
