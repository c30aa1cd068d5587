"""Ours beside the peers, the primitives and our own floor, all in one process; ratios are what counts, times are this machine's.

Groups: see `GROUPS`; without any, all of them. A peer that is not installed reads n/a with the reason.
"""

import argparse
from importlib import import_module
from pathlib import Path
import sys
from typing import Any, Final

from . import report
from .harness import Bench
from .quiet import Gate

GROUPS: Final = {
    "messages": ("messages",),
    "negotiation": ("negotiation",),
    "resume": ("resume",),
    "broadcast": ("broadcast",),
    "storage": ("storage",),
    "floor": ("floor",),
    "primitives": ("primitives",),
    "peers": tuple(
        f"peers.{name}" for name in ("bthome", "xiaomi", "homekit", "double_ratchet", "olm", "noise", "esphome", "agreement", "spake")
    ),
}
"""Modules of this package with `register(bench)`."""

_QUICK: Final = (7, 5.0, 0.0)  # rounds, ms per block, s of patience with a busy machine
_NORMAL: Final = (9, 20.0, 0.3)
_FULL: Final = (25, 40.0, 2.0)


def main(arguments: list[str]) -> int:
    """Measure and print; 0 also when a goal is missed: times are for people to judge."""
    given = _parse(arguments)
    rounds, block_ms, patience = _FULL if given.full else _QUICK if given.quick else _NORMAL
    bench = Bench(rounds=given.rounds or rounds, block_ms=block_ms, seed=given.seed, progress=_say, gate=Gate(patience))
    result = measure(bench, given.groups or list(GROUPS), _command(given))
    print(report.text(result))
    if given.json:
        report.write(result, given.json)
    return 0


def measure(bench: Bench, groups: list[str], command: str) -> dict[str, Any]:
    """Run all cases of these groups, and return the summary; the bench is closed then."""
    try:
        for group in groups:
            register(bench, group)
        bench.run()
        return report.summary(bench, command)
    finally:
        bench.close()


def full(seed: int) -> Bench:
    """Return a bench with many rounds of long blocks, as what is published comes from."""
    rounds, block_ms, patience = _FULL
    return Bench(rounds=rounds, block_ms=block_ms, seed=seed, progress=_say, gate=Gate(patience))


def _command(given: argparse.Namespace) -> str:
    """Return what repeats this run."""
    size = ["--full"] if given.full else ["--quick"] if given.quick else []
    rounds = ["--rounds", str(given.rounds)] if given.rounds else []
    return " ".join(["scripts/bench", *given.groups, *size, *rounds, "--seed", str(given.seed)])


def _say(line: str) -> None:
    print(line, file=sys.stderr)


def register(bench: Bench, group: str) -> None:
    """Add the cases of one group; what is not installed is noted."""
    for name in GROUPS[group]:
        try:
            import_module(f".{name}", __package__).register(bench)
        except ImportError as error:
            bench.missing[name] = str(error)


def _parse(arguments: list[str]) -> argparse.Namespace:
    epilog = f"groups: {', '.join(GROUPS)}; commands of their own: scale, growth, profile, publish"
    parser = argparse.ArgumentParser(prog="scripts/bench", description=__doc__, epilog=epilog)
    parser.add_argument("groups", nargs="*", metavar="GROUP")
    parser.add_argument("--quick", action="store_true", help="short blocks, more noise")
    parser.add_argument("--full", action="store_true", help="many rounds of long blocks")
    parser.add_argument("--rounds", type=int, help="at least 7")
    parser.add_argument("--seed", type=int, default=1, help="of the order within each round")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    if unknown := set(given.groups) - set(GROUPS):
        parser.error(f"no group {', '.join(sorted(unknown))}; {epilog}")
    return given
