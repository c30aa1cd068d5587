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
from simulation.floor_plan import read
from simulation.loss import MAX_LOSS
from simulation.supervision import SUPERVISION_TIMEOUT
from simulation.world import Plan, World

SCANNERS, DEVICES = 2, 3
"""What there is without a floor plan."""
EPILOG = """
A floor plan is a JSON file; places are in metres:

  {"reach": 12,
   "radios": [{"kind": "scanner", "name": "hall", "x": 0, "y": 0, "home": 1},
              {"kind": "scanner", "name": "shed", "x": 30, "y": 0, "home": 2},
              {"kind": "device", "name": "thermometer", "x": 4, "y": 3}],
   "eve": {"x": -5, "y": 9}}

Without "home" a scanner belongs to home 1, without "eve" she stands at -5, 9, without "reach" everybody hears everybody.
With a reach, nothing passes beyond it, and up to it the losses grow with the distance (simulation/reach.py).

Commands of the control port, one JSON object a line, {"command": "move", "name": "thermometer", "x": 9, "y": 0}:
  describe                      places, ports and homes        statistics  packets, losses, and who hears whom
  move name x y                 carry a radio or eve           off name, on name  take it off the air, put it back
  loss loss [burst] [receiver]  change losses, in percent      cut device  end its connections
  eve [start] [count]           what Eve has recorded
"""


def _parser() -> argparse.ArgumentParser:
    layout = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m simulation", description=__doc__, epilog=EPILOG, formatter_class=layout)
    add = parser.add_argument
    add("--scanners", type=int, help=f"radios for Home Assistant (default {SCANNERS})")
    add("--devices", type=int, help=f"radios for devices (default {DEVICES})")
    add("--plan", type=Path, metavar="FILE", help="a floor plan instead of --scanners and --devices: see below")
    add("--reach", type=float, metavar="METRES", help="how far a radio is heard, instead of the floor plan's (default: everywhere)")
    add(
        "--loss",
        type=int,
        default=20,
        metavar="PERCENT",
        help=f"advertisements lost at each receiver (default 20, at most {MAX_LOSS * 100:.0f})",
    )
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


def _count(told: int | None, default: int) -> int:
    return default if told is None else told


def _plan(options: argparse.Namespace) -> Plan:
    if options.plan and (options.scanners, options.devices) != (None, None):
        raise ValueError("--plan tells which radios there are: leave out --scanners and --devices")
    return Plan(
        scanners=_count(options.scanners, SCANNERS),
        devices=_count(options.devices, DEVICES),
        loss=options.loss / 100,
        burst=options.burst,
        seed=options.seed,
        eve_loss=options.eve_loss / 100,
        eve_file=options.eve,
        supervision_timeout=options.supervision_timeout,
        scanner_ports=options.scanner_ports,
        device_ports=options.device_ports,
        floor=read(options.plan) if options.plan else None,
        reach=options.reach,
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
        print(f"simulation: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
