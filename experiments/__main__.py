"""The evaluation: scripts/experiments fig7|secrecy|table2|robustness|independence [--full] [--seed N] [--out DIR], and `radio`.

Each prints its tables and writes them (text, CSV, JSON) and its plots below DIR, by default docs/evaluation with --full
and evaluation-results without. Everything but CPU time follows from the seed.
"""

import argparse
from pathlib import Path
import sys
import time

from .channel import fig7
from .evaluation.report import Setting
from .independence import evaluation as independence
from .listener import evaluation as secrecy
from .overhead import evaluation as table2
from .radio import cli as radio
from .robustness import evaluation as robustness

EXPERIMENTS = {
    "fig7": fig7.run,
    "secrecy": secrecy.run,
    "table2": table2.run,
    "robustness": robustness.run,
    "independence": independence.run,
}
PUBLISHED = Path("docs/evaluation")
QUICK = Path("evaluation-results")


def arguments(given: list[str]) -> argparse.Namespace:
    """Read the command line of an experiment."""
    parser = argparse.ArgumentParser(prog="experiments", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=[*EXPERIMENTS, "all"])
    parser.add_argument("--full", action="store_true", help="the size of the published figures")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, help="folder of the results")
    return parser.parse_args(given)


def main() -> None:
    """Run what is asked for."""
    if sys.argv[1:2] == ["radio"]:
        radio.main(sys.argv[2:])
        return
    given = arguments(sys.argv[1:])
    setting = Setting(given.seed, given.full, given.out or (PUBLISHED if given.full else QUICK))
    for name in EXPERIMENTS if given.name == "all" else [given.name]:
        began = time.monotonic()
        report = EXPERIMENTS[name](setting)
        report.write()
        print(report.text())
        print(f"{report.folder}: {time.monotonic() - began:.0f} s\n", flush=True)


if __name__ == "__main__":
    main()
