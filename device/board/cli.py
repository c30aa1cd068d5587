"""The command ``self-secure-board``: one device on a MicroPython of this machine; otherwise as ``self-secure-device``."""

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
from pathlib import Path
import signal
import sys
import tempfile

from .bridge import Bridge, BridgeError
from .flash import PAPER, PROGRAM, Image, build

HEAP = "64k"  # what 32 kB are on a 32-bit chip: pointers are twice as wide here
SUITES = {"hybrid": (0x11,), "loss": (0x01,), "hybrid,loss": (0x11, 0x01), "paper": (0x00,)}  # ids, best first
FAILED = 1  # exit status
GRACE = 3.0  # s for the board to end by itself


def say(line: str) -> None:
    """Print one line, at once."""
    print(line, flush=True)


def chip_address(state: Path) -> str:
    """Return an address that stays with the board's memory, as a chip's stays with the chip."""
    digest = bytearray(hashlib.sha256(str(state.resolve()).encode()).digest()[:6])
    digest[0] |= 0xC0  # the two top bits mark a static random address
    return ":".join(f"{byte:02X}" for byte in digest)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="self-secure-board", description=__doc__)
    parser.add_argument("--transport", required=True, help="Bumble transport: tcp-client:127.0.0.1:7001, hci-socket:0, …")
    parser.add_argument("--profile", choices=("thermometer", "door", "display"), default="thermometer")
    parser.add_argument("--name", help="name in the scan response and in Home Assistant")
    parser.add_argument("--state", type=Path, required=True, help="file that keeps the keys")
    parser.add_argument("--seconds-between-readings", type=float, default=60.0, dest="readings")
    parser.add_argument("--address", help="static random address; derived from the path of the state when not given")
    parser.add_argument("--suite", choices=tuple(SUITES), default="hybrid")
    parser.add_argument("--interval", type=int, default=30, help="ms between two random packets, 20 to 1000")
    parser.add_argument("--heap", default=HEAP, help=f"MicroPython's heap, {HEAP} unless given")
    return parser


def settings_of(given: argparse.Namespace, port: int) -> str:
    """Return what ``start.py`` reads from its environment."""
    chosen = {name: getattr(given, name) for name in ("name", "readings", "interval")}
    return json.dumps(chosen | {"state": str(given.state), "suites": SUITES[given.suite], "port": port})


async def _run(given: argparse.Namespace, image: Image) -> int:
    """Run the board until it ends, the radio is lost, or a signal comes; return the exit status."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    bridge = Bridge(given.transport, given.address or chip_address(given.state))
    try:
        port = await bridge.open()
        say(f"flash core={image.core_size} program={image.size(PROGRAM)} paper={image.size(PAPER)}")
        return await _board(given, image, bridge, port, stop)
    finally:
        await bridge.close()


async def _board(given: argparse.Namespace, image: Image, bridge: Bridge, port: int, stop: asyncio.Event) -> int:
    with tempfile.NamedTemporaryFile() as file:
        file.write(image.data)
        file.flush()
        environment = {**os.environ, "SELF_SECURE_BOARD": settings_of(given, port)}
        command = [sys.executable, "-m", "self_secure_device_board.host", file.name, given.heap, *image.load]
        child = await asyncio.create_subprocess_exec(*command, env=environment)
        _, lost, stopped = waits = [asyncio.ensure_future(one) for one in (child.wait(), bridge.lost(), stop.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        if lost.done():  # the board sees it too, and says so: that line comes to its end
            await asyncio.wait(waits[:1], timeout=GRACE)
        await _end(child)
        for wait in waits:
            wait.cancel()
    if stopped.done():
        return 0
    if lost.done():
        lost.result()
    return child.returncode or 0


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError, TimeoutError):
        child.terminate()
        async with asyncio.timeout(GRACE):
            await child.wait()
    if child.returncode is None:
        child.kill()
        await child.wait()


def main() -> None:
    """Run the command."""
    given = _parser().parse_args()
    try:
        status = asyncio.run(_run(given, build(given.profile)))
    except BridgeError as error:
        say(f"error: {error}")
        status = FAILED
    sys.exit(status)


if __name__ == "__main__":
    main()
