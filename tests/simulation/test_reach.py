"""What distance does: the reach, the strength, and losses that are exactly those of the propagation model."""

from itertools import pairwise
import math
import subprocess
import sys

import pytest

from simulation.places import NEAREST, Place, rssi
from simulation.propagation import SENSITIVITY, Air, Hearing
from simulation.reach import ADDRESS_BYTES, Reach

HERE = Place(0.0, 0.0)
DATA = bytes(31)
PAYLOAD = ADDRESS_BYTES + len(DATA)
NATURAL = 100.0  # metres at which the model's mean power is the usual sensitivity


def at(metres: float) -> Place:
    return Place(metres, 0.0)


def losses(reach: Reach, metres: float, packets: int, receiver: str = "scanner", sender: str = "device") -> list[bool]:
    return [reach.loses(reach.send(sender, HERE, DATA), receiver, at(metres)) for _ in range(packets)]


def test_without_a_reach_distance_decides_nothing() -> None:
    reach = Reach(1)
    assert reach.covers(HERE, at(1e6))
    assert losses(reach, 1e6, 200) == [False] * 200
    assert [reach.strength(HERE, at(metres)) for metres in (1, 10, 200)] == [rssi(HERE, at(metres)) for metres in (1, 10, 200)]


@pytest.mark.parametrize("metres", [5.0, 12.0, 40.0])
def test_the_reach_is_where_the_usual_sensitivity_lies(metres: float) -> None:
    reach = Reach(1, metres)
    assert reach.covers(HERE, at(metres))
    assert not reach.covers(HERE, at(math.nextafter(metres, math.inf)))
    assert reach.strength(HERE, at(metres)) == SENSITIVITY
    assert reach.strength(HERE, at(metres / 10)) == SENSITIVITY + 24


def test_a_reach_of_100_metres_is_the_model_itself() -> None:
    reach = Reach(1, NATURAL)
    assert [reach.strength(HERE, at(metres)) for metres in (1, 10, 99)] == [rssi(HERE, at(metres)) for metres in (1, 10, 99)]


@pytest.mark.parametrize("share", [0.1, 0.7, 1.0])
def test_losses_are_those_of_the_model_at_the_stretched_distance(share: float) -> None:
    air, hearing = Air("7/device/False"), Hearing("7/scanner/device/False", share * NATURAL, shadowing=0.0)
    expected = [hearing.lost(air.moment(PAYLOAD), PAYLOAD) for _ in range(500)]
    assert losses(Reach(7, 12.0), share * 12.0, 500) == expected
    assert True in expected


def test_losses_grow_with_the_distance_to_about_every_second_packet() -> None:
    shares = [sum(losses(Reach(1, 10.0), metres, 3000)) / 3000 for metres in (1.0, 4.0, 7.0, 9.0, 10.0)]
    assert all(near < far for near, far in pairwise(shares))
    assert shares[0] < 0.1
    assert 0.4 < shares[-1] < 0.6


def test_a_seed_repeats_and_other_senders_and_receivers_change_nothing() -> None:
    alone, beside = Reach(1, 10.0), Reach(1, 10.0)
    expected = losses(alone, 8.0, 200)
    found = []
    for _ in range(200):
        losses(beside, 8.0, 1, sender="other")
        packet = beside.send("device", HERE, DATA)
        beside.loses(packet, "other", at(9.0))
        found.append(beside.loses(packet, "scanner", at(8.0)))
    assert found == expected
    assert losses(Reach(2, 10.0), 8.0, 200) != expected


def test_scan_responses_have_random_numbers_of_their_own() -> None:
    alone, beside = Reach(1, 10.0), Reach(1, 10.0)
    expected = losses(alone, 8.0, 200)
    responses = [beside.loses(beside.send("device", HERE, DATA, response=True), "scanner", at(8.0)) for _ in range(200)]
    assert losses(beside, 8.0, 200) == expected
    assert responses != expected


def test_who_comes_nearer_loses_less_from_the_next_packet_on() -> None:
    reach = Reach(1, 10.0)
    assert sum(losses(reach, 10.0, 1000)) > 3 * sum(losses(reach, 3.0, 1000))


@pytest.mark.parametrize("metres", [NEAREST, 0.0, -1.0, math.nan])
def test_no_reach_at_all_is_refused(metres: float) -> None:
    Reach(1, math.nextafter(NEAREST, math.inf))
    with pytest.raises(ValueError, match=r"the reach must be more than 0\.3 metres"):
        Reach(1, metres)


@pytest.mark.parametrize("coordinate", [math.nan, math.inf, -math.inf])
def test_a_place_is_finite(coordinate: float) -> None:
    with pytest.raises(ValueError, match="finite coordinates"):
        Place(coordinate, 0.0)
    with pytest.raises(ValueError, match="finite coordinates"):
        Place(0.0, coordinate)


def test_importable_without_bumble() -> None:
    code = "import sys, simulation.reach, simulation.floor_plan; sys.exit('bumble' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0  # noqa: S603  # our own interpreter
