"""A copy of the tree with one rule broken, and what the tests say to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys
import tempfile
from typing import Final

from .rules import Rule

ROOT: Final = Path(__file__).parents[2]
ROOMS: Final = ("custom_components", "device", "experiments", "fuzz", "simulation", "tests")
FILES: Final = ("pyproject.toml",)
PATIENCE: Final = 300  # s for the tests of one rule
_FAILED: Final = re.compile(r"^FAILED (\S+?)(?: - |$)", re.MULTILINE)


@dataclass(frozen=True)
class Caught:
    """What the tests say to a broken rule; `by` is empty when nobody noticed."""

    rule: Rule
    by: tuple[str, ...]
    output: str


class RuleMovedError(Exception):
    """The text that a rule replaces is not in the file exactly once: the code has changed, the rule must follow."""


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    """Yield a copy of everything that the tests need; it is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="broken-rule-") as folder:
        place = Path(folder)
        for room in ROOMS:
            shutil.copytree(ROOT / room, place / room, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        for name in FILES:
            shutil.copy(ROOT / name, place / name)
        yield place


def break_rule(rule: Rule, tree: Path) -> None:
    """Break `rule` in `tree`; RuleMovedError if its text is not there."""
    path = tree / rule.path
    text = path.read_text(encoding="utf-8")
    if text.count(rule.old) != 1:
        raise RuleMovedError(f"{rule.name}: {text.count(rule.old)} times in {rule.path}")
    path.write_text(text.replace(rule.old, rule.new), encoding="utf-8")


def try_rule(rule: Rule) -> Caught:
    """Run the fitting tests against a tree in which `rule` is broken."""
    with copy_of_the_tree() as tree:
        break_rule(rule, tree)
        output = run_tests(tree, rule.tests)
    return Caught(rule, tuple(_FAILED.findall(output)), output)


def run_tests(tree: Path, tests: tuple[str, ...]) -> str:
    """Return what pytest says in `tree`, up to the first failure."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-rf", "-p", "no:homeassistant", "-p", "no:cacheprovider", *tests]
    paths = os.pathsep.join([str(tree / "device"), str(tree)])  # before the installed device, which is the whole one
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False)  # noqa: S603  # our own tests
    return done.stdout + done.stderr
