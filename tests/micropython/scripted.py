"""The far end of the board's ``bluetooth`` module by hand: a test says what the radio tells, and sees what it was told."""

import asyncio
import json
from pathlib import Path

from .interpreter import library, run

MAC = "c01122334455"
HEAD = """
import bluetooth
bluetooth.port = {port}
from bluetooth import BLE, UUID
import time
def refused(call, *arguments, **more):
    try:
        call(*arguments, **more)
    except OSError as error:
        print(error.args[0])
ble = BLE()
"""


class Bridge:
    """The other end of the socket: says what a test wants, and keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[list[object]] = []
        self.says = b""
        self.answers: dict[str, bytes] = {}  # what it says when it hears this
        self.leaves = False
        self._server: asyncio.Server

    async def open(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps([MAC]).encode() + b"\n" + self.says)
        while not self.leaves and (line := await reader.readline()):
            name, *rest = json.loads(line)
            self.heard.append([name, *rest[:-1], await reader.readexactly(rest[-1])] if name == "notify" else [name, *rest])
            writer.write(self.answers.get(name, b""))
        writer.close()

    def close(self) -> None:
        self._server.close()


def event(*message: object, value: bytes = b"") -> bytes:
    return json.dumps(message).encode() + b"\n" + value


async def board(bridge: Bridge, folder: Path, script: str) -> list[str]:
    head = HEAD.format(port=await bridge.open())
    return await run(library(folder), head + script)
