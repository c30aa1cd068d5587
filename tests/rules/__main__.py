"""Break each of the twelve rules in a copy of the tree and show the test that notices; exit 0 only if all are noticed."""

import argparse
import sys
import time

from .breaking import Caught, try_rule
from .rules import RULES


def line(number: int, caught: Caught, seconds: float) -> str:
    """Return the line of one rule."""
    return f"{number:>2} {caught.rule.name:<42} {caught.by[0] if caught.by else 'NOT NOTICED'}  ({seconds:.0f} s)"


def main() -> int:
    """Try all rules, or those whose name contains the given text."""
    parser = argparse.ArgumentParser(prog="broken-rules", description=__doc__)
    parser.add_argument("name", nargs="?", default="", help="part of a rule's name")
    wanted = parser.parse_args().name
    missed = 0
    for number, rule in enumerate(RULES, 1):
        if wanted in rule.name:
            began = time.monotonic()
            caught = try_rule(rule)
            print(line(number, caught, time.monotonic() - began), flush=True)
            missed += not caught.by
            print("" if caught.by else caught.output[-2_000:], end="")
    print(f"{missed} not noticed")
    return missed


if __name__ == "__main__":
    sys.exit(main())
