"""The worlds of the demo: their floor plans, and what their steps conclude."""

import json
import os
from pathlib import Path
import re
import subprocess
import sys
from typing import Any

import pytest

from demo.bulk import _addresses
from demo.cast import MANY, RELAY, THREE, Cast, Kind
from demo.errors import DemoError
from demo.folder import Folder
from demo.memory import holds
from demo.worlds.many import stored_keys
from demo.worlds.scenes import SCENES, Scene
from simulation.floor_plan import read
from simulation.places import Place


class Named:
    """A device as far as a list of devices knows it."""

    def __init__(self, name: str) -> None:
        self.name = name


def listed(*labels: str) -> dict[str, Any]:
    options = [{"value": f"address {number}", "label": label} for number, label in enumerate(labels)]
    return {"data_schema": [{"name": "devices", "selector": {"select": {"options": options}}}]}


def test_the_plan_of_many_is_one_that_the_simulation_reads(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(MANY.plan), encoding="utf-8")
    plan = read(path)
    assert len(plan.spots) == len(MANY.kinds) + len(MANY.receivers)
    assert {spot.home for spot in plan.spots if spot.home} == {1, 2}


def test_the_shared_device_is_heard_in_both_homes_and_the_others_in_one() -> None:
    reach = MANY.reach or 0.0
    shared = next(Place(*one.place) for one in MANY.kinds if one.key == "shared")
    assert all(Place(*one.place).distance(shared) < reach for one in MANY.receivers)


def test_the_far_device_is_heard_by_both_relays_and_not_in_the_house() -> None:
    far = Place(*next(one for one in RELAY.kinds if not one.relay).place)
    house = Place(*RELAY.receivers[0].place)
    relays = [Place(*one.place) for one in RELAY.kinds if one.relay]
    reach = RELAY.reach or 0.0
    assert far.distance(house) > reach
    assert all(max(one.distance(far), one.distance(house)) < reach for one in relays)
    assert len(relays) == 2


@pytest.mark.parametrize("scene", SCENES.values(), ids=list(SCENES))
def test_a_person_is_told_to_type_what_there_is(scene: Scene) -> None:
    keys = {kind.key for kind in scene.cast.kinds}
    _, typed = scene.hint.format(method="").split("Type here, as if you stood in front of a device:")
    columns = [words for line in typed.splitlines() for words in re.split(r" {3,}", line.strip()) if re.match(r"[a-z]+ [a-z]", words)]
    assert columns
    assert {words.split()[0] for words in columns} <= keys


def test_each_home_has_a_folder_of_its_own(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    assert folder.home(1) is folder
    assert folder.home(2).root == tmp_path / "home_2"
    assert folder.home(2).logs.is_dir()


def test_without_receivers_there_is_no_plan_to_follow() -> None:
    assert THREE.receivers == ()
    assert "reach" not in Cast((Kind("one", "One", "door"),)).plan


def test_each_device_is_found_in_the_list_by_its_name() -> None:
    step = listed("Hall (AA), -50 dBm", "Hall thermometer (BB), -60 dBm")
    assert _addresses(step, [Named("Hall thermometer"), Named("Hall")]) == ["address 1", "address 0"]  # type: ignore[list-item]  # only their names count


def test_a_device_that_the_list_lacks_is_named() -> None:
    with pytest.raises(DemoError, match="the list lacks Cellar"):
        _addresses(listed("Hall (AA), -50 dBm"), [Named("Cellar")])  # type: ignore[list-item]  # as above


def test_all_keys_of_a_storage_are_read(tmp_path: Path) -> None:
    storage = tmp_path / "home_assistant" / ".storage"
    storage.mkdir(parents=True)
    for name, keys in (("ab", {"0": "k1", "1": "k2"}), ("cd", {"0": "k3"})):
        (storage / f"self_secure.{name}").write_text(json.dumps({"data": {"pairings": [{"keys": keys}]}}), encoding="utf-8")
    (storage / "self_secure.hub").write_text(json.dumps({"data": {"hub_id": "x"}}), encoding="utf-8")
    assert sorted(stored_keys(Folder(tmp_path))) == ["k1", "k2", "k3"]


PROGRAM = "import sys; held = bytes.fromhex(sys.stdin.readline()); print('has it', flush=True); sys.stdin.read()"


def test_the_memory_of_a_running_program_is_searched() -> None:
    known, unknown = os.urandom(16), os.urandom(16)
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as program:  # noqa: S603  # our own words
        assert program.stdin is not None
        assert program.stdout is not None
        print(known.hex(), file=program.stdin, flush=True)
        assert program.stdout.readline() == "has it\n"
        assert holds(program.pid, [known, unknown]) == [known]
