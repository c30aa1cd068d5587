"""The other end of the board's ``bluetooth`` module: JSON lines over a socket on one side, Bumble on the other."""

import asyncio
from collections.abc import Callable
import contextlib
import json
import logging
from typing import Any

from bumble import hci
from bumble.core import BaseBumbleError
from bumble.device import Connection, Device as Adapter, DeviceConfiguration
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.transport import open_transport
from bumble.transport.common import Transport

from .air import Air

LOCALHOST = "127.0.0.1"
LONGEST_LINE = 4096  # bytes; the longest tells all characteristics
ENDING = 2.0  # s to hang up before the transport is closed anyway
_LOGGER = logging.getLogger(__name__)


class BridgeError(Exception):
    """The adapter could not be opened, went away, or the board said what no board says."""


class Bridge:
    """One adapter for one board. ``address`` is what the board advertises under, None for the adapter's own."""

    def __init__(self, transport: str, address: str) -> None:
        self._spec = transport
        self._address = hci.Address(address)
        self._writer: asyncio.StreamWriter | None = None
        self._server: asyncio.Server | None = None
        self._transport: Transport | None = None
        self._adapter: Adapter
        self._air: Air
        self._connections: dict[int, Connection] = {}
        self._values: dict[int, Characteristic[bytes]] = {}
        self._lost = asyncio.Event()
        self._error: BridgeError | None = None  # why it was lost
        self._does: dict[str, Callable[..., Any]] = {
            "mtu": self._mtu,
            "services": self._services,
            "advertise": self._advertise,
            "stop": self._stop,
            "notify": self._notify,
            "disconnect": self._disconnect,
        }

    # --- life --------------------------------------------------------------------------------------------------

    async def open(self) -> int:
        """Take the adapter and listen for the board; return the port. BridgeError when there is no adapter."""
        try:
            transport = self._transport = await open_transport(self._spec)
        except (OSError, BaseBumbleError, ValueError) as error:
            raise BridgeError(f"cannot open {self._spec}: {error}") from error
        source = transport.source
        source.terminated.add_done_callback(lambda _: self._fail(BridgeError("transport lost")))
        configuration = DeviceConfiguration(name="", address=self._address, le_enabled=True, classic_enabled=False)
        self._adapter = Adapter.from_config_with_hci(configuration, source, transport.sink)
        self._adapter.on(Adapter.EVENT_CONNECTION, self._connected)
        await self._adapter.power_on()
        self._air = Air(self._adapter)
        self._server = await asyncio.start_server(self._serve, LOCALHOST, 0, limit=LONGEST_LINE)
        return int(self._server.sockets[0].getsockname()[1])

    async def lost(self) -> None:
        """Wait until the adapter is gone: BridgeError."""
        await self._lost.wait()
        if self._error is not None:
            raise self._error

    def _fail(self, error: BridgeError) -> None:
        self._error = self._error or error
        self._lost.set()
        if self._writer is not None:
            self._writer.close()

    async def close(self) -> None:
        """Hang up and let the adapter go."""
        if self._server is not None:
            self._server.close()
        if self._transport is None:
            return
        with contextlib.suppress(TimeoutError, BaseBumbleError, hci.HCI_Error, OSError):
            async with asyncio.timeout(ENDING):
                if not self._lost.is_set():
                    await self._let_go()
        with contextlib.suppress(BaseBumbleError, OSError):
            await self._transport.close()

    async def _let_go(self) -> None:
        for connection in list(self._connections.values()):
            await connection.disconnect()
        await self._adapter.power_off()

    # --- the board ---------------------------------------------------------------------------------------------

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._tell(bytes(reversed(bytes(self._address))).hex())
        try:
            while line := await reader.readline():
                name, *arguments = json.loads(line)
                if name == "notify":  # its value follows, as long as the last argument says
                    arguments[-1] = await reader.readexactly(arguments[-1])
                await self._do(name, *arguments)
        except ConnectionError, asyncio.IncompleteReadError:
            _LOGGER.debug("the board is gone")
        except (KeyError, TypeError, ValueError) as error:
            self._fail(BridgeError(f"the board said what no board says: {error!r}"))
        finally:
            writer.close()

    async def _do(self, name: str, *arguments: Any) -> None:
        """Carry out one call of the board; what a controller refuses, it refuses in silence, as under load."""
        try:
            done = self._does[name](*arguments)
            if asyncio.iscoroutine(done):
                await done
        except (BaseBumbleError, hci.HCI_Error) as error:
            _LOGGER.debug("%s: %s", name, error)

    def _tell(self, *message: object, value: bytes = b"") -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(json.dumps(message).encode() + b"\n" + value)

    def _mtu(self, mtu: int) -> None:
        self._adapter.gatt_server.max_mtu = mtu

    def _services(self, told: list[tuple[int, str, str, int]]) -> None:
        services: dict[str, list[Characteristic[bytes]]] = {}
        for handle, service, uuid, flags in told:
            value = CharacteristicValue(write=self._write_to(handle))
            self._values[handle] = Characteristic(uuid, Characteristic.Properties(flags), Characteristic.WRITEABLE, value)
            services.setdefault(service, []).append(self._values[handle])
        for service, characteristics in services.items():
            self._adapter.add_service(Service(service, characteristics))

    def _write_to(self, handle: int) -> Callable[[Connection, bytes], None]:
        def write(connection: Connection, value: bytes) -> None:
            self._tell("write", connection.handle, handle, len(value), value=bytes(value))

        return write

    async def _advertise(self, interval: float, data: str, response: str, connectable: bool) -> None:
        await self._air.advertise(interval, bytes.fromhex(data), bytes.fromhex(response), connectable)

    async def _stop(self) -> None:
        await self._air.stop()

    async def _notify(self, handle: int, value_handle: int, data: bytes) -> None:
        try:
            if (connection := self._connections.get(handle)) is not None:  # whether it has subscribed or not
                value = self._values[value_handle]
                await self._adapter.gatt_server.notify_subscriber(connection, value, data, force=True)
        finally:
            self._tell("sent")

    async def _disconnect(self, handle: int) -> None:
        if (connection := self._connections.get(handle)) is not None:
            await connection.disconnect()

    # --- the radio ---------------------------------------------------------------------------------------------

    def _connected(self, connection: Connection) -> None:
        self._connections[connection.handle] = connection
        mtu, end = Connection.EVENT_CONNECTION_ATT_MTU_UPDATE, Connection.EVENT_DISCONNECTION
        connection.on(mtu, lambda: self._tell("mtu", connection.handle, connection.att_mtu))
        connection.on(end, lambda _: self._disconnected(connection))
        self._tell("connect", connection.handle)

    def _disconnected(self, connection: Connection) -> None:
        self._connections.pop(connection.handle, None)
        self._tell("disconnect", connection.handle)
