"""The floor plan: what a file may say, what it is refused for, and what stands where without one."""

import json
import math
from pathlib import Path

import pytest

from simulation.floor_plan import MAX_RADIOS, FloorPlan, Kind, Spot, corridor, read
from simulation.places import EVE_PLACE, Place
from simulation.world import Plan

SCANNER = {"kind": "scanner", "name": "hall", "x": 0, "y": 0}
DEVICE = {"kind": "device", "name": "lamp", "x": 4.5, "y": -3}


def written(folder: Path, told: object) -> Path:
    path = folder / "plan.json"
    path.write_text(json.dumps(told), encoding="utf-8")
    return path


def test_a_whole_plan(tmp_path: Path) -> None:
    told = {"radios": [DEVICE, {**SCANNER, "home": 2}], "eve": {"x": 1, "y": 2}, "reach": 12}
    lamp, hall = Spot(Kind.DEVICE, "lamp", Place(4.5, -3.0)), Spot(Kind.SCANNER, "hall", Place(0.0, 0.0), 2)
    plan = read(written(tmp_path, told))
    assert plan == FloorPlan((lamp, hall), Place(1.0, 2.0), 12)
    assert (plan.of(Kind.SCANNER), plan.of(Kind.DEVICE)) == ([hall], [lamp])


def test_what_a_plan_need_not_say(tmp_path: Path) -> None:
    plan = read(written(tmp_path, {"radios": [SCANNER]}))
    assert (plan.spots[0].home, plan.eve, plan.reach) == (1, EVE_PLACE, math.inf)


@pytest.mark.parametrize(
    ("told", "cause"),
    [
        ([], "expected a mapping"),
        ({}, "required key not provided at 'radios'"),
        ({"radios": [{**SCANNER, "kind": "hub"}]}, r"value must be one of .* at 'radios\[0\]\.kind'"),
        ({"radios": [DEVICE, {**SCANNER, "x": "3"}]}, r"expected int or float at 'radios\[1\]\.x'"),
        ({"radios": [{**SCANNER, "z": 1}]}, r"'radios\[0\]\.z'"),
        ({"radios": [], "range": 12}, "'range'"),
        ({"radios": [{**SCANNER, "home": 0}]}, r"'radios\[0\]\.home'"),
        ({"radios": [{**DEVICE, "home": 1}]}, "only a scanner belongs to a home, not lamp"),
        ({"radios": [SCANNER, SCANNER]}, "a name of its own, and not 'eve': 'hall'"),
        ({"radios": [{**DEVICE, "name": "eve"}]}, "a name of its own, and not 'eve': 'eve'"),
        ({"radios": [{**DEVICE, "name": ""}]}, "a name of its own"),
        ({"radios": [{**DEVICE, "y": math.nan}]}, "a place needs finite coordinates"),
        ({"radios": [], "reach": 0}, "the reach must be more than"),
        ({"radios": [{**SCANNER, "name": str(i)} for i in range(MAX_RADIOS + 1)]}, "between 0 and 64"),
    ],
)
def test_bad_plan_is_refused_with_file_and_cause(tmp_path: Path, told: object, cause: str) -> None:
    with pytest.raises(ValueError, match=rf"plan\.json: .*{cause}"):
        read(written(tmp_path, told))


def test_what_is_no_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_bytes(b"{\xff")
    with pytest.raises(ValueError, match=r"plan\.json: "):
        read(tmp_path / "plan.json")


def test_most_radios_are_allowed() -> None:
    assert len(corridor(MAX_RADIOS, MAX_RADIOS).spots) == 2 * MAX_RADIOS


@pytest.mark.parametrize(("scanners", "devices"), [(-1, 0), (0, -1), (MAX_RADIOS + 1, 0), (0, MAX_RADIOS + 1)])
def test_impossible_numbers_of_radios(scanners: int, devices: int) -> None:
    with pytest.raises(ValueError, match="between 0 and 64"):
        Plan(scanners=scanners, devices=devices)


def test_a_plan_of_the_world_takes_its_floor_and_another_reach() -> None:
    floor = FloorPlan((Spot(Kind.DEVICE, "lamp", Place(0.0, 0.0)),), reach=12.0)
    assert Plan(floor=floor).layout() == floor
    assert Plan(floor=floor, reach=5.0).layout() == FloorPlan(floor.spots, reach=5.0)
    assert Plan().layout() == corridor(2, 3)
    with pytest.raises(ValueError, match="the reach must be"):
        Plan(reach=0.0)
