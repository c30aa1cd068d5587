"""The floor plan: which radios there are, where they stand, to which home a scanner belongs. Pure; may be read from JSON."""

from dataclasses import dataclass
from enum import StrEnum
import json
import math
from pathlib import Path
from typing import Any

import probatio as vol

from simulation.places import EVE_PLACE, NEAREST, Place, device_place, scanner_place

MAX_RADIOS = 64
"""Scanners, and devices: more would not fit into one byte of their addresses' plan, nor on one machine."""
EVE = "eve"
"""Her name; no radio may have it."""


class Kind(StrEnum):
    """What a radio is for: Home Assistant listens through scanners, device programs run on devices."""

    SCANNER = "scanner"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Spot:
    """One radio of the plan; `home`, counted from 1, tells the Home Assistants apart that scanners belong to (a device belongs to none)."""

    kind: Kind
    name: str
    place: Place
    home: int = 1


@dataclass(frozen=True, slots=True)
class FloorPlan:
    """Where everything stands, and how many metres a radio is heard (infinite: everywhere, as if distance did not matter).

    Raises:
        ValueError: two radios have one name, or Eve's; too many radios; no reach.
    """

    spots: tuple[Spot, ...]
    eve: Place = EVE_PLACE
    reach: float = math.inf

    def __post_init__(self) -> None:
        names = [spot.name for spot in self.spots]
        if taken := sorted({name for name in names if names.count(name) > 1 or name in ("", EVE)}):
            raise ValueError(f"each radio needs a name of its own, and not {EVE!r}: {', '.join(map(repr, taken))}")
        if max(len(self.of(kind)) for kind in Kind) > MAX_RADIOS:
            raise ValueError(f"between 0 and {MAX_RADIOS} scanners and devices are possible")
        if not self.reach > NEAREST:
            raise ValueError(f"the reach must be more than {NEAREST} metres, not {self.reach}")

    def of(self, kind: Kind) -> list[Spot]:
        """All scanners, or all devices."""
        return [spot for spot in self.spots if spot.kind is kind]


def corridor(scanners: int, devices: int) -> FloorPlan:
    """Scanners along a corridor and devices on its other side, all in one home; distance does not matter.

    Raises:
        ValueError: too many, or fewer than none.
    """
    if min(scanners, devices) < 0:
        raise ValueError(f"between 0 and {MAX_RADIOS} scanners and devices are possible")
    along = [Spot(Kind.SCANNER, f"scanner-{i + 1}", scanner_place(i)) for i in range(scanners)]
    across = [Spot(Kind.DEVICE, f"device-{i + 1}", device_place(i)) for i in range(devices)]
    return FloorPlan((*along, *across))


NUMBER = vol.Any(int, float)
POINT = {vol.Required("x"): NUMBER, vol.Required("y"): NUMBER}
RADIO = {vol.Required("kind"): vol.In([kind.value for kind in Kind]), vol.Required("name"): str, **POINT}
HOME = vol.All(int, vol.Range(min=1))
FILE = vol.Schema({vol.Required("radios"): [{**RADIO, "home": HOME}], "eve": POINT, "reach": NUMBER})
"""What a plan's file may say; `home` is 1 when a scanner has none."""


def read(path: Path) -> FloorPlan:
    """Read a plan's file: JSON as `FILE` describes it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such plan; the text names file, place and cause.
    """
    try:
        return _decode(FILE(json.loads(path.read_bytes())))
    except (vol.Invalid, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _decode(told: dict[str, Any]) -> FloorPlan:
    if stray := [radio["name"] for radio in told["radios"] if radio["kind"] == Kind.DEVICE and "home" in radio]:
        raise ValueError(f"only a scanner belongs to a home, not {', '.join(stray)}")
    spots = (Spot(Kind(radio["kind"]), radio["name"], _place(radio), radio.get("home", 1)) for radio in told["radios"])
    eve = _place(told["eve"]) if "eve" in told else EVE_PLACE
    return FloorPlan(tuple(spots), eve, told.get("reach", math.inf))


def _place(told: dict[str, Any]) -> Place:
    return Place(float(told["x"]), float(told["y"]))
