"""The device program: core, profile, storage and radio together, without a terminal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
import hashlib
import os
from pathlib import Path
import time
from typing import Any

from self_secure_device import keyring, profiles, session
from self_secure_device.device import Device
from self_secure_device.errors import DeviceError
from self_secure_device.relay.relay import Relay
from self_secure_device.request import Parameters
from self_secure_device.suites import HYBRID_ID, LOSS_ID

from . import sensors
from .radio import Radio, RadioError
from .storage import FileStore

IDENTITY_BYTES = 16
RECONNECT_DELAY = 1.0  # s between two tries to open the transport
RELAY_SUFFIX = ".relay"  # of the file beside the state that keeps a relay's keys with the devices it carries for
MAX_RECONNECTS = 20  # tries in a row: a radio that is away longer needs a person


@dataclass(slots=True)
class Settings:
    """How one device runs. ``transport`` is any Bumble transport name; ``readings`` is in seconds."""

    transport: str
    profile: str = "thermometer"
    name: str | None = None
    state: Path | None = None
    readings: float = 60.0
    address: str | None = None
    identity: bytes | None = None
    seed: int | None = None
    suites: tuple[int, ...] = (HYBRID_ID,)
    interval: int = 30
    relay: bool = False


def static_address(identity: bytes) -> str:
    """Return a static random address that goes with the identity, so that it survives a restart."""
    digest = bytearray(hashlib.sha256(b"address" + identity).digest()[:6])
    digest[0] |= 0xC0  # the two top bits mark a static random address
    return ":".join(f"{byte:02X}" for byte in digest)


def milliseconds() -> int:
    """Return a clock that never wraps and never goes back."""
    return time.monotonic_ns() // 1_000_000


class Program:
    """One device. ``on_event(kind, value)`` hears the core's events and the radio's "ready", "connected", "disconnected".

    ``start`` returns when the radio task runs; it needs nothing else. ``wait`` returns at the end: RadioError when the
    transport stayed away, StorageError from the constructor when the stored state is damaged.
    """

    def __init__(self, settings: Settings, on_event: Callable[[str, object], None] = lambda _kind, _value: None) -> None:
        self._settings = settings
        self._on_event = on_event
        self._store = FileStore(settings.state)
        self.profile = sensors.build(settings.profile, settings.seed)
        stored = self._store.load()
        identity = settings.identity or os.urandom(IDENTITY_BYTES)
        if stored is not None:
            identity = keyring.decode(stored)[0]
        name = settings.name or f"{self.profile.model} {identity[:2].hex().upper()}"
        parameters = Parameters(settings.suites, interval=settings.interval)
        self.core = Device(self, identity, stored, parameters, name, profiles.info(name, self.profile))
        self.relay = self._build_relay() if settings.relay else None
        self.address = settings.address or static_address(self.core.identity)
        self._radio = Radio(self.core, self.address, milliseconds, self._told)
        self._tasks: list[asyncio.Task[None]] = []
        self._stopping = False

    def _build_relay(self) -> Any:
        """Return the relay in this device; its keys have a file of their own."""
        state = self._settings.state
        store = FileStore(None if state is None else state.with_name(state.name + RELAY_SUFFIX))
        return Relay(self.core, store.load(), store.save, weak=LOSS_ID in self._settings.suites)

    # --- the core's port ---------------------------------------------------------------------------------------

    def urandom(self, count: int) -> bytes:
        """Return fresh random bytes."""
        return os.urandom(count)

    def save(self, data: bytes) -> None:
        """Write the snapshot durably before returning."""
        self._store.save(data)

    def event(self, kind: str, value: object) -> None:
        """Hear the core; what that leads to happens after the core has finished."""
        if kind == "text" and isinstance(self.profile, profiles.Display):
            self.profile.show(value)
        if kind in ("paired", "resumed"):
            asyncio.get_running_loop().call_soon(self.measure)
        self._on_event(kind, value)

    def _told(self, kind: str) -> None:
        self._on_event(kind, None)

    # --- life --------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to advertise and to measure."""
        self._tasks = [asyncio.create_task(self._keep_radio()), asyncio.create_task(self._keep_measuring())]

    async def wait(self) -> None:
        """Wait for the end; RadioError when the transport stayed away."""
        await self._tasks[0]

    async def stop(self) -> None:
        """Hang up and end."""
        self._stopping = True
        self._radio.close()
        self._tasks[1].cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_radio(self) -> None:
        """Serve; when the transport dies, open it again. What is in memory survives that."""
        failures = 0
        while not self._stopping:
            started = milliseconds()
            try:
                await self._radio.run(self._settings.transport)
            except RadioError as error:
                failures = failures + 1 if milliseconds() - started < 10 * RECONNECT_DELAY * 1000 else 1
                self._on_event("error", str(error))
                if failures > MAX_RECONNECTS:
                    raise
                await asyncio.sleep(RECONNECT_DELAY)

    async def _keep_measuring(self) -> None:
        while True:
            await asyncio.sleep(self._settings.readings)
            self.measure()

    # --- what a person or a sensor does ------------------------------------------------------------------------

    def measure(self) -> None:
        """Queue the present readings, unless nobody is there to have them."""
        if self.core.peer is not None:
            try:
                self.send(session.READINGS, self.profile.readings())
            except DeviceError as error:
                self._on_event("error", str(error))

    def send(self, kind: int, body: bytes) -> None:
        """Queue one message; DeviceError when unpaired, too long, or the queue is full."""
        self.core.send(kind, body, milliseconds())
        self._radio.wake()

    def say(self, text: str) -> None:
        """Queue a TEXT."""
        self.send(session.TEXT, text.encode())

    def press(self) -> None:
        """Queue the event of one button press; DeviceError when this profile has no button."""
        self.send(session.EVENT, self._door().press())

    def set_open(self, is_open: bool) -> None:
        """Move the door and queue the reading; DeviceError when this profile has no door."""
        self._door().is_open = is_open
        self.send(session.READINGS, self.profile.readings())

    def _door(self) -> Any:
        if not isinstance(self.profile, profiles.Door):
            raise DeviceError("this profile has no door and no button")
        return self.profile

    def pair(self) -> None:
        """Take the local action that starts a new pairing; DeviceError when too many wait for an answer."""
        self.core.pair(milliseconds())
        self._radio.wake()

    async def reset(self) -> None:
        """Erase every key, a relay's too, and hang up."""
        if self.relay is not None:
            self.relay.forget()
        self.core.reset()
        await self._radio.hang_up()
        self._radio.wake()
