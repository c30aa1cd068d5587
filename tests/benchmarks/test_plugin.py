"""Our cases as another harness takes them: its names of the options, and blocks of several operations shared out to one."""

from collections.abc import Callable
from functools import partial
import time
from typing import Any

import pytest

from benchmarks import plugin
from benchmarks.goals import GOALS


class Host:
    """Keeps what is added, as that harness's `add` takes it."""

    def __init__(self) -> None:
        self.cases: dict[str, tuple[Callable[[Any, int], Any], dict[str, Any]]] = {}

    def add(self, group: str, name: str, loop: Callable[[Any, int], Any], **options: Any) -> None:
        self.cases[f"{group}/{name}"] = loop, options


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
def guest(host: Host) -> plugin.Guest:
    return plugin.Guest(host)


def test_options_get_the_names_of_the_other_harness(host: Host, guest: plugin.Guest) -> None:
    guest.add("ours", "a", lambda _state, _n: None, asynchronous=True, wall=True, most=7, unit="packet", size=16)
    assert host.cases["ours/a"][1] == {"is_async": True, "io": True, "n_max": 7, "unit": "packet", "size": 16}


def test_a_block_of_several_operations_takes_the_time_of_those_that_are_asked_for(host: Host, guest: plugin.Guest) -> None:
    """Of 10 operations in blocks of 4, three blocks are played, prepared and checked; ten twelfths of their time count."""
    seen: dict[str, int] = {}

    def loop(_state: object, n: int) -> int:
        seen["loop"] = n
        return 1200

    guest.add(
        "ours", "b", loop, setup=partial(seen.__setitem__, "setup"), check=lambda _state, n: seen.update(check=n), operations=4, most=5
    )
    timed, options = host.cases["ours/b"]
    state = options["setup"](10)
    assert timed(state, 10) == 1000
    options["check"](state, 10)
    assert seen == {"setup": 3, "loop": 3, "check": 3}
    assert options["n_max"] == 20


def test_a_block_that_does_not_time_itself_is_timed(host: Host, guest: plugin.Guest) -> None:
    def loop(_state: object, _n: int) -> None:
        until = time.thread_time_ns() + 100_000
        while time.thread_time_ns() < until:
            pass

    guest.add("ours", "c", loop, operations=2)
    assert host.cases["ours/c"][0](None, 1) >= 50_000


def test_each_goal_is_judged_there_as_the_inverse(host: Host) -> None:
    """That harness counts how many times faster ours is; it has no case for one side of Noise XX, but one for both."""
    bounds = {(ours, anchor): least for ours, anchor, least in plugin.TARGETS}
    assert len(bounds) == sum(goal.most is not None for goal in GOALS)
    assert bounds["ours/hub half: receive@16", "bthome/update sensors@16"] == 1
    assert bounds["ours/round trip, device to hub@64", "doubleratchet/enc+dec, symmetric chain@64"] == 2
    assert bounds["ours/negotiation hybrid, hub", "noise/XX handshake, both"] == 2
