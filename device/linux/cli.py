"""The command ``self-secure-device``: one device on one adapter, told what to do by lines on standard input."""

import argparse
import asyncio
from collections.abc import Callable
import logging
from pathlib import Path
import signal
import sys
import threading
from typing import Any

from self_secure_device.errors import DeviceError
from self_secure_device.relay.limits import MAX_PATHS
from self_secure_device.relay.neighbours import ADOPTED, RELAYS, STATE_BITS
from self_secure_device.suites import HYBRID_ID, LOSS_ID, PAPER_ID

from .program import Program, Settings
from .radio import RadioError

SUITES = {"hybrid": (HYBRID_ID,), "loss": (LOSS_ID,), "hybrid,loss": (HYBRID_ID, LOSS_ID), "paper": (PAPER_ID,)}
PAPER_INTERVAL = 30  # ms, a constant of the suite: its REQ does not say it
FAILED = 1  # exit status


def say(line: str) -> None:
    """Print one line, at once."""
    print(line, flush=True)


def one_line(text: object) -> str:
    """Return a text of the hub so that it cannot pretend to be another line of ours."""
    return str(text).encode("unicode_escape").decode("ascii") if not str(text).isprintable() else str(text)


def short(identity: object) -> str:
    """Return a short id as it is printed."""
    return identity.hex() if isinstance(identity, bytes) else ""


LINES: dict[str, Callable[[object], str]] = {
    "code": "pairing code: {}".format,
    "paired": lambda _: "paired",
    "verified": lambda compared: f"verified compared={'yes' if compared else 'no'}",
    "pairing_failed": "pairing failed: {}".format,
    "connected": lambda _: "connected",
    "disconnected": lambda _: "disconnected",
    "resumed": "resumed epoch={}".format,
    "resume_refused": lambda _: "error: the hub holds no key of ours",
    "possible_clone": lambda _: "error: possible clone: somebody else has used a copy of our key",
    "forgotten": lambda _: "forgotten by the hub",
    "carried": lambda relay: f"carried by relay={short(relay)}",
    "neighbour": lambda far: f"relay: hears {short(far)}",
    "neighbour_lost": lambda far: f"relay: hears no more of {short(far)}",
    "adopted": lambda far: f"relay: adopted {short(far)}",
    "unadopted": lambda far: f"relay: dropped {short(far)} to make room",
    "route_opened": lambda far: f"relay: route opened to {short(far)}",
    "route_closed": lambda far: f"relay: route closed to {short(far)}",
    "route_refused": lambda far: f"relay: no route to {short(far)}: limit of {MAX_PATHS} reached",
    "route_crowded": lambda far: f"relay: frames dropped on the route to {short(far)}: limit reached",
    "text": lambda text: f"received text: {one_line(text)}",
    "bytes": lambda data: f"received bytes: {data.hex() if isinstance(data, bytes) else ''}",
    "readings": lambda data: f"received readings: {data.hex() if isinstance(data, bytes) else ''}",
    "delivered": "delivered id={}".format,
    "undelivered": "error: not acknowledged id={}".format,
    "error": "error: {}".format,
}
OF_A_HUB = frozenset({"code", "paired", "verified", "pairing_failed", "resumed", "resume_refused", "possible_clone", "forgotten"})
"""What is told with the hub's name when there are several."""


def neighbour(row: tuple[bytes, int, int, int]) -> str:
    """Return the line of one device that a relay hears, itself or through another relay."""
    far, state, rssi, hops = row
    marks = (" relay" if state & RELAYS else "") + (" adopted" if state & ADOPTED else "")
    return f"relay: neighbour {far.hex()} state={state & STATE_BITS} rssi={rssi - 256} hops={hops}{marks}"


