"""Who takes part in a world of the demo, and where they stand."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the demo's devices: its short key on the terminal, the name it advertises, its profile, its place in metres; whether it relays."""

    key: str
    name: str
    profile: str
    place: tuple[float, float] = (0.0, 0.0)
    relay: bool = False


@dataclass(frozen=True, slots=True)
class Receiver:
    """A place where a Home Assistant listens; each home has its own."""

    name: str
    place: tuple[float, float]
    home: int = 1


@dataclass(frozen=True, slots=True)
class Cast:
    """The devices, and the floor plan where places matter: without receivers everybody hears everybody."""

    kinds: tuple[Kind, ...]
    receivers: tuple[Receiver, ...] = ()
    reach: float | None = None  # metres

    @property
    def plan(self) -> dict[str, Any]:
        """Return the floor plan as `python -m simulation --plan` reads it."""
        radios = [{"kind": "scanner", "name": one.name, "x": one.place[0], "y": one.place[1], "home": one.home} for one in self.receivers]
        radios += [{"kind": "device", "name": one.key, "x": one.place[0], "y": one.place[1]} for one in self.kinds]
        return {"radios": radios} | ({} if self.reach is None else {"reach": self.reach})


THREE = Cast(
    (
        Kind("thermometer", "Thermometer", "thermometer"),
        Kind("door", "Front door", "door"),
        Kind("display", "Display", "display"),
    )
)
"""What a person finds who starts the demo."""

_ROOMS = ("Kitchen", "Bath", "Bedroom", "Cellar", "Attic", "Office", "Hall", "Garage")
_AT_THE_WALL = (9.0, 2.0)

MANY = Cast(
    (
        Kind("first", "Thermometer", "thermometer", (3.0, 3.0)),
        *(Kind(room.lower(), f"{room} thermometer", "thermometer", (1.0 + number, 5.0)) for number, room in enumerate(_ROOMS)),
        Kind("shared", "Shared display", "display", _AT_THE_WALL),
    ),
    (Receiver("living room", (2.0, 0.0)), Receiver("stairs", (7.0, 0.0)), Receiver("neighbour", (16.0, 0.0), home=2)),
    reach=15.0,
)
"""Two homes side by side: one has nine devices of its own, one display at the wall belongs to both."""

RELAY = Cast(
    (
        Kind("door", "Front door", "door", (9.0, 2.0), relay=True),
        Kind("lamp", "Hall display", "display", (9.0, -2.0), relay=True),
        Kind("garden", "Garden display", "display", (18.0, 0.0)),
    ),
    (Receiver("living room", (0.0, 0.0)),),
    reach=15.0,
)
"""A display at the end of the garden, which only the two relays on the way there hear."""
