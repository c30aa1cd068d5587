"""The device under MicroPython: one process answers all cases of a file."""

from collections.abc import Callable, Mapping
import json
from pathlib import Path
import subprocess
import sys
from typing import Any

PROGRAM = Path(__file__).with_name("on_micropython.py")
REPOSITORY = PROGRAM.parents[2]
PATIENCE = 300  # s for a whole file: an X25519 takes 5 ms there

type Answer = Callable[[], Mapping[str, Any]]


class MicroPythonError(Exception):
    """The case, or the whole run, failed under MicroPython."""


def is_answer(line: str) -> bool:
    """Return whether a line is an answer, and not of a traceback."""
    return line.startswith("{")


def answers(path: Path) -> Callable[[int], Answer]:
    """Run a file; return a function from a case's number to its answer, which raises MicroPythonError."""
    command = [str(Path(sys.executable).with_name("micropython")), str(PROGRAM), str(REPOSITORY), str(path)]
    done = subprocess.run(  # noqa: S603  # our own program
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=PATIENCE, check=False
    )
    lines = done.stdout.splitlines() or ["no answer"]
    found = {answered["number"]: answered for answered in map(json.loads, filter(is_answer, lines))}
    missing = {"error": lines[-1]}  # of a traceback, which MicroPython prints on standard output

    def answer(number: int) -> Answer:
        return lambda: _out(found.get(number, missing))

    return answer


def _out(answered: Mapping[str, Any]) -> Mapping[str, Any]:
    if "error" in answered:
        raise MicroPythonError(answered["error"])
    out: Mapping[str, Any] = answered["out"]
    return out
