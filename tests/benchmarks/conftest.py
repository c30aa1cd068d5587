"""A couple that is paired once; every test works on copies of it."""

from collections.abc import Callable

import pytest

from benchmarks.couple import PER_EPOCH, Couple
from benchmarks.readings import objects
from custom_components.self_secure.protocol.events import MessageType

type Told = Callable[[int], list[bytes]]


@pytest.fixture(scope="session")
def paired() -> Couple:
    return Couple().pair()


@pytest.fixture(scope="session")
def told(paired: Couple) -> Told:
    """Return what the hub gets to hear of an epoch's readings, by their size."""

    def fragments(size: int) -> list[bytes]:
        couple = paired.fork()
        for number in range(PER_EPOCH):
            couple.report(MessageType.READINGS, objects(size, number))
        return [arguments[0] for name, arguments in couple.hub_tape if name == "receive"]

    return fragments
