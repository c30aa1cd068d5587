"""``python -m demo.kills``: see ``--help``."""

import argparse
import asyncio
from pathlib import Path
import shutil
import sys
import tempfile

from demo.processes import Processes
from demo.radio import Air
from demo.terminal import Report, StepFailedError

from . import cycles
from .watched import WatchedFolder


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="scripts/kills", description=cycles.__doc__)
    made.add_argument("--count", type=int, default=200, help="kills (default 200: about an hour)")
    made.add_argument("--seed", type=int, default=1, help="seed of the moments and of the losses (default 1)")
    made.add_argument("--loss", type=int, default=20, metavar="PERCENT", help="advertisements lost at each scanner (default 20)")
    made.add_argument("--suite", choices=("hybrid", "loss", "paper"), default="hybrid", help="what the devices offer (default hybrid)")
    return made


async def run(options: argparse.Namespace, folder: WatchedFolder, report: Report) -> None:
    """Run all in a fresh world; every program has ended when this returns or raises."""
    folder.prepare()
    async with Processes() as processes, report.unnamed():
        plan = cycles.Plan(options.count, Air(options.loss, 1.0, options.seed), options.suite)
        await cycles.run(plan, folder, processes, report)


def main() -> int:
    """Run the command line and return its exit code; the folder of a failed run is kept."""
    options, report, root = parser().parse_args(), Report(), Path(tempfile.mkdtemp(prefix="self-secure-kills-"))
    try:
        asyncio.run(run(options, WatchedFolder(root), report))
    except StepFailedError:
        print(f"the folder is kept: {root}")
    else:
        shutil.rmtree(root)
    print(report.summary())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
