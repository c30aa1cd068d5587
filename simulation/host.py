"""The host of one scanner's radio: Bumble scans and connects for whoever embeds it (Home Assistant, a test)."""

import asyncio
from collections.abc import Callable, Coroutine
import contextlib
from typing import Any

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device
from bumble.host import Host
from bumble.transport import open_transport
from bumble.transport.common import Transport

from simulation.port import LOCALHOST

SLOTS = 3
"""Connections at a time; ESPHome's proxies have three."""
OPEN_TIMEOUT = 5.0
"""Seconds for the handshake with a controller on this machine, which takes some 20 ms."""
CLOSE_TIMEOUT = 1.0
"""Seconds to say good-bye; a radio that does not answer is left as it is."""
ABANDON_PERIOD = 0.1
"""Seconds between two tries to cancel an unwanted attempt: Bumble ignores a cancel that comes before its command."""

type Report = hci.HCI_LE_Advertising_Report_Event.Report | hci.HCI_LE_Extended_Advertising_Report_Event.Report
type OnReport = Callable[[Report], None]


class ScannerHost:
    """Scans without a gap and connects, `SLOTS` at a time.

    Args:
        on_report: called with every advertising report, also with repeated ones.
        on_slots: called when a connection begins or ends.
    """

    def __init__(self, on_report: OnReport, on_slots: Callable[[], None] = lambda: None) -> None:
        self._on_report, self._on_slots = on_report, on_slots
        self._transport: Transport | None = None
        self._device: Device | None = None
        self._connecting = asyncio.Lock()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._connections: dict[Connection, str] = {}
        self._attempts = 0
        self._occupied = 0
        self.stale: set[str] = set()
        """Addresses of which it believes that they have no services, as a proxy does that remembers a device's older software."""
        self.lost = asyncio.Event()
        """Set when the radio is gone for good; make a new host then."""

    async def open(self, port: int) -> None:
        """Take the controller at `port` of this machine.

        Raises:
            OSError: nobody listens there, or it does not answer in `OPEN_TIMEOUT`.
        """
        async with asyncio.timeout(OPEN_TIMEOUT):
            transport = await open_transport(f"tcp-client:{LOCALHOST}:{port}")
            self._transport = transport
            transport.source.terminated.add_done_callback(lambda _: self._on_lost())
            await self.attach(Host(transport.source, transport.sink))

    async def attach(self, host: Host) -> None:
        """Take a controller in this process (`Radio.host`)."""
        self._device = Device(name="scanner", host=host)
        host.on("advertising_report", self._on_report)
        await self.run(self._device.power_on())

    async def scan(self, *, active: bool) -> None:
        """Scan from now on, with scan requests if `active`; every packet is reported."""
        device = self._usable()
        if device.scanning:
            await self.run(device.stop_scanning())
        await self.run(device.start_scanning(active=active, filter_duplicates=False))

    @property
    def peers(self) -> list[str]:
        """Addresses of connected devices."""
        return list(self._connections.values())

    @property
    def free_slots(self) -> int:
        """How many more connections are possible, running attempts counted as connections."""
        return max(0, SLOTS - len(self._connections) - self._attempts - self._occupied)

    def occupy(self, slots: int) -> None:
        """Let so many slots be in use by somebody else, as another integration or a second Home Assistant does."""
        self._occupied = slots
        self._on_slots()

    async def connect(self, address: hci.Address) -> Connection:
        """Connect to a device, while scanning goes on; one attempt at a time, others wait for their turn.

        Waits for an advertisement as long as the caller does; a cancelled call leaves no attempt and no
        connection behind.

        Raises:
            BaseBumbleError: the radio is gone, or refused.
        """
        self._attempts += 1
        try:
            self._on_slots()
            async with self._connecting:
                connection = await self._attempt(address)
                self._keep(connection, address)
                return connection
        finally:
            self._attempts -= 1
            self._on_slots()

    async def _attempt(self, address: hci.Address) -> Connection:
        own = hci.OwnAddressType.PUBLIC
        task = self._start(self._usable().connect_le(address, own_address_type=own, timeout=None))
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            await self.run(self._abandon(task))
            raise
        connection = _outcome(task)
        if self._usable().connections.get(connection.handle) is not connection:
            raise BaseBumbleError("the connection failed to be established")  # its end came with its beginning
        return connection

    async def _abandon(self, attempt: asyncio.Task[Connection]) -> None:
        while not attempt.done() and not self.lost.is_set():
            with contextlib.suppress(BaseBumbleError):
                await self._usable().cancel_connection()  # type: ignore[no-untyped-call]  # Bumble's signature
            await asyncio.wait({attempt}, timeout=ABANDON_PERIOD)
        if attempt.done() and not attempt.cancelled() and attempt.exception() is None:
            with contextlib.suppress(BaseBumbleError):
                await attempt.result().disconnect()

    def _keep(self, connection: Connection, address: hci.Address) -> None:
        self._connections[connection] = address.to_string(with_type_qualifier=False)
        connection.on(connection.EVENT_DISCONNECTION, lambda _: self._forget(connection))
        self._on_slots()

    def _forget(self, connection: Connection) -> None:
        self._connections.pop(connection, None)
        self._on_slots()

    def _usable(self) -> Device:
        if self._device is None or self.lost.is_set():
            raise BaseBumbleError("the radio is gone")
        return self._device

    def _start[T](self, work: Coroutine[object, object, T]) -> asyncio.Task[T]:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever was interested has it; nobody else needs "never retrieved" in the log

    async def run[T](self, work: Coroutine[object, object, T]) -> T:
        """Await `work` to its end even when the caller is cancelled.

        A task cancelled inside an HCI command, or a GATT request cancelled before its answer, breaks Bumble's host.

        Raises:
            BaseBumbleError: the radio went away meanwhile; and all that `work` raises.
        """
        task = self._start(work)
        await asyncio.wait({task})
        return _outcome(task)

    def _on_lost(self) -> None:
        self.lost.set()
        for connection in list(self._connections):
            self._forget(connection)

    async def close(self) -> None:
        """Disconnect, stop scanning, power off, close the socket, in this order (device.md)."""
        if (device := self._device) and not self.lost.is_set():
            with contextlib.suppress(BaseBumbleError, TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await self.run(self._say_goodbye(device))
        self._on_lost()
        if self._transport:
            await self._transport.close()

    async def _say_goodbye(self, device: Device) -> None:
        for connection in list(self._connections):
            with contextlib.suppress(BaseBumbleError):
                await connection.disconnect()
        if device.scanning:
            await device.stop_scanning()
        await device.power_off()


def _outcome[T](task: asyncio.Task[T]) -> T:
    if task.cancelled():  # nobody but Bumble itself does that, when its host or the connection ends
        raise BaseBumbleError("the radio is gone")
    return task.result()
