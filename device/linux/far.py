"""One device that a relay is connected with as central: set up, written to, listened to (protocol.md 3)."""

import asyncio
from collections.abc import Awaitable, Callable
import contextlib

from bumble import hci
from bumble.core import UUID, BaseBumbleError
from bumble.device import Connection, Peer
from bumble.gatt_client import CharacteristicProxy

from self_secure_device.adverts import NOTIFY_UUID, SERVICE_UUID, WRITE_UUID

from .waker import Waker

MTU = 247  # bytes: one packet of the link layer
SETUP_TIME = 5.0  # s for MTU exchange, discovery and subscription

ERRORS = (BaseBumbleError, hci.HCI_Error, TimeoutError)


class LinkLostError(BaseBumbleError):
    """The connection is gone, or the device is none of ours."""


class Far:
    """One connection as central. ``received`` hears each notification, from ``listen`` on."""

    def __init__(self, connection: Connection) -> None:
        self.wake = Waker()  # there may be something to write, or it is not wanted any more
        self.mtu = MTU
        self._connection = connection
        self._gone = asyncio.Event()
        self._early: list[bytes] = []
        self._received: Callable[[bytes], None] = self._early.append
        self._write: CharacteristicProxy[bytes]
        connection.on(Connection.EVENT_DISCONNECTION, lambda _: self.lost())

    @property
    def gone(self) -> bool:
        """Whether the connection has ended."""
        return self._gone.is_set()

    def lost(self) -> None:
        """The connection has ended, or its adapter has."""
        self._gone.set()
        self.wake.set()

    async def set_up(self) -> None:
        """Negotiate the MTU, find the service and subscribe.

        Raises:
            BaseBumbleError, HCI_Error, TimeoutError: it did not work.
        """
        async with asyncio.timeout(SETUP_TIME):
            await self._unless_gone(self._discover())

    async def _discover(self) -> None:
        peer = Peer(self._connection)
        self.mtu = await peer.request_mtu(MTU)
        await peer.discover_services([UUID(SERVICE_UUID)])
        await peer.discover_characteristics()
        found = [peer.get_characteristics_by_uuid(UUID(uuid)) for uuid in (WRITE_UUID, NOTIFY_UUID)]
        if not all(found):
            raise LinkLostError("without our service")
        (self._write, *_), (notify, *_) = found
        await notify.subscribe(lambda value: self._received(bytes(value)))

    def listen(self, received: Callable[[bytes], None]) -> None:
        """Hand on what it notifies, and has notified since the subscription."""
        self._received = received
        for value in self._early:
            received(value)

    async def write(self, fragment: bytes) -> None:
        """Write one fragment, with response.

        Raises:
            BaseBumbleError, HCI_Error: it did not arrive.
        """
        await self._unless_gone(self._write.write_value(fragment, with_response=True))

    async def _unless_gone(self, work: Awaitable[None]) -> None:
        """Await a GATT procedure as long as the connection lives: Bumble would wait 30 s for an answer over a dead one."""
        procedure, gone = asyncio.ensure_future(work), asyncio.ensure_future(self._gone.wait())
        try:
            await asyncio.wait((procedure, gone), return_when=asyncio.FIRST_COMPLETED)
            if not procedure.done():
                raise LinkLostError("disconnected")
            procedure.result()
        finally:
            gone.cancel()
            procedure.cancel()

    async def hang_up(self) -> None:
        """End the connection."""
        if not self.gone:
            with contextlib.suppress(*ERRORS):
                await self._connection.disconnect()
