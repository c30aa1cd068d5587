"""A scripted hub on a real Bluetooth stack: Bumble as the central, two controllers on one virtual link."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
import socket

from bumble.controller import Controller
from bumble.core import UUID
from bumble.device import Advertisement, Device, Peer
from bumble.hci import Address, LeFeatureMask
from bumble.host import Host
from bumble.link import LocalLink
from bumble.transport import open_transport

from self_secure_device import frames
from self_secure_device.adverts import NOTIFY_UUID, SERVICE_UUID, WRITE_UUID

PATIENCE = 20.0  # s that any one step may take on a loaded machine
COMPANY_HEAD = b"\x02\x01\x06\x1b\xff\xff\xff\x52"


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RadioHub:
    """Scans, connects, and moves whole frames."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.packets: dict[int, bytes] = {}  # Seq → R
        self.beacons: list[bytes] = []
        self.order: list[int] = []  # every Seq as it was heard
        self._assembler = frames.Assembler()
        self._frames: asyncio.Queue[bytes] = asyncio.Queue()
        self._changed = asyncio.Event()
        device.on("advertisement", self._heard)

    def _heard(self, advertisement: Advertisement) -> None:
        data = bytes(advertisement.data_bytes)
        if data.startswith(COMPANY_HEAD) and not advertisement.is_scan_response:
            seq = int.from_bytes(data[9:11])
            self.order.append(seq)
            self.packets[seq] = data[11:]
        elif SERVICE_DATA in data:
            self.beacons.append(data)
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until what has been heard fulfils ``condition``."""
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def connect(self, address: str, mtu: int = 247) -> None:
        """Connect and subscribe."""
        self._connection = await self.device.connect(Address(address))
        peer = Peer(self._connection)
        await peer.request_mtu(mtu)
        await peer.discover_services()
        await peer.discover_characteristics()
        self._size = self._connection.att_mtu - frames.ATT_OVERHEAD
        self._write = peer.get_characteristics_by_uuid(UUID(WRITE_UUID))[0]
        await peer.get_characteristics_by_uuid(UUID(NOTIFY_UUID))[0].subscribe(self._notified)

    def _notified(self, value: bytes) -> None:
        whole = self._assembler.feed(value)
        if whole is not None:
            self._frames.put_nowait(whole)

    async def send(self, frame: bytes) -> None:
        """Write one frame in fragments."""
        for fragment in frames.fragments(frame, self._size):
            await self._write.write_value(fragment, with_response=True)

    async def frame(self) -> bytes:
        """Return the next frame of the device."""
        async with asyncio.timeout(PATIENCE):
            return await self._frames.get()

    async def disconnect(self) -> None:
        """Hang up."""
        await self._connection.disconnect()


SERVICE_DATA = bytes(reversed(bytes.fromhex(SERVICE_UUID.replace("-", ""))))


@asynccontextmanager
async def hub_and_transport(extended: bool = True) -> AsyncIterator[tuple[RadioHub, str]]:
    """Give a scanning hub and the transport name of the controller beside it, an old one unless ``extended``."""
    link = LocalLink()  # type: ignore[no-untyped-call]  # Bumble left it without types
    port = free_port()
    async with await open_transport(f"tcp-server:127.0.0.1:{port}") as transport:
        adapter = Controller(
            "device", link=link, host_source=transport.source, host_sink=transport.sink, public_address="00:00:00:00:00:01"
        )
        adapter.le_features &= ~(0 if extended else LeFeatureMask.LE_EXTENDED_ADVERTISING)
        controller = Controller("hub", link=link, public_address="00:00:00:00:00:02")
        device = Device(name="hub", address=Address("F0:00:00:00:00:02"), host=Host(controller, controller))
        await device.power_on()
        await device.start_scanning(active=False, filter_duplicates=False)
        yield RadioHub(device), f"tcp-client:127.0.0.1:{port}"
