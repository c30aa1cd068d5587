"""``python -m demo.pictures``: walk the way of a user in a headless Chromium, and take the README's pictures."""

import argparse
import asyncio
from pathlib import Path
import sys
import tempfile

from demo.errors import DemoError
from demo.folder import REPOSITORY, Folder
from demo.radio import Air
from demo.terminal import show_logs

from . import failures, walk
from .album import Album
from .stage import open_stage

#: The pictures that the README shows.
README = frozenset({"discovered", "progress", "code", "device"})


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="python -m demo.pictures", description=__doc__)
    made.add_argument("--out", type=Path, default=REPOSITORY / "docs" / "images", metavar="DIR", help="where to (default docs/images)")
    made.add_argument("--all", action="store_true", help="every step, and what a user reads when something goes wrong; takes ten minutes")
    made.add_argument("--loss", type=int, default=40, metavar="PERCENT", help="advertisements lost at each scanner (default 40)")
    return made


async def run(options: argparse.Namespace) -> None:
    """Take the pictures in a fresh world."""
    with tempfile.TemporaryDirectory(prefix="self-secure-pictures-") as folder:
        only = frozenset[str]() if options.all else README
        async with open_stage(Air(options.loss, 1.0, 1), Folder(Path(folder)), lambda page: Album(page, options.out, only)) as stage:
            await walk.pairing(stage)
            if options.all:
                await walk.message(stage)
                await failures.take(stage)


def main() -> int:
    """Run the command line and return its exit code."""
    try:
        asyncio.run(run(parser().parse_args()))
    except DemoError as error:
        print(f"FAILED {error}")
        show_logs([error.culprit] if error.culprit else [])
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
