"""Whatever arrives, neither side raises, acts on a forgery, loses, repeats or reuses anything, and without Eve both come to rest again."""

from collections.abc import Callable, Iterator

from experiments.soak.air import TO_DEVICE, TO_HUB
from experiments.soak.driver import Driver
from experiments.soak.faults import WEIGHTS, table
from experiments.soak.profile import Profile
from experiments.soak.reuse import Reuse
from experiments.soak.world import World

SUITES = ("hybrid", "loss", "paper")
FAULTS = sorted(WEIGHTS)
STEPS = 8  # of the world, at most, after each byte
LONGEST = 200  # actions: what counts is their order, not their number


class Script:
    """Reads the fuzzer's bytes as actions: steps, faults, bytes that Eve sends."""

    def __init__(self, driver: Driver, data: bytes) -> None:
        self._driver, self._bytes = driver, iter(data)
        self._faults: list[Callable[[], object]] = list(table(driver.faults).values())

    def play(self) -> None:
        """Do what the bytes say."""
        for _, byte in zip(range(LONGEST), self._bytes, strict=False):
            self._act(byte)
            self._driver.world.settle()

    def _act(self, byte: int) -> None:
        driver, world = self._driver, self._driver.world
        match byte >> 6:
            case 0:
                self._steps(world, byte % STEPS)
            case 1 | 2:
                self._faults[(byte - 64) % len(self._faults)]()
            case _ if byte % 4 == 3:
                driver.faults.device_sends()
            case _ if byte % 4 == 2:
                driver.faults.hub_sends()
            case _:
                self._inject(world, byte)

    def _steps(self, world: World, count: int) -> None:
        for _ in range(1 + count):
            world.step()

    def _inject(self, world: World, byte: int) -> None:
        data = bytes(self._take(next(self._bytes, 0)))
        if world.linked:
            world.give(TO_HUB if byte % 2 else TO_DEVICE, data)

    def _take(self, count: int) -> Iterator[int]:
        for _, byte in zip(range(count), self._bytes, strict=False):
            yield byte


def run(data: bytes) -> None:
    """Play the bytes behind the first two, which choose the suite and how far it is paired."""
    reuse = Reuse()
    with reuse.watching():
        driver = Driver(Profile(SUITES[data[0] % len(SUITES)] if data else SUITES[0]), 1, reuse)
        for _ in range(data[1] if len(data) > 1 else 0):
            driver.world.step()
        Script(driver, data[2:]).play()
        driver.calm()
