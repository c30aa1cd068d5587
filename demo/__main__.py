"""``python -m demo``: see ``--help`` and README.md."""

import argparse
import asyncio
from contextlib import contextmanager
from functools import partial
from pathlib import Path
import shutil
import signal
import sys
import tempfile
from typing import TYPE_CHECKING

from . import interactive
from .folder import REPOSITORY, Folder
from .processes import Processes
from .radio import PROGRAMS, Air, Fleet
from .terminal import Report, StepFailedError
from .worlds.scenes import SCENES

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Exit code of a program that the user ended with Ctrl-C.
INTERRUPTED = 130


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(
        prog="scripts/demo", description="Home Assistant, a lossy virtual radio and a few devices on this machine."
    )
    made.add_argument("--auto", action="store_true", help="do it without a person and check every step; exit 0 only if all passed")
    made.add_argument("--config", type=Path, metavar="DIR", help="the demo's folder (default: .demo; with --auto a fresh temporary one)")
    made.add_argument(
        "--loss", type=int, default=20, metavar="PERCENT", help="advertisements lost at each scanner, whole percent (default 20)"
    )
    made.add_argument("--burst", type=float, default=1.0, metavar="PACKETS", help="mean length of a run of losses (default 1)")
    made.add_argument("--suite", choices=("hybrid", "loss", "paper"), default="hybrid", help="what the devices offer (default hybrid)")
    made.add_argument(
        "--device", choices=tuple(PROGRAMS), default="linux", help="what the devices run on: Linux, or MicroPython with a heap of 64 kB"
    )
    summaries = "; ".join(f"{name}: {scene.summary}" for name, scene in SCENES.items())
    made.add_argument("--world", choices=tuple(SCENES), default="three", help=summaries)
    made.add_argument("--seed", type=int, default=1, help="seed of the losses (default 1)")
    return made


@contextmanager
def chosen_folder(options: argparse.Namespace) -> Iterator[Folder]:
    """Yield the folder asked for; a temporary one is removed, but kept where something failed."""
    if options.config or not options.auto:
        yield Folder((options.config or REPOSITORY / ".demo").resolve())
        return
    root = Path(tempfile.mkdtemp(prefix="self-secure-demo-"))
    try:
        yield Folder(root)
    except StepFailedError:
        print(f"the folder is kept: {root}")
        raise
    except BaseException:
        shutil.rmtree(root)
        raise
    shutil.rmtree(root)


async def run(options: argparse.Namespace, report: Report) -> None:
    """Run the demo; every program has ended when this returns or raises."""
    me = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        # the first signal ends the demo; further ones must not disturb the end
        asyncio.get_running_loop().add_signal_handler(number, lambda: me and not me.cancelling() and me.cancel())
    scene = SCENES[options.world]
    walk = scene.walk if options.auto else partial(interactive.run, scene)
    fleet = Fleet(scene.interval if options.auto else interactive.INTERVAL, options.suite, options.device)
    with chosen_folder(options) as folder:
        folder.prepare()
        async with Processes() as processes, report.unnamed():
            await walk(Air(options.loss, options.burst, options.seed), fleet, folder, processes, report)


def main() -> int:
    """Run the command line and return its exit code."""
    options, report = parser().parse_args(), Report()
    try:
        asyncio.run(run(options, report))
    except StepFailedError:
        pass
    except asyncio.CancelledError:
        print("ended")
        return INTERRUPTED if options.auto else 0
    if options.auto:
        print(report.summary())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
