"""A controller's socket: HCI over TCP on 127.0.0.1, one host at a time."""

import asyncio
from collections.abc import Callable
import logging
from typing import override

from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser, TransportSink

LOCALHOST = "127.0.0.1"
MAX_BACKLOG = 1 << 20
"""Bytes a host may leave unread; at 100 reports a second that is five minutes. Beyond it the host counts as dead."""

_LOGGER = logging.getLogger(__name__)

type HostArrived = Callable[[TransportSink], TransportSink]
"""Takes where packets for the new host go, gives where its packets go."""


class ControllerPort:
    """A TCP server for one controller's host (Bumble's transport `tcp-client:127.0.0.1:PORT`).

    A new host replaces the old one. Both ends are told: `arrived` before the first packet of a host, `vanished`
    once after its last.
    """

    def __init__(self, arrived: HostArrived, vanished: Callable[[], None]) -> None:
        self._arrived, self._vanished = arrived, vanished
        self._server: asyncio.Server | None = None
        self._host: _HostConnection | None = None
        self.port = 0

    async def open(self, port: int = 0) -> None:
        """Listen on `port`, or on a free one; `self.port` tells which.

        Raises:
            OSError: the port is taken.
        """
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _HostConnection(self), LOCALHOST, port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop the host."""
        if self._server:
            self._server.close()
            self._drop()
            await self._server.wait_closed()
            self._server = None

    def on_arrival(self, host: _HostConnection) -> TransportSink:
        """Let a new host in; the old one, if any, vanishes first."""
        self._drop()
        self._host = host
        return self._arrived(host)

    def on_loss(self, host: _HostConnection) -> None:
        """Forget a host whose connection ended; one that was replaced already vanished."""
        if self._host is host:
            self._host = None
            self._vanished()

    def _drop(self) -> None:
        if host := self._host:
            self.on_loss(host)
            host.abort()


class _HostConnection(asyncio.Protocol):
    """One TCP connection of a host; as a sink it takes the controller's packets for that host."""

    def __init__(self, port: ControllerPort) -> None:
        self._port = port
        self._parser = PacketParser()
        self._transport: asyncio.Transport | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # what create_server gives
        self._transport = transport
        self._parser.set_packet_sink(self._port.on_arrival(self))

    @override
    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError:
            _LOGGER.warning("port %d: this is not HCI; the connection is closed", self._port.port)
            self.abort()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._port.on_loss(self)

    def on_packet(self, packet: bytes) -> None:
        """Send one HCI packet to the host."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > MAX_BACKLOG:
            _LOGGER.warning("port %d: the host does not read; it is dropped", self._port.port)
            self.abort()
            return
        self._transport.write(packet)

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport:
            self._transport.abort()
