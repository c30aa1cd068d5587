"""Which test runs in which pytest run and in which order, cheaper debugging of asyncio, and sockets of this machine for all tests."""

from asyncio import constants
import gc
import logging
from pathlib import Path
import traceback
from typing import Final

import pytest

import custom_components  # noqa: F401  # first: Home Assistant looks for integrations in the package that was imported first

#: What needs Home Assistant's pytest plugin; a test elsewhere that asks for ``hass`` does not find it.
ROOMS: Final = frozenset({"integration", "end_to_end"})
FILES: Final = frozenset({"test_home_assistant.py"})

#: What ``scripts/test`` selects in its two runs, and whether that is what needs the plugin.
RUNS: Final = {"home_assistant": True, "not home_assistant": False}

# The plugin lets asyncio debug itself. Its checks stay, but of each future only the line that made it is kept, not the whole
# stack: that was half of the second run's CPU time.
constants.DEBUG_STACK_DEPTH = 1  # type: ignore[misc]  # typeshed calls it final, asyncio reads it at each use
traceback.extract_stack.__defaults__ = (None, 1)

# The plugin's own handler repeats each record on the standard error output, where what a thread says between two tests would stay.
# pytest shows the log of a failed test without it.
logging.getLogger().handlers.clear()


def needs_home_assistant(path: Path) -> bool:
    """Return whether the tests of a file belong to the run with Home Assistant's pytest plugin."""
    return path.name in FILES or not ROOMS.isdisjoint(path.parts)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Keep each run from importing the other one's files."""
    wanted = RUNS.get(config.option.markexpr)
    other = wanted is not None and collection_path.suffix == ".py" and needs_home_assistant(collection_path) is not wanted
    return other or None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what needs the plugin; in parallel, begin with the files that may take longest, or the last one would run alone."""
    for item in items:
        if needs_home_assistant(item.path):
            item.add_marker(pytest.mark.home_assistant)
    if hasattr(config, "workerinput"):
        limits = {item.path: longest(item) for item in sorted(items, key=longest)}
        items.sort(key=lambda item: -limits[item.path])


def pytest_sessionfinish() -> None:
    """Spare pytest's five last collections of garbage the look at what is none: a worker that needs 5 s to end is interrupted."""
    gc.collect()
    gc.freeze()


def longest(item: pytest.Item) -> float:
    """Return the seconds that a test has for itself, 0 for the usual ones."""
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark else 0.0


@pytest.fixture(autouse=True)
def sockets_of_this_machine(socket_enabled: None) -> None:
    """Lift the ban on sockets of Home Assistant's plugin; its limit to 127.0.0.1 stays."""
