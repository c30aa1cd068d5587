"""`python -m simulation`: the virtual radio as a process. Its first line of output tells all ports as JSON."""

import argparse
import asyncio
from collections.abc import Sequence
import json
import logging
from pathlib import Path
import signal
import sys

from simulation.control import ControlServer
from simulation.loss import MAX_LOSS
from simulation.radio import SUPERVISION_TIMEOUT
from simulation.world import Plan, World


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__)
    add = parser.add_argument
    add("--scanners", type=int, default=2, help="radios for Home Assistant (default 2)")
    add("--devices", type=int, default=3, help="radios for devices (default 3)")
    add("--loss", type=int, default=20, metavar="PERCENT", help="advertisements lost at each receiver (default 20)")
    add("--burst", type=float, default=1.0, help="mean losses in a row; 1 means independent losses (default)")
    add("--seed", type=int, default=1, help="the same seed loses the same packets (default 1)")
    add("--control", type=int, default=0, metavar="PORT", help="control port; 0 takes a free one (default)")
    add("--eve", type=Path, metavar="FILE", help="add what Eve receives to this file, one JSON line per packet")
    add("--eve-loss", type=int, default=20, metavar="PERCENT", help="advertisements that Eve misses (default 20)")
    add("--scanner-ports", type=_ports, default=(), metavar="PORT,…", help="ports of the scanners instead of free ones")
    add("--device-ports", type=_ports, default=(), metavar="PORT,…", help="ports of the devices instead of free ones")
    add("--supervision-timeout", type=float, default=SUPERVISION_TIMEOUT, metavar="SECONDS", help="(default 1)")
    return parser


def _ports(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        scanners=options.scanners,
        devices=options.devices,
        loss=options.loss / 100,
        burst=options.burst,
        seed=options.seed,
        eve_loss=options.eve_loss / 100,
        eve_file=options.eve,
        supervision_timeout=options.supervision_timeout,
        scanner_ports=options.scanner_ports,
        device_ports=options.device_ports,
    )


async def _run(plan: Plan, control_port: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with World(plan) as world:
        control = ControlServer(world)
        try:
            port = await control.open(control_port)
            print(json.dumps({"control": port, **world.describe()}), flush=True)
            await stop.wait()
        finally:
            await control.close()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run until SIGINT or SIGTERM.

    Returns:
        0 after a clean end, 2 when it could not start.
    """
    logging.basicConfig(level=logging.WARNING, format="simulation: %(levelname)s %(message)s")
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        asyncio.run(_run(_plan(options), options.control))
    except (ValueError, OSError) as error:
        print(f"simulation: {error} (losses go up to {MAX_LOSS:.0%})", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
