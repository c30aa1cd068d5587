"""The three ways in which n may grow in Table 2's scenario, each measured on the real hub and device."""

from collections.abc import Callable
from dataclasses import dataclass
import statistics

from ..evaluation.pair import SUITES, Pair
from ..theft.tap import TappedWorld
from .meter import Meter, milliseconds, stored


@dataclass(frozen=True, slots=True)
class Point:
    """One measurement; bytes that exist for the key update only, CPU of both sides together."""

    n: int
    air: int
    milliseconds: float
    hub_disk: int
    device_disk: int


@dataclass(frozen=True, slots=True)
class Scenario:
    """What n counts, and how it is measured."""

    name: str
    meaning: str
    measure: Callable[[str, int, str], Point]


def paired(suite: str, seed: str) -> Pair:
    """Return a pair with a tap."""
    return Pair(SUITES[suite], seed, TappedWorld)


def messages(suite: str, n: int, seed: str) -> Point:
    """One device sends n messages; every one of them renews the key, the epochs change as delivered."""
    pair = paired(suite, seed)
    meter = Meter.on(pair)

    def talk() -> None:
        for _ in range(n):
            pair.device_says()

    spent = milliseconds(talk)
    return Point(n, meter.update_bytes(suite), spent, *stored(pair))


def renew(pair: Pair, suite: str) -> tuple[int, float]:
    """Give one device a new key because the old one may be known; return bytes on the air and CPU time."""
    meter = Meter.on(pair)
    spent = milliseconds(pair.renew)
    return meter.update_bytes(suite), spent


def devices(suite: str, n: int, seed: str) -> Point:
    """A hub with n devices renews all their keys."""
    pairs = [paired(suite, f"{seed} {number}") for number in range(n)]
    costs = [renew(pair, suite) for pair in pairs]
    disks = [stored(pair) for pair in pairs]
    air, spent = (sum(column) for column in zip(*costs, strict=True))
    hub, device = (list(column) for column in zip(*disks, strict=True))
    return Point(n, int(air), spent, sum(hub), round(statistics.mean(device)))


def compromised(suite: str, n: int, seed: str) -> Point:
    """One of n devices is compromised: only its key has to change, as every key is shared by two."""
    pairs = [paired(suite, f"{seed} {number}") for number in range(n)]
    air, spent = renew(pairs[0], suite)
    disks = [stored(pair) for pair in pairs]
    return Point(n, air, spent, sum(hub for hub, _ in disks), disks[0][1])


SCENARIOS = (
    Scenario("messages", "messages of one device, each of which renews the key", messages),
    Scenario("devices", "devices, all of which get a new key", devices),
    Scenario("compromised", "devices, one of which is compromised and gets a new key", compromised),
)
