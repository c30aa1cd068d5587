"""The control port: one JSON object per line, answered by one JSON object per line."""

import asyncio
from collections.abc import Callable
import json
from typing import Any

from simulation.eve import MAX_RECORDS
from simulation.places import Place
from simulation.port import LOCALHOST
from simulation.world import World

MAX_PAGE = 2_000
"""Records of Eve in one answer: about 250 kB, one line that every JSON reader takes."""
MAX_ANSWER = 1 << 20
"""Bytes of the longest line; a page of Eve's record stays far below."""

type Request = dict[str, Any]


class ControlServer:
    """Serves a world's switches on 127.0.0.1.

    Commands: describe; statistics; loss (loss in percent, burst, receiver); cut (device: name or address);
    move (name, x, y in metres); off (name); on (name); eve (start, count). Name: a radio's, its address, or eve.
    An answer has `"ok": true`, or `"ok": false` and `error`.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self._commands: dict[str, Callable[[Request], dict[str, object]]] = {
            "describe": lambda _: self._world.describe(),
            "statistics": lambda _: {"stations": self._world.statistics(), "eve": self._world.eve.count},
            "loss": self._loss,
            "cut": lambda request: {"cut": self._world.radio(str(request["device"])).cut()},
            "move": self._move,
            "off": lambda request: self._switch(request, on=False),
            "on": lambda request: self._switch(request, on=True),
            "eve": self._eve,
        }

    async def open(self, port: int = 0) -> int:
        """Listen on `port`, or on a free one.

        Returns:
            The port.

        Raises:
            OSError: it is taken.
        """
        self._server = await asyncio.start_server(self._serve, LOCALHOST, port)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Stop, and drop who is connected."""
        if self._server:
            self._server.close()
            for client in self._clients:
                client.transport.abort()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        try:
            while line := await reader.readline():
                writer.write(json.dumps(self.answer(line)).encode() + b"\n")
                await writer.drain()
        except ConnectionError, ValueError:  # ValueError: a line without end
            pass
        finally:
            self._clients.discard(writer)
            writer.close()

    def answer(self, line: bytes) -> dict[str, object]:
        """Carry out one request."""
        try:
            request = json.loads(line)
            return {"ok": True, **self._commands[request["command"]](request)}
        except (KeyError, TypeError, ValueError) as error:
            return {"ok": False, "error": f"{type(error).__name__}: {error}"}

    def _loss(self, request: Request) -> dict[str, object]:
        self._world.set_loss(float(request["loss"]) / 100, float(request.get("burst", 1.0)), request.get("receiver"))
        return {}

    def _move(self, request: Request) -> dict[str, object]:
        self._world.move(str(request["name"]), Place(float(request["x"]), float(request["y"])))
        return {}

    def _switch(self, request: Request, *, on: bool) -> dict[str, object]:
        self._world.switch(str(request["name"]), on=on)
        return {}

    def _eve(self, request: Request) -> dict[str, object]:
        start = min(max(0, int(request.get("start", 0))), self._world.eve.count)
        count = min(max(0, int(request.get("count", MAX_PAGE))), MAX_PAGE)
        return {"total": self._world.eve.count, "kept": MAX_RECORDS, "records": self._world.eve.page(start, count)}


async def request(port: int, command: str, **fields: object) -> dict[str, Any]:
    """Ask a running world one thing.

    Raises:
        OSError: nobody listens there.
        RuntimeError: the world refused; its text tells why.
    """
    reader, writer = await asyncio.open_connection(LOCALHOST, port, limit=MAX_ANSWER)
    try:
        writer.write(json.dumps({"command": command, **fields}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(await reader.readline())
    finally:
        writer.close()
    if not answer.pop("ok"):
        raise RuntimeError(answer["error"])
    return answer
