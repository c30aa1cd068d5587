"""A hall with a scanner, and devices within its reach or not; asked as the control port is."""

import json
from typing import Any

from simulation.control import ControlServer
from simulation.floor_plan import FloorPlan, Kind, Spot
from simulation.places import Place
from simulation.world import Plan, World

from .conftest import SUPERVISION_TIMEOUT

REACH = 10.0
NEAR, FAR, FARTHER = Place(1.0, 0.0), Place(15.0, 0.0), Place(500.0, 0.0)


def plan(timeout: float = SUPERVISION_TIMEOUT, **devices: Place) -> Plan:
    """A scanner in the hall, and Eve near to it."""
    spots = [Spot(Kind.SCANNER, "hall", Place(0.0, 0.0)), *(Spot(Kind.DEVICE, name, place) for name, place in devices.items())]
    return Plan(loss=0, eve_loss=0, floor=FloorPlan(tuple(spots), NEAR, REACH), supervision_timeout=timeout)


def ask(world: World, command: str, **fields: object) -> dict[str, Any]:
    return ControlServer(world).answer(json.dumps({"command": command, **fields}).encode())
