"""Every state of every machine, with every kind of frame, well-formed, malformed and replayed (protocol.md 4 and 5).

Each leads to a state that the table allows, or it changes nothing and is counted.
"""

import pytest

from custom_components.self_secure.protocol.packets import FrameType
from experiments.soak.air import TO_DEVICE, TO_HUB

from .consequences import Observed, forms, linked
from .states import DEVICE_WAYS, HUB_WAYS, PAPER_DEVICE_WAYS, PAPER_HUB_WAYS, Way, reach, state_of

CASES = [
    *(("hybrid", TO_HUB, way) for way in HUB_WAYS),
    *(("hybrid", TO_DEVICE, way) for way in DEVICE_WAYS),
    *(("paper", TO_HUB, way) for way in PAPER_HUB_WAYS),
    *(("paper", TO_DEVICE, way) for way in PAPER_DEVICE_WAYS),
]
FORGERIES = 6  # of each type: their fields vary
pytestmark = pytest.mark.parametrize(("suite", "to", "way"), CASES, ids=[f"{suite}, {way}" for suite, _, way in CASES])


def test_the_state_is_there_while_frames_can_come(suite: str, to: str, way: Way) -> None:
    assert state_of(linked(reach(way, suite)), way.machine) == way.state


@pytest.mark.parametrize("kind", FrameType, ids=[kind.name for kind in FrameType])
def test_malformed(suite: str, to: str, way: Way, kind: FrameType) -> None:
    driver = reach(way, suite)
    linked(driver)
    harmful = []
    for name, data in forms(driver, kind, 1)[1].items():
        observed = Observed(driver, to)
        observed.give(data)
        harmful += [name] * (not observed.untouched())
    assert harmful == []


@pytest.mark.parametrize("kind", FrameType, ids=[kind.name for kind in FrameType])
def test_forged(suite: str, to: str, way: Way, kind: FrameType) -> None:
    driver = reach(way, suite)
    linked(driver)
    complaints = []
    for seed in range(FORGERIES):
        data, _ = forms(driver, kind, seed)
        observed = Observed(driver, to)
        observed.give(data)
        complaints += observed.complaints(data, forged=True)
    assert complaints == []


def test_replayed(suite: str, to: str, way: Way) -> None:
    """All that was ever sent to this side, once more."""
    driver = reach(way, suite)
    linked(driver)
    complaints = []
    for sent in [sent for sent in driver.world.air.archive if sent.way == to]:
        observed = Observed(driver, to)
        observed.give(sent.data)
        complaints += observed.complaints(sent.data, forged=False)
    assert complaints == []
