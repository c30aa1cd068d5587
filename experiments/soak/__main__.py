"""A soak run: python -m experiments.soak --steps 1000000 --seed 1 [--world NAME] [--suite hybrid|loss|paper].

A million steps of hub and device with every fault, watched all the time. Everything follows from the seed. On a violation
the last events are printed; `--from STEP` prints all events from there on, `--until STEP` ends there.
"""

import argparse
import sys
import time
import traceback

import self_secure_device_linux  # noqa: F401  # registers cryptolib before the device's core is imported

from .counts import ViolationError
from .profile import SUITE_IDS, Profile
from .reuse import Reuse
from .worlds import WORLDS, Drive

PROGRESS = 5.0  # s between two lines


def arguments() -> argparse.Namespace:
    """Return what the user asks for."""
    parser = argparse.ArgumentParser(prog="soak", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--suite", choices=sorted(SUITE_IDS), default="hybrid")
    summaries = "; ".join(f"{name}: {world.summary}" for name, world in WORLDS.items())
    parser.add_argument("--world", choices=list(WORLDS), default="direct", help=summaries)
    parser.add_argument("--from", dest="start", type=int, help="print every event from this step on")
    parser.add_argument("--until", type=int, help="end at this step")
    return parser.parse_args()


def soak(driver: Drive, steps: int, start: int | None = None) -> None:
    """Run with a line of progress now and then."""
    began = shown = time.monotonic()
    while driver.counts.step < steps:
        driver.counts.echo = start is not None and driver.counts.step + 1 >= start
        block = 1 if start is not None else 500
        driver.run(min(block, steps - driver.counts.step))
        if time.monotonic() - shown > PROGRESS:
            shown = time.monotonic()
            rate = driver.counts.step / (shown - began)
            print(f"{driver.counts.step:>9} steps, {rate:.0f}/s, {driver.counts.now / 86_400:.1f} virtual days", flush=True)


def main() -> int:
    """Run, print the tables and the verdict; 0 if nothing is broken and nothing is missing."""
    given = arguments()
    steps = given.steps if given.until is None else min(given.steps, given.until)
    world, reuse, violation = WORLDS[given.world], Reuse(), None
    with reuse.watching():
        driver = world.begin(Profile(given.suite), given.seed, reuse)
        try:
            soak(driver, steps, given.start)
        except ViolationError as error:
            violation = str(error)
            if error.__cause__ is not None:
                traceback.print_exception(error.__cause__)
    lines, passed = world.report(driver, reuse, violation)
    print("\n".join(lines))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
