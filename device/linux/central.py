"""The central half of a relay's radio: hears the neighbours, connects to those that the relay wants (protocol.md 10)."""

import asyncio
from collections.abc import Callable
import contextlib
import logging
from typing import Any

from bumble import hci
from bumble.device import Advertisement, Connection

from self_secure_device.relay.limits import MAX_LINKS

from .adapter import Adapter
from .far import ERRORS, Far

CONNECT_TIME = 2.0  # s for one attempt, which begins with a packet of the device: its beacon comes five times a second
ATTEMPT_STEP = 0.1  # s between two looks at an attempt; Bumble ignores a cancel that comes before its command
SCAN_DELAY = 0.5  # s before an adapter that refused to scan is asked again

_LOGGER = logging.getLogger(__name__)


class Central:
    """What the relay's core asks of a radio. ``relay`` is that core, ``clock()`` is in ms, ``wake()`` lets the pump look again."""

    def __init__(self, relay: Any, clock: Callable[[], int], wake: Callable[[], None]) -> None:
        self._relay = relay
        self._clock = clock
        self._wake = wake
        self._adapter: Adapter
        self._fars: dict[str, Far] = {}  # by address
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._connecting = False
        self._closing = False

    @property
    def deadline(self) -> int | None:
        """When ``tend`` has to be called at the latest, in ms."""
        deadline: int | None = self._relay.deadline
        return deadline

    # --- life --------------------------------------------------------------------------------------------------

    async def start(self, adapter: Adapter) -> None:
        """Take a running adapter and begin to scan."""
        self._adapter, self._closing = adapter, False
        adapter.on(Adapter.EVENT_ADVERTISEMENT, self._heard)
        await self._scan()

    async def close(self) -> None:
        """Hang up everywhere and stop scanning."""
        self._closing = True
        self._wake_all()
        await asyncio.gather(*self._tasks.values())
        await self._adapter.stop_scanning()

    async def lost(self) -> None:
        """The adapter is gone, and with it every connection; does nothing after ``close``."""
        self._closing = True
        for far in self._fars.values():
            far.lost()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()  # of those that had not begun
        self._connecting = False

    def tend(self) -> None:
        """Let the relay do what is due."""
        self._relay.poll(self._clock())
        self._wake_all()

    @property
    def _wanted(self) -> list[str]:
        return [] if self._closing else self._relay.wanted

    def _wake_all(self) -> None:
        for far in self._fars.values():
            far.wake.set()

    # --- one link ----------------------------------------------------------------------------------------------

    async def _keep(self, address: str) -> None:
        """Connect with one device and stay so as long as the relay wants it."""
        linked = False
        try:
            far = self._fars[address] = Far(await self._connect(hci.Address(address), address))
            await far.set_up()
            linked = True
            self._relay.linked(address, far.mtu, self._clock())
            far.listen(lambda value: self._received(address, value))
            self._wake()
            await self._write(address, far)
        except ERRORS as error:
            _LOGGER.debug("%s: %s", address, error)
        finally:
            await self._end(address, linked)

    async def _write(self, address: str, far: Far) -> None:
        while not far.gone and address in self._wanted:
            fragment = self._relay.next_fragment(address)
            if fragment is None:
                await far.wake.wait()
            else:
                await far.write(fragment)

    async def _end(self, address: str, linked: bool) -> None:
        try:
            if address in self._fars:
                await self._fars.pop(address).hang_up()
        finally:
            del self._tasks[address]
            (self._relay.unlinked if linked else self._relay.unreachable)(address, self._clock())
            self._wake()

    # --- the adapter -------------------------------------------------------------------------------------------

    async def _connect(self, peer: hci.Address, address: str) -> Connection:
        """Make one attempt. The adapter does not scan meanwhile: many cannot do both."""
        try:
            await self._adapter.stop_scanning()
            return await self._attempt(peer, address)
        finally:
            await self._scan()
            self._connecting = False

    async def _attempt(self, peer: hci.Address, address: str) -> Connection:
        attempt = asyncio.create_task(self._adapter.connect_le(peer, own_address_type=hci.OwnAddressType.RANDOM, timeout=None))
        loop = asyncio.get_running_loop()
        end = loop.time() + CONNECT_TIME
        try:
            while not attempt.done():
                if loop.time() >= end or address not in self._wanted:
                    await self._adapter.cancel_connection()  # type: ignore[no-untyped-call]  # Bumble's signature
                await asyncio.wait({attempt}, timeout=ATTEMPT_STEP)
            return attempt.result()
        except ERRORS:
            await self._drop_stray(peer)
            raise
        finally:
            attempt.cancel()

    async def _drop_stray(self, peer: hci.Address) -> None:
        """Hang up a connection that came in the very moment in which the attempt was ended."""
        for connection in list(self._adapter.connections.values()):
            if connection.role == hci.Role.CENTRAL and connection.peer_address == peer:
                with contextlib.suppress(*ERRORS):
                    await connection.disconnect()

    async def _scan(self) -> None:
        while not self._closing:
            try:
                await self._adapter.start_scanning(active=False, filter_duplicates=False)
            except hci.HCI_Error as error:
                _LOGGER.debug("scanning: %s", error)
                await asyncio.sleep(SCAN_DELAY)
            else:
                return

    def _heard(self, advertisement: Advertisement) -> None:
        if not advertisement.is_scan_response:
            address, data = advertisement.address.to_string(), bytes(advertisement.data_bytes)
            self._relay.heard(address, advertisement.rssi, data, self._clock())
            self._answer(address)
            self._wake()

    def _answer(self, address: str) -> None:
        """Connect with a device that was just heard, if it is wanted: an attempt at a silent one would only cost time."""
        room = not self._connecting and len(self._tasks) < MAX_LINKS
        if room and address not in self._tasks and address in self._wanted:
            self._connecting = True
            self._tasks[address] = asyncio.create_task(self._keep(address), name=f"link to {address}")

    def _received(self, address: str, value: bytes) -> None:
        self._relay.received(address, value, self._clock())
        self._wake()