class Terminal:
    """Turns events into lines and lines into commands."""

    def __init__(self, settings: Settings) -> None:
        self._done = asyncio.Event()
        self._program = Program(settings, self._event)
        self._commands: dict[str, Callable[[str], str | None]] = {
            "pair": lambda _: self._program.pair(),
            "press": lambda _: self._program.press(),
            "open": lambda _: self._program.set_open(True),
            "close": lambda _: self._program.set_open(False),
            "say": self._program.say,
            "status": lambda _: self._status("status"),
            "hubs": lambda _: self._hubs(),
            "forget": self._forget,
            "relay": lambda _: self._relay(),
            "quit": lambda _: self._done.set(),
        }

    def _status(self, word: str) -> str:
        core = self._program.core
        return f"{word} identity={core.identity[:4].hex()} address={self._program.address} state={core.state}"

    def _hubs(self) -> str:
        return f"hubs {' '.join(hub.identity[:4].hex() for hub in self._program.core.hubs)}".strip()

    def _forget(self, name: str) -> None:
        """Erase the keys of the one hub whose identity begins so; DeviceError when there is none, or more than one."""
        found = [hub.identity for hub in self._program.core.hubs if name and hub.identity.hex().startswith(name.lower())]
        if len(found) != 1:
            raise DeviceError("no such hub" if not found else "more than one such hub")
        self._program.core.forget(found[0])

    def _relay(self) -> str:
        """Return what a relay hears and does, one device a line; DeviceError when this is none."""
        relay = self._program.relay
        if relay is None:
            raise DeviceError("this is no relay: start with --relay")
        rows = relay.rows()
        head = f"relay neighbours={len(rows)} adopted={len(relay.adopted_ids)} routes={len(relay.routes)}"
        return "\n".join([head, *map(neighbour, rows)])

    def _event(self, kind: str, value: object) -> None:
        if kind == "ready":
            say(self._status("ready"))
        elif kind in LINES:
            core: Any = self._program.core  # untyped: mypy takes the class's None for all that it can be
            about, group = core.about, core.group
            line = LINES[kind](value) if group is None else LINES[kind](value).replace(":", f" for group {group}:", 1)
            say(line + (f" hub={about.hex()}" if about and kind in OF_A_HUB else ""))

    async def command(self, line: str) -> None:
        """Do what one line says; what cannot be done is an ``error:`` line."""
        word, _, rest = line.strip().partition(" ")
        if word == "reset":
            await self._program.reset()
            say("reset")
        elif word in self._commands:
            self._run(word, rest)
        elif word:
            say(f"error: unknown command: {one_line(word)}")

    def _run(self, word: str, rest: str) -> None:
        try:
            answer = self._commands[word](rest)
        except DeviceError as error:
            say(f"error: {error}")
        else:
            if answer is not None:
                say(answer)

    async def run(self) -> int:
        """Run until ``quit`` or SIGTERM; return the exit status."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._done.set)
        threading.Thread(target=self._read, args=(loop,), daemon=True).start()
        await self._program.start()
        ended = asyncio.ensure_future(self._program.wait())
        done = asyncio.ensure_future(self._done.wait())
        await asyncio.wait((ended, done), return_when=asyncio.FIRST_COMPLETED)
        done.cancel()
        await self._program.stop()
        return FAILED if ended.done() and not ended.cancelled() and isinstance(ended.exception(), RadioError) else 0

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        """Read commands in a thread of its own; the end of the input ends only this."""
        for line in sys.stdin:
            asyncio.run_coroutine_threadsafe(self.command(line), loop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="self-secure-device", description=__doc__)
    parser.add_argument("--transport", required=True, help="Bumble transport: hci-socket:0, usb:0, tcp-client:127.0.0.1:7001, …")
    parser.add_argument("--profile", choices=("thermometer", "door", "display"), default="thermometer")
    parser.add_argument("--name", help="name in the scan response and in Home Assistant")
    parser.add_argument("--state", type=Path, help="file that keeps the keys; without it they are lost at the end")
    parser.add_argument("--seconds-between-readings", type=float, default=60.0, dest="readings")
    parser.add_argument("--address", help="static random address; derived from the identity when not given")
    parser.add_argument("--identity", type=bytes.fromhex, help="16 bytes of hex; drawn at the first start when not given")
    parser.add_argument("--seed", type=int, help="makes the simulated sensor values repeat")
    parser.add_argument("--suite", choices=tuple(SUITES), default="hybrid", dest="suites")
    parser.add_argument("--interval", type=int, default=30, help="ms between two random packets, 20 to 1000")
    parser.add_argument("--relay", action="store_true", help="carry frames for devices that a hub cannot reach")
    return parser


def settings_of(arguments: list[str]) -> Settings:
    """Return the settings on a command line; SystemExit when they are wrong."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.identity is not None and len(given.identity) != 16:
        parser.error("--identity has 16 bytes")
    if not 20 <= given.interval <= 1000:
        parser.error("--interval is 20 to 1000")
    if given.suites == "paper" and given.interval != PAPER_INTERVAL:
        parser.error("--interval is 30 in the suite paper")
    if given.suites == "paper" and given.relay:
        parser.error("the suite paper never goes through a relay")
    given.suites = SUITES[given.suites]
    return Settings(**vars(given))


async def _main(settings: Settings) -> int:
    try:
        terminal = Terminal(settings)
    except (DeviceError, OSError) as error:
        say(f"error: {error}")
        return FAILED
    return await terminal.run()


def main() -> None:
    """Run the command."""
    logging.basicConfig(level=logging.ERROR)
    sys.exit(asyncio.run(_main(settings_of(sys.argv[1:]))))
