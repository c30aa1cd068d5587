"""``python -m demo.e2e``: see ``--help``."""

import argparse
import asyncio
from pathlib import Path
import shutil
import sys
import tempfile

from homeassistant.const import __version__ as home_assistant_version

from demo.browser.chromium import install
from demo.folder import REPOSITORY, Folder
from demo.pictures.__main__ import README
from demo.radio import Air
from demo.terminal import Report, StepFailedError

from . import life

#: The pictures of the last run; ignored by git.
PICTURES = REPOSITORY / ".demo" / "pictures"


def parser() -> argparse.ArgumentParser:
    """Return the command line's parser."""
    made = argparse.ArgumentParser(prog="scripts/e2e", description="A user's whole way in a real browser, on the virtual radio.")
    made.add_argument("--homeassistant", metavar="VERSION", help="in an environment of its own with this version, .venv-VERSION")
    made.add_argument("--loss", type=int, default=40, metavar="PERCENT", help="advertisements lost at each scanner (default 40)")
    made.add_argument("--seed", type=int, default=1, help="seed of the losses (default 1)")
    made.add_argument("--pictures", type=Path, default=PICTURES, metavar="DIR", help="where the pictures go (default .demo/pictures)")
    made.add_argument("--docs", action="store_true", help="when all passed, put the README's pictures into docs/images")
    return made


async def run(options: argparse.Namespace, folder: Folder, report: Report) -> None:
    """Walk all steps in a fresh world; every program has ended when this returns or raises."""
    async with report.unnamed():
        install()
        await life.live(Air(options.loss, 1.0, options.seed), folder, options.pictures, report)


def main() -> int:
    """Run the command line and return its exit code; the folder of a failed run is kept."""
    options, report, root = parser().parse_args(), Report(), Path(tempfile.mkdtemp(prefix="self-secure-e2e-"))
    print(f"Home Assistant {home_assistant_version}")
    try:
        asyncio.run(run(options, Folder(root), report))
    except StepFailedError:
        print(f"the folder is kept: {root}")
    else:
        shutil.rmtree(root)
    if options.docs and not report.failed:
        for name in README:
            shutil.copy(options.pictures / f"{name}.png", REPOSITORY / "docs" / "images")
    print(report.summary())
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
