"""python -m benchmarks [COMMAND | GROUP ...]: a command of `COMMANDS`, or the comparison of `benchmarks.compare`."""

from importlib import import_module
import sys
from typing import Final

COMMANDS: Final = {
    "scale": "benchmarks.scale",  # 1,000 paired devices in one Home Assistant
    "growth": "benchmarks.growth",  # cost against the number of devices, the size of a message, the size of a set
    "profile": "benchmarks.profiles",  # where the time of our cases goes
    "publish": "benchmarks.publish",  # all of these into files, with plots: docs/evaluation/speed
}
"""Each module has `main(arguments: list[str]) -> int`; it is imported only when it is asked for."""


def main(arguments: list[str]) -> int:
    """Run one command; without one, compare."""
    name = arguments[0] if arguments else ""
    module = import_module(COMMANDS.get(name, "benchmarks.compare"))
    return int(module.main(arguments[1:] if name in COMMANDS else arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
